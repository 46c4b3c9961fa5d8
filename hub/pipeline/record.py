"""check and unify: the SourceStates of a slice become one record per natural key, and everything held has a reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis

from hub.engine import connect, count, keep, parquet, row_count, stacked, write_parquet
from hub.model import Count, Entity, HeldCount, RuleResult
from hub.standards.checks import (
    PLACE,
    Checked,
    count_by_source,
    drop_twins,
    resolve_references,
    with_digests,
)
from hub.standards.completion import complete_references, completions
from hub.standards.expectations import fields_read
from hub.standards.specs import dependency_order
from hub.unify.identity import apply, id_columns, resolve
from hub.unify.merge import merge

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Published:
    """What the store knows that a check needs: keys ever published, known ids, and decisions of reviews."""

    known_keys: Callable[[str], Path | None]
    identifiers: Path | None = None
    decisions: Path | None = None
    snapshot: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordSummary:
    """`record.json`: totals of check and unify; `held.parquet` beside it has the places."""

    counts: tuple[Count, ...]
    rules: tuple[RuleResult, ...]
    held: tuple[HeldCount, ...]
    repairs: dict[str, dict[str, int]]  # source -> rule -> rows


def build_record(
    states: Mapping[str, Path],
    authority: dict[str, int],
    entities: dict[str, Entity],
    published: Published,
    out: Path,
    *,
    identity: Mapping[str, str] | None = None,
    judge: Callable[..., tuple[RuleResult, ...]] | None = None,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> RecordSummary:
    """Writes `record/<Entity>.parquet`, `held.parquet` and `reviews.parquet` under `out`.

    `states` maps each source to its SourceState directory. A pure function of states, specs and `published`.
    """
    (out / "record").mkdir(parents=True, exist_ok=True)
    con = connect(scratch)
    try:
        return _Building(con, states, authority, entities, published, out, identity or {}, judge, progress).run()
    finally:
        con.disconnect()


class _Building:
    """Guards the state of one build: which keys are in the record so far, and what was held on the way."""

    def __init__(
        self,
        con: Any,
        states: Mapping[str, Path],
        authority: dict[str, int],
        entities: dict[str, Entity],
        published: Published,
        out: Path,
        identity: Mapping[str, str],
        judge: Callable[..., tuple[RuleResult, ...]] | None,
        progress: Progress | None,
    ) -> None:
        self.con, self.states, self.authority, self.entities = con, states, authority, entities
        self.published, self.out, self.identity, self.judge = published, out, identity, judge
        self.progress = progress or (lambda *_: None)
        self.counts: list[Count] = []
        self.rules: list[RuleResult] = []
        self.held: list[Any] = []
        self.reviews: list[Any] = []
        self.mended: dict[str, dict[str, int]] = {}
        self.crosswalk: Any = None
        self.no_keys: Any = None
        self.completed: list[str] = []  # tables as wide as the entity, to be dropped when it is done
        self.ever: dict[str, list[Any]] = {}  # entity -> every key ever published; the store proves its file each time

    def run(self) -> RecordSummary:
        present = {p.stem for s in self.states.values() for p in (s / "rows").glob("*.parquet")}
        order = [n for n in dependency_order(self.entities.values()) if n in present]
        self.no_keys = self.con.create_table("no_keys", schema=ibis.schema({"_key": "string"}))
        self._make_crosswalk()
        for done, name in enumerate(order):
            self.progress(f"check and unify {name}", done, len(order))
            self._one(self.entities[name])
        self._write_held()
        return RecordSummary(tuple(self.counts), tuple(self.rules), self._held_counts(), self.mended)

    def _one(self, entity: Entity) -> None:
        checked = Checked(entity.name)
        rows = self._load(entity, checked)
        rows = drop_twins(self.con, rows, entity, checked)
        rows = resolve_references(self.con, rows, entity, self._targets(entity, rows), self.entities, checked)
        if self.judge is not None:
            rows = self._judge(rows, entity, checked)
        sources = list(checked.rows_in)
        record, followers = merge(self.con, rows, entity, {s: self.authority[s] for s in sources}, with_digests)
        path = self.out / "record" / f"{entity.name}.parquet"
        write_parquet(self.con, record, path)
        alone = len(sources) == 1
        self._count(
            entity, checked, {sources[0]: row_count(path)} if alone else count_by_source(self.con, rows), followers
        )
        self.held += checked.held
        for name in (rows.get_name(), *self.completed):
            self.con.drop_table(name, force=True)
        self.completed = []

    def _load(self, entity: Entity, checked: Checked) -> Any:
        parts = []
        for source, state in sorted(self.states.items()):
            path = state / "rows" / f"{entity.name}.parquet"
            if not path.is_file():
                continue
            rows = parquet(self.con, path)
            checked.rows_in[source] = row_count(path)
            if id_columns(rows):
                rows = self._identify(rows, source, entity, checked)
            if completions(rows):
                name = f"{entity.name}_{source}"
                self.completed += [f"{name}_completed_{n}" for n in range(len(completions(rows)))]
                held, rows = complete_references(self.con, rows, entity, self._record, name)
                checked.hold(self.con, held)
            parts.append(rows.select(*[f.name for f in entity.fields], *PLACE))
        return keep(self.con, f"rows_{entity.name}", with_digests(stacked(parts), entity))

    def _identify(self, rows: Any, source: str, entity: Entity, checked: Checked) -> Any:
        decisions = None
        if self.published.decisions is not None:
            decisions = parquet(self.con, self.published.decisions)
            decisions = decisions.filter(decisions["source"] == source)
        people = resolve(self.con, rows, self.crosswalk, decisions, f"{entity.name}_{source}")
        found = apply(rows, people)  # not kept: what is asked of it here reads a few narrow columns
        mended = count(self.con, found.filter(found["_mended"]))
        if mended:
            mine = self.mended.setdefault(source, {})
            mine["identity.zero_restored"] = mine.get("identity.zero_restored", 0) + mended
        lost = found.filter(found["_rule"] != "")
        places = lost.select(
            *PLACE, entity=ibis.literal(entity.name), field=ibis.literal("studentUniqueId"), rule=lost["_rule"]
        )
        if checked.hold(self.con, places):
            review = lost.filter(lost["_rule"].isin(["identity.ambiguous", "identity.conflict"]))
            self.reviews.append(
                review.select(*PLACE, ids_digest=review["_ids"].hexdigest("sha256"), rule=review["_rule"])
            )
        return found.filter(found["_rule"] == "")

    def _make_crosswalk(self) -> None:
        """system, code, studentUniqueId: tonight's codes and students, and what the store knows of codes that did not
        come tonight: a student who has left keeps the results that were sent before."""
        own = ["studentUniqueId", *(s for s, v in self.identity.items() if v == "studentUniqueId")]
        schema = ibis.schema({"system": "string", "code": "string", "studentUniqueId": "string"})
        self.con.create_table("crosswalk", schema=schema)
        parts = []
        for state in self.states.values():
            codes, students = state / "rows" / "StudentIdentificationCode.parquet", state / "rows" / "Student.parquet"
            if codes.is_file():
                rows = parquet(self.con, codes)
                system = rows["studentIdentificationSystemDescriptor"].split("#")[1]
                parts.append(
                    rows.select(system=system, code=rows["identificationCode"], studentUniqueId="studentUniqueId")
                )
            if students.is_file():
                rows = parquet(self.con, students)
                parts += [_by_unique_id(rows, system) for system in own]
        if self.published.identifiers is not None:
            rows = parquet(self.con, self.published.identifiers)
            codes = rows.select(
                system=rows["system"].split("#")[1], code=rows["code"], studentUniqueId="studentUniqueId"
            )
            known = stacked([codes, *(_by_unique_id(rows, system) for system in own)])
            parts.append(known.anti_join(stacked(parts), ["system", "code"]) if parts else known)
        if parts:
            keep(self.con, "crosswalk", stacked(parts).distinct())
        self.crosswalk = self.con.table("crosswalk")

    def _targets(self, entity: Entity, rows: Any) -> dict[str, list[Any]]:
        """Tables of `_key` by referenced entity: tonight's and all ever published; a base takes its subclasses'."""
        targets: dict[str, list[Any]] = {}
        for reference in entity.references:
            names = [reference.entity, *(e.name for e in self.entities.values() if e.subclass_of == reference.entity)]
            own = [rows.select("_key")] if entity.name in names else []
            tables = [*own, *(t for name in names for t in self._keys(name, tonight=name != entity.name))]
            targets[reference.entity] = tables or [self.no_keys]
        return targets

    def _keys(self, name: str, *, tonight: bool) -> list[Any]:
        if name not in self.entities:
            return []
        if name not in self.ever:
            known = self.published.known_keys(name)
            self.ever[name] = [] if known is None else [parquet(self.con, known).select("_key")]
        return [*(self._tonight(name) if tonight else []), *self.ever[name]]

    def _record(self, name: str) -> Any | None:
        path = self.out / "record" / f"{name}.parquet"
        return parquet(self.con, path) if path.is_file() else None

    def _tonight(self, name: str) -> list[Any]:
        record = self.out / "record" / f"{name}.parquet"
        if record.is_file():
            return [parquet(self.con, record).select("_key")]
        # A circle of references: the rows as they came.
        paths = [s / "rows" / f"{name}.parquet" for s in self.states.values()]
        found = [parquet(self.con, p) for p in paths if p.is_file() and name in self.entities]
        return [with_digests(t, self.entities[name]).select("_key") for t in found]

    def _judge(self, rows: Any, entity: Entity, checked: Checked) -> Any:
        """Great Expectations sees the rows that are new or changed against what is published."""
        assert self.judge is not None  # noqa: S101
        snapshot = self.published.snapshot.get(entity.name)
        fresh = rows
        if snapshot is not None:
            fresh = rows.anti_join(parquet(self.con, snapshot).select("_key", "_hash"), ["_key", "_hash"])
        folder = self.out / "changed"
        folder.mkdir(exist_ok=True)
        before = len(checked.held)
        fresh = fresh.select(*fields_read(entity), *PLACE)
        for source in sorted(checked.rows_in):
            path, held = folder / f"{entity.name}.{source}.parquet", folder / f"{entity.name}.{source}.held.parquet"
            write_parquet(self.con, fresh.filter(fresh["_source"] == source), path)
            if row_count(path):
                self.rules += self.judge(path, entity, source, held)
            if held.is_file():
                checked.hold(self.con, parquet(self.con, held).select(*PLACE, "entity", "field", "rule"))
            path.unlink()
        lost = checked.held[before:]
        if not lost:
            return rows
        return keep(self.con, rows.get_name(), rows.anti_join(stacked(lost), ["_source", "_file", "_row", "_seq"]))

    def _count(self, entity: Entity, checked: Checked, accepted: dict[str, int], followers: dict[str, int]) -> None:
        for source, rows_in in checked.rows_in.items():
            ok = accepted.get(source, 0)
            ignored = checked.ignored.get(source, {})
            held = rows_in - ok - sum(ignored.values())
            self.counts.append(Count("check", source, "", entity.name, rows_in, ok, held, ignored))
            joined = followers.get(source, 0)
            reasons = {"unify.joined_another_source": joined} if joined else {}
            self.counts.append(Count("unify", source, "", entity.name, ok, ok - joined, 0, reasons))

    def _write_held(self) -> None:
        early = [s / "held.parquet" for s in self.states.values() if (s / "held.parquet").is_file()]
        parts = [*(parquet(self.con, p) for p in early), *self.held]
        columns = [*PLACE, "entity", "field", "rule"]
        if parts:
            whole = [p.select(*columns) for p in parts]
            write_parquet(self.con, stacked(whole), self.out / "held.parquet")
        if self.reviews:
            whole = self.reviews
            write_parquet(self.con, stacked(whole), self.out / "reviews.parquet")

    def _held_counts(self) -> tuple[HeldCount, ...]:
        path = self.out / "held.parquet"
        if not path.is_file():
            return ()
        rows = parquet(self.con, path)
        totals = rows.group_by(source="_source", entity="entity", field="field", rule="rule").aggregate(
            rows=rows.count()
        )
        found = self.con.to_pyarrow(totals.order_by(["source", "entity", "field", "rule"])).to_pylist()
        return tuple(HeldCount(r["source"], r["entity"], r["field"], r["rule"], int(r["rows"])) for r in found)


def _by_unique_id(rows: Any, system: str) -> Any:
    uid = rows["studentUniqueId"]
    return rows.select(system=ibis.literal(system), code=uid, studentUniqueId=uid)


def save_summary(summary: RecordSummary, path: Path) -> None:
    from dataclasses import asdict

    path.write_text(json.dumps(asdict(summary), indent=1), encoding="utf-8")
