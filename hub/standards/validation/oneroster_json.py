"""OneRoster REST objects as JSON, 1.1 or 1.2: payloads of many or of one, lists and lines, judged in one run.

Authority: OneRoster 1.1 and 1.2 REST bindings (rostering, gradebook, resources).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hub.errors import FixConfiguration
from hub.standards.oneroster_layout import binding
from hub.standards.oneroster_objects import Property, kinds, wrappers
from hub.standards.validation.archive import Feed, SentFile
from hub.standards.validation.connection import Connection
from hub.standards.validation.difference import judge_difference
from hub.standards.validation.edfi_tally import Tally
from hub.standards.validation.findings import FileRead, Known, Progress, Validation, silent
from hub.standards.validation.oneroster import MEMORY
from hub.standards.validation.oneroster_cells import functions
from hub.standards.validation.oneroster_object_rows import Heaps, ObjectJudge
from hub.standards.validation.oneroster_object_values import fault
from hub.standards.validation.oneroster_payloads import met, version_of
from hub.standards.validation.oneroster_references import judge_cycles, judge_keys, judge_references
from hub.standards.validation.oneroster_semantics import judge_checks
from hub.standards.validation.profiles import Judge

_NAME = 80
_REFERENCE = (
    Property("href", "uri", required=True),
    Property("sourcedId", "guid", required=True),
    Property("type", "string", required=True),
)


def validate_objects(
    feed: Feed,
    workdir: Path,
    judge: Judge,
    *,
    version: str | None = None,
    kind: str | None = None,
    previous: Feed | None = None,
    store: Known | None = None,
    progress: Progress = silent,
) -> Validation:
    """All findings of JSON files of one delivery. A finding's row is the object's number in its file, its column the
    property's path, `roles.org.sourcedId`.

    `kind` names the objects (collection or single) where neither a wrapper nor the file's name does. References are
    judged where the delivery holds the collection they lead to, or `store` says what is published of it. Raises
    FixConfiguration for an unknown version or kind.
    """
    if kind is not None and kind not in wrappers():
        raise FixConfiguration(f"There is no OneRoster object {kind}.", f"Choose one of {', '.join(wrappers())}.")
    chosen = binding(version) if version else version_of(feed.files, kind or "")
    heaps, tally = Heaps(chosen), Tally(judge)
    reads = []
    for i, file in enumerate(feed.files):
        progress("reading", i, len(feed.files))
        reads.append(FileRead(file.name, _read(file, i, chosen, kind or "", heaps, tally)))
    tally.close()
    notes: list[str] = []
    con = Connection(workdir / "spill", MEMORY)
    try:
        progress("keys, references and meaning", 0, 0)
        con.run(functions())
        objects = ObjectJudge(judge, heaps, [f.name for f in feed.files])
        _judge_all(con, objects, heaps, previous, store, kind or "", notes)
    finally:
        con.close()
    return Validation("OneRoster", version or chosen, judge.profile.name, tuple(reads), judge.sorted(), tuple(notes))


def _judge_all(
    con: Connection,
    judge: ObjectJudge,
    heaps: Heaps,
    previous: Feed | None,
    store: Known | None,
    kind: str,
    notes: list[str],
) -> None:
    tables = heaps.tables(con)
    known = {}
    if previous is not None:
        before, quiet = Heaps(heaps.version), Tally(Judge(judge.profile))
        for i, file in enumerate(previous.files):
            _read(file, i, heaps.version, kind, before, quiet)
        known = {n: t for n, t in before.tables(con, "before__").items() if n in kinds(heaps.version)}
        judge_difference(con, judge, tables, known, notes)
    for name, table in tables.items():
        if name in kinds(heaps.version):
            judge_keys(con, judge, table)
            judge_cycles(con, judge, table)
    unjudged = judge_references(con, judge, tables, known, store, packaged=False)
    judge_checks(con, judge, tables, heaps.version)
    if unjudged:
        notes.append(f"{unjudged:,} references to objects outside this delivery were not judged.")


def _read(file: SentFile, number: int, version: str, kind: str, heaps: Heaps, tally: Tally) -> int:
    """Judges every object of one file by itself. Returns how many there are."""
    row = count = 0
    known = kinds(version)
    for found in met(file, kind):
        row += 1
        if found.wrapper:
            tally.add("oneroster.json.wrapper", file.name, found.wrapper[:_NAME], line=found.line)
        for name in found.beside:
            tally.add("oneroster.json.unknown_property", file.name, name[:_NAME], line=found.line)
        if found.fault or found.kind not in known:
            empty = found.fault == "oneroster.json.empty"
            tally.add(found.fault or "oneroster.json.unknown_kind", file.name, "", None if empty else row, found.line)
            continue
        count += 1
        said = known[found.kind]
        clause = f"OneRoster {version} REST binding, {said.name}"
        _Object(file.name, row, found.line, clause, tally).inside(found.value, said.properties, "")
        heaps.add(said, found.value, number, row, found.single)
    return count


class _Object:
    """Judges one object. `clause` names it as the standard does."""

    def __init__(self, file: str, row: int, line: int | None, clause: str, tally: Tally) -> None:
        self.file, self.row, self.line, self.clause, self.tally = file, row, line, clause, tally

    def inside(self, value: dict[str, Any], properties: Sequence[Property], before: str) -> None:
        """The properties of the object, or of a part of it."""
        known = {p.name for p in properties}
        for name in value:
            if name not in known:
                self.tell("oneroster.json.unknown_property", f"{before}{name[:_NAME]}")
        for said in properties:
            path = f"{before}{said.name}"
            if value.get(said.name) is not None:
                self.property(value[said.name], said, path)
            elif said.required:
                self.tell("oneroster.json.missing", path)
            elif said.name in value:
                self.tell("oneroster.json.null", path)

    def property(self, value: Any, said: Property, path: str) -> None:
        if not said.many:
            self.one(value, said, path)
        elif not isinstance(value, list):
            self.tell("oneroster.json.type", path)
        elif said.required and not value:
            self.tell("oneroster.json.missing", path)
        else:
            for item in value:
                if item is None or (isinstance(item, str) and not item.strip()):
                    self.tell("oneroster.type.list", path)
                else:
                    self.one(item, said, path)

    def one(self, value: Any, said: Property, path: str) -> None:
        if said.kind in ("open", "object", "reference"):
            if not isinstance(value, dict):
                self.tell("oneroster.json.type", path)
            elif said.kind == "reference":
                self.reference(value, said, path)
            elif said.kind == "object":
                self.inside(value, said.within, f"{path}.")
            return
        rule = fault(value, said)
        if rule:
            self.tell(rule, path, value)

    def reference(self, value: dict[str, Any], said: Property, path: str) -> None:
        self.inside(value, _REFERENCE, f"{path}.")
        kind = value.get("type")
        if isinstance(kind, str) and kind not in said.types:
            self.tell("oneroster.json.reference_type", f"{path}.type", kind)

    def tell(self, rule: str, path: str, value: Any = None) -> None:
        shown = None if value is None else str(value)[:200]
        self.tally.add(rule, self.file, path, self.row, self.line, shown, clause=f"{self.clause}, {path}")
