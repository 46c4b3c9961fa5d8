"""The checks over all files of a delivery: keys, references, ids and codes, each one query over the facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ibis

from hub.engine import count, keep
from hub.standards.validation.edfi_extract import PART, Slot
from hub.standards.validation.edfi_tally import Tally
from hub.standards.validation.findings import Known


@dataclass(frozen=True)
class Delivery:
    """`facts` is the table of all files; `files` and `slots` are what its numbers mean; `bases`: entity -> its base."""

    con: Any
    facts: Any
    files: Sequence[str]
    slots: Sequence[Slot]
    bases: dict[str, str]
    line: Callable[[int, int], int | None]
    tally: Tally

    def of(self, kind: str) -> Any:
        return self.facts.filter(self.facts["kind"] == kind)

    def all(self, kinds: set[str], listed: bool, known: Known | None) -> set[str]:
        """Every check for which there are facts. Returns what `references` does."""
        if kinds & {"key", "code", "id"}:
            self.duplicates(kinds)
        if "by_id" in kinds:
            self.ids()
        if "descriptor" in kinds:
            self.codes(listed)
        return self.references(known) if "reference" in kinds else set()

    def tell(self, rule: str, broken: Any, column: Callable[[Slot], str], detail: Callable[[Slot], str]) -> None:
        """Counts the rows per file and slot and shows the first of them."""
        if not count(self.con, broken):  # the usual answer, in a tenth of the time
            return
        limit = self.tally.judge.max_per_rule
        window = {"group_by": [broken["file"], broken["slot"]]}
        counted = broken.mutate(
            n=broken.count().over(**window), nth=ibis.row_number().over(**window, order_by=broken["row"])
        )
        shown = counted.filter(counted["nth"] < limit).order_by("file", "slot", "row")
        heaps: dict[tuple[int, int], list[tuple[int, int, str]]] = {}
        for r in self.con.to_pyarrow(shown.select("file", "slot", "row", "n", "value")).to_pylist():
            heaps.setdefault((r["file"], r["slot"]), []).append((r["row"], r["n"], r["value"]))
        for (file, slot), places in heaps.items():
            rows = [row for row, _, _ in places]
            lines = [self.line(file, row) for row in rows]
            said = self.slots[slot]
            self.tally.many(rule, self.files[file], column(said), places[0][1], rows, lines, detail(said))

    def with_bases(self, rows: Any) -> Any:
        """The rows, and those of entities that extend another once more as rows of that."""
        above = rows.filter(rows["target"].isin(sorted(self.bases)))
        return ibis.union(rows, above.mutate(target=above["target"].substitute(self.bases)))

    def duplicates(self, kinds: set[str]) -> None:
        """Records that share their natural key with another, in any file; ids that stand twice in one."""
        for kind in sorted(kinds & {"key", "code"}):
            self.tell("edfi.key.duplicate", _repeated(self.of(kind), "target", "value"), _record, _by_key)
        if "id" in kinds:
            self.tell("edfi.key.duplicate_id", _repeated(self.of("id"), "file", "value"), _place, _nothing)

    def references(self, known: Known | None) -> set[str]:
        """References that resolve nowhere. Returns the entities referred to of which no record is known at all."""
        keys = self.of("key").select("target", "value")
        present = keep(self.con, "present", self.with_bases(keys))
        pointed = self.of("reference")
        targets = set(self.con.to_pyarrow(pointed.select("target").distinct())["target"].to_pylist())
        held = set(self.con.to_pyarrow(present.select("target").distinct())["target"].to_pylist())
        loose = pointed.anti_join(present, ["target", "value"])
        for target in sorted(targets):
            paths = [p for e in (target, *_extending(self.bases, target)) if known and (p := known(e)) is not None]
            for path in paths:
                held.add(target)
                digest = loose["value"].replace(PART, "\x1f").hexdigest("md5")
                keys_of = self.con.read_parquet(path)
                met = loose.mutate(_key=digest).filter(loose["target"] == target).semi_join(keys_of, "_key")
                loose = loose.anti_join(met, ["target", "value"])
        loose = loose.filter(loose["target"].isin(sorted(held))) if held else loose.filter(ibis.literal(False))
        self.tell("edfi.reference.unresolved", loose, _place, _wants)
        return targets - held

    def ids(self) -> None:
        """References by ref to an id that the document does not give, gives twice, or gives to another kind."""
        ids = self.of("id").select("file", "target", "value")
        given = ids.anti_join(_repeated(ids, "file", "value"), ["file", "value"])
        loose = self.of("by_id").anti_join(self.with_bases(given), ["file", "target", "value"])
        self.tell("edfi.reference.id", loose, _place, _wants)

    def codes(self, listed: bool) -> None:
        """Descriptor values that are no default of the standard: their form, their type, whether the delivery has them.

        `listed`: every default code of this version is known.
        """
        met = self.of("descriptor")
        own = self.of("code").select("target", "value").distinct()
        left = keep(self.con, "left_codes", met.anti_join(own, ["target", "value"]))
        form = left["value"].re_search(r"^[a-z][a-z0-9+.-]*://[^#]+/[^#/]+#.+$")
        malformed, formed = left.filter(~form), left.filter(form)
        kind = formed["value"].re_extract(r"^[^#]*/([^#/]+)#", 1)
        wrong = formed.filter(kind != formed["target"])
        right = formed.filter(kind == formed["target"])
        standard = right["value"].startswith("uri://ed-fi.org/")
        self.tell("edfi.vocabulary.malformed", malformed, _place, _wants)
        self.tell("edfi.vocabulary.type", wrong, _place, _wants)
        self.tell("edfi.vocabulary.open", right.filter(~standard), _place, _wants)
        if listed:
            self.tell("edfi.vocabulary.unknown", right.filter(standard), _place, _wants)


def removed(con: Any, earlier: Any, later: Any) -> list[tuple[str, int, int]]:
    """(entity, records that the earlier facts have, how many of them the later ones lack), where any is lacking."""
    had = earlier.filter(earlier["kind"].isin(["key", "code"])).select("target", "value").distinct()
    has = later.filter(later["kind"].isin(["key", "code"])).select("target", "value", here=ibis.literal(1)).distinct()
    both = had.left_join(has, ["target", "value"])
    counted = both.group_by("target").aggregate(had=both.count(), gone=both["here"].isnull().sum())
    rows = con.to_pyarrow(counted.filter(counted["gone"] > 0).order_by("target")).to_pylist()
    return [(r["target"], int(r["had"]), int(r["gone"])) for r in rows]


def _repeated(rows: Any, *by: str) -> Any:
    counted = rows.group_by(*by).aggregate(copies=rows.count())
    return rows.semi_join(counted.filter(counted["copies"] > 1), list(by))


def _extending(bases: dict[str, str], base: str) -> list[str]:
    return [name for name, found in bases.items() if found == base]


def _record(slot: Slot) -> str:
    return slot.record


def _place(slot: Slot) -> str:
    return f"{slot.record}/{slot.path}" if slot.path else slot.record


def _nothing(_: Slot) -> str:
    return ""


def _by_key(slot: Slot) -> str:
    return f"Key: {slot.detail}." if slot.detail else ""


def _wants(slot: Slot) -> str:
    return f"Its place is for {slot.target}."
