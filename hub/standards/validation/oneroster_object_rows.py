"""Objects as rows of the CSV binding's files: keys, references and meaning are then judged by the same rules."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from hub.standards.oneroster_layout import Column, FileLayout, layouts
from hub.standards.oneroster_objects import Kind, Property
from hub.standards.validation.connection import Connection
from hub.standards.validation.oneroster_bytes import Bytes
from hub.standards.validation.oneroster_object_values import day
from hub.standards.validation.oneroster_read import Table
from hub.standards.validation.oneroster_semantics import wanted
from hub.standards.validation.oneroster_source import Source
from hub.standards.validation.profiles import Judge
from hub.standards.validation.sql_tree import create, fill

_FLUSH = 50_000
_FILE = 40  # bits below which the number of a row stands in `_row`; above them stands that of its file
_TYPES = {"date": pa.date32(), "float": pa.float64()}
_UNSAID = ("sourcedId", "status", "dateLastModified")
_LIVING = "SELECT * FROM rows WHERE coalesce(status, '') <> 'tobedeleted'"
_NO_BYTES = Bytes(0, 0, 0, 0, quotes=False, blank=False, bom=False, utf8=True)


@dataclass
class Heap:
    """The rows of one file of the binding. `references` are its columns that lead somewhere; `single`: no payload
    held many, so what is not here is no fault."""

    name: str
    columns: dict[str, pa.DataType]
    references: tuple[Column, ...]
    paths: dict[str, str]
    single: bool = True
    rows: list[dict[str, Any]] = field(default_factory=list)
    batches: list[pa.Table] = field(default_factory=list)

    def add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        if len(self.rows) >= _FLUSH:
            self.flush()

    def flush(self) -> None:
        schema = pa.schema(list(self.columns.items()))
        self.batches.append(pa.Table.from_pylist(self.rows, schema))
        self.rows = []


class Heaps:
    """All rows of a delivery, by file of the binding."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.heaps: dict[str, Heap] = {}

    def add(self, kind: Kind, value: dict[str, Any], file: int, row: int, single: bool) -> None:
        """One object, and a row for each of its items that the CSV binding has a file for."""
        place = {"_row": file << _FILE | row}
        heap = self._heap(kind.collection, kind.properties, "")
        heap.single = heap.single and single
        heap.add({**_cells(value, kind.properties, heap.columns), **place, "_content": _content(value)})
        for said in kind.properties:
            if said.file and isinstance(value.get(said.name), list):
                within = self._heap(said.file, said.within, f"{said.name}.")
                within.single = heap.single
                owner = value.get("sourcedId")
                for cells in _items(value[said.name], said, within.columns):
                    within.add({**cells, **place, said.owner: owner if isinstance(owner, str) else None})

    def _heap(self, name: str, properties: Sequence[Property], before: str) -> Heap:
        if name not in self.heaps:
            said = dict(_told(properties, before))
            layout = layouts(self.version).get(name)
            known = {c.name: _TYPES.get(c.kind, pa.string()) for c in layout.columns} if layout else {}
            needed = wanted(self.version).get(name, set())
            references = tuple(Column(p.column, "reference", p.many, p.to) for p in properties if p.to)
            names = dict.fromkeys(["sourcedId", "status", *sorted(needed), *(r.name for r in references)])
            columns = {n: known.get(n, pa.string()) for n in names}
            columns |= {"_row": pa.int64(), "_content": pa.string()}
            self.heaps[name] = Heap(name, columns, references, said)
        return self.heaps[name]

    def tables(self, con: Connection, prefix: str = "") -> dict[str, Table]:
        """Every heap in the connection, as the checks of the rule library read it."""
        return {name: self._table(con, heap, prefix) for name, heap in self.heaps.items()}

    def _table(self, con: Connection, heap: Heap, prefix: str) -> Table:
        heap.flush()
        rows, living = f"{prefix}{heap.name}__rows", f"{prefix}{heap.name}"
        said = pa.concat_tables(heap.batches)
        con.plain.register(rows, said)
        con.run(create("VIEW", living, fill(_LIVING, rows=rows)))
        columns = (Column("sourcedId", "guid"), *heap.references)
        source = Source(
            name=heap.name,
            version=self.version,
            layout=FileLayout(heap.name, columns),
            mode="delta" if heap.single else "bulk",
            path=Path(),
            width=0,
            places={c.name: i for i, c in enumerate(columns)},
            found=_NO_BYTES,
        )
        ids = said["sourcedId"]
        twins = pc.count_distinct(ids).as_py() < len(ids) - ids.null_count
        return Table(source, rows, living, tuple(heap.columns), len(said), len(said), twins, view="")


