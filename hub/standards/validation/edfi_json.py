"""One file of resource bodies: syntax, shape, and the facts that the checks over all files need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hub.standards.bodies import Body, Property, body, resources
from hub.standards.export.json_schema import READ_ONLY
from hub.standards.validation.edfi_extract import PART, Slot, specs
from hub.standards.validation.edfi_facts import SCHEMA, Facts, Writer, parted
from hub.standards.validation.edfi_tally import Tally
from hub.standards.validation.edfi_values import fault
from hub.standards.validation.edfi_xml import Document
from hub.standards.validation.json_bodies import values

_FLUSH = 20_000
_NAME = 80
_ORDERED = re.compile(r"(.*)(Begin|begin)(Date)")
_SYNTAX = {"json": "edfi.syntax.json", "too_large": "edfi.syntax.record_too_large", "empty": "edfi.syntax.empty"}


_WRAPPED = "It is an object that holds a list of resources; the list alone is wanted."


def resource_of(name: str, version: str, kind: str | None = None) -> str | None:
    """The entity of a file by its name, `students.jsonl`, or by `kind`: a resource or an entity."""
    said = kind or name.rpartition("/")[2].partition(".")[0]
    return _names(version).get(said.casefold().replace("_", "").replace("-", ""))


@lru_cache(maxsize=4)
def _names(version: str) -> Mapping[str, str]:
    known = resources(version)
    return {n.casefold(): e for n, e in known.items()} | {e.casefold(): e for e in known.values()}


class BodyReader:
    """Judges the bodies of one file."""

    def __init__(
        self,
        path: Path,
        name: str,
        entity: str,
        version: str,
        number: int,
        targets: frozenset[str],
        facts: Facts,
        tally: Tally,
    ) -> None:
        self.path, self.name, self.version, self.targets = path, name, version, targets
        self.facts, self.tally = facts, tally
        self.body: Body = body(entity, version)
        self.document = Document(name, number, kinds={entity})
        self.slots: dict[tuple[str, str, str], int] = {}
        self.rows: list[tuple[str, str, int, int, int, str]] = []
        self.row = 0
        self.line: int | None = None
        self.missing: set[str] = set()
        self.columns: dict[str, tuple[str, str]] = {}

    def read(self) -> Document:
        writer = Writer(self.facts.folder / f"{self.document.number}-bodies.parquet")
        try:
            for met in values(self.path, self.path.suffix.lower() in (".jsonl", ".ndjson")):
                self.row, self.line = self.row + 1, met.line
                self.document.lines.append(met.line or 0)
                if met.fault or not isinstance(met.value, dict):
                    rule = _SYNTAX[met.fault] if met.fault else "edfi.syntax.json"
                    self.tally.add(rule, self.name, row=None if met.fault == "empty" else self.row, line=met.line)
                    continue
                if self.wraps(met.value):
                    self.tally.add("edfi.syntax.json", self.name, row=self.row, line=met.line, detail=_WRAPPED)
                    continue
                self.document.rows += 1
                self.record(met.value)
                if len(self.rows) >= _FLUSH:
                    self.flush(writer)
            self.flush(writer)
            if not self.row:
                self.tally.add("edfi.shape.no_record", self.name)
        finally:
            writer.close()
        return self.document

    def wraps(self, value: dict[str, Any]) -> bool:
        """Whether an object is no resource but holds lists of them, as `{"students": [...]}` does."""
        lists = any(isinstance(v, list) and v and isinstance(v[0], dict) for v in value.values())
        return lists and not value.keys() & {p.name for p in self.body.properties}

    def unchecked(self) -> set[str]:
        """Entities that bodies of this file refer to and of which no key can be known."""
        return self.missing

    def record(self, value: dict[str, Any]) -> None:
        self.columns = {}
        self.inside(value, self.body.properties, self.body.entity)
        if self.body.kind == "descriptor":
            said = [_canonical(value.get(k)) for k in ("namespace", "codeValue")]
            if all(said):
                self.fact("code", "", self.body.entity, "#".join(said), "namespace, codeValue")
            return
        parts = [self.columns.get(c, ("", ""))[0] for c in self.body.key]
        self.fact("key", "", self.body.entity, PART.join(parts), ", ".join(self.body.key))

    def inside(self, value: dict[str, Any], properties: Sequence[Property], path: str) -> None:
        """The properties of one object."""
        known = {p.name: p for p in properties}
        for name in value:
            if name not in known and name != "_ext":
                rule = "edfi.shape.read_only" if name in READ_ONLY else "edfi.shape.unknown_property"
                self.told(rule, f"{path}/{name[:_NAME]}")
        for said in properties:
            if value.get(said.name) is None:
                if said.required:
                    self.told("edfi.shape.missing", f"{path}/{said.name}")
            else:
                self.property(value[said.name], said, f"{path}/{said.name}")
        for first, last in self.ordered(known):
            begin, end = value.get(first), value.get(last)
            if isinstance(begin, str) and isinstance(end, str) and len(begin) == len(end) == 10 and end < begin:
                self.told("edfi.semantic.order", f"{path}/{last}", detail=f"Compare {path}/{first}.")

    def ordered(self, known: dict[str, Property]) -> Iterator[tuple[str, str]]:
        for first in known:
            made = _ORDERED.fullmatch(first)
            if made:
                last = f"{made[1]}{'End' if made[2] == 'Begin' else 'end'}{made[3]}"
                if last in known:
                    yield first, last
        if "entryDate" in known and "exitWithdrawDate" in known:
            yield "entryDate", "exitWithdrawDate"

    def property(self, value: Any, said: Property, path: str) -> None:
        if said.form == "list":
            if not isinstance(value, list):
                self.told("edfi.shape.type", path)
                return
            if said.required and not value:
                self.told("edfi.shape.missing", path)
            for item in value:
                if isinstance(item, dict):
                    self.inside(item, said.within, path)
                else:
                    self.told("edfi.shape.type", path)
        elif said.field is None:
            if not isinstance(value, dict):
                self.told("edfi.shape.type", path)
                return
            self.inside(value, said.within, path)
            if said.target:
                self.reference(value, said, path)
        else:
            self.value(value, said, path)

    def value(self, value: Any, said: Property, path: str) -> None:
        field = said.field
        assert field is not None  # noqa: S101 - the caller asked
        rule = fault(value, field)
        if rule:
            self.told(rule, path, value)
        elif field.type == "descriptor":
            self.fact("descriptor", path.partition("/")[2], field.of or "", _canonical(value))
        if said.column:
            text = _canonical(value)
            before = self.columns.setdefault(said.column, (text, path))
            if before[0] != text and rule is None:
                self.told("edfi.semantic.key_unification", path, detail=f"Compare {before[1]}.")

    def reference(self, value: dict[str, Any], said: Property, path: str) -> None:
        if said.target not in self.targets:
            self.missing.add(said.target)
            return
        key = specs(self.version)[said.target].key
        parts = [_canonical(value.get(k)) for k in key]
        if set(key) == {p.name for p in said.within} and all(parts):
            self.fact("reference", path.partition("/")[2], said.target, PART.join(parts))

    def told(self, rule: str, column: str, value: Any = None, detail: str = "") -> None:
        shown = None if value is None else _writable(str(value)[:200])
        self.tally.add(rule, self.name, _writable(column), self.row, self.line, shown, detail)

    def fact(self, kind: str, path: str, target: str, value: str, detail: str = "") -> None:
        slot = self.slots.get((kind, path, target))
        if slot is None:
            slot = self.slots[kind, path, target] = len(self.facts.slots)
            self.facts.slots.append(Slot(kind, self.body.entity, path, target, detail))  # type: ignore[arg-type]
        self.rows.append((kind, target, slot, self.document.number, self.row, value))

    def flush(self, writer: Writer) -> None:
        if not self.rows:
            return
        columns = zip(*self.rows, strict=True)
        lines = pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
        self.rows = []
        lines = lines.filter(pc.invert(pc.and_(pc.equal(lines["kind"], "descriptor"), self.facts.good(lines))))
        whole, blank = parted(lines)
        self.facts.kinds.update(pc.unique(whole["kind"]).to_pylist())
        for row in blank.filter(pc.equal(blank["kind"], "key"))["row"].to_pylist():
            self.tally.add("edfi.key.blank", self.name, self.body.entity, row, self.document.lines[row - 1] or None)
        writer.write(whole)


def _canonical(value: Any) -> str:
    """One text per value, as documents have it; "" for what is no plain value."""
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _writable(str(value)).replace(PART, " ")


def _writable(text: str) -> str:
    """A lone surrogate is JSON, and no text that can be written."""
    return text.encode("utf-8", "replace").decode()