class ObjectJudge(Judge):
    """Tells what is found in rows by the object's file, number and path; `files` are the names of the files."""

    def __init__(self, judge: Judge, heaps: Heaps, files: Sequence[str]) -> None:
        super().__init__(judge.profile, judge.max_per_rule, judge.show_values, judge.findings)
        self.heaps, self.files = heaps.heaps, files

    def find(
        self, rule: str, file: str = "", column: str = "", rows: Sequence[int | None] = (None,),
        count: int | None = None, detail: str = "", *more: Any, **named: Any,
    ) -> None:  # fmt: skip
        if rule == "oneroster.type.guid":
            return  # told of each value already
        heap = self.heaps.get(file)
        path = heap.paths.get(column, column) if heap else column
        places: dict[str, list[int | None]] = {}
        for row in rows:
            name = file.removesuffix(".csv") if row is None else self.files[row >> _FILE]
            places.setdefault(name, []).append(None if row is None else row & (1 << _FILE) - 1)
        left = (len(rows) if count is None else count) - len(rows)
        for name, numbers in places.items():
            # Places are limited, counts are not: those without a place are told of the first file.
            super().find(rule, name, path, numbers, len(numbers) + left, detail.replace(".csv", ""))
            left = 0


def _told(properties: Sequence[Property], before: str) -> Iterator[tuple[str, str]]:
    """Column of the binding -> path of the property."""
    for said in properties:
        yield said.column, f"{before}{said.name}{'.sourcedId' * (said.kind == 'reference')}"
        if said.each:
            yield from _told(said.within, f"{before}{said.name}.")


def _items(items: list[Any], said: Property, columns: dict[str, pa.DataType]) -> Iterator[dict[str, Any]]:
    each = next((p for p in said.within if p.each), None)
    for item in items:
        if isinstance(item, dict):
            cells = _cells(item, said.within, columns)
            inner = item.get(each.name) if each else None
            if each is None or not isinstance(inner, list):
                yield cells
            elif each.within:
                yield from (cells | _cells(e, each.within, columns) for e in inner if isinstance(e, dict))
            else:
                yield from (cells | {each.column: e} for e in inner if isinstance(e, str))


def _cells(value: dict[str, Any], properties: Sequence[Property], columns: dict[str, pa.DataType]) -> dict[str, Any]:
    return {p.column: _cell(value.get(p.name), p, columns[p.column]) for p in properties if p.column in columns}


def _cell(value: Any, said: Property, kind: pa.DataType) -> Any:
    if said.many:
        items = [_text(v, said) for v in value] if isinstance(value, list) else []
        return ",".join(i.replace(",", " ") for i in items if i) or None
    if kind == pa.date32():
        return day(value)
    if kind == pa.float64():
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return _text(value, said)


def _text(value: Any, said: Property) -> str | None:
    """The value as the CSV binding writes it, listed values as the standard spells them."""
    if said.kind == "reference":
        value = value.get("sourcedId") if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate is JSON, and no text that can be written
    return next((v for v in said.values if v.casefold() == text.casefold()), text) or None


def _content(value: dict[str, Any]) -> str:
    """A digest of what an object says beside its id, status and time of change."""
    said = {k: v for k, v in value.items() if k not in _UNSAID}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
