"""Ed-Fi bulk interchange documents (XML) -> one parquet file of raw text per entity, streamed in bounded memory.

Authority: the interchange XSDs of Ed-Fi Data Standard 5.x and 6.x; a reference by `ref` stands for the record of that
`id`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from hub.model import Entity
from hub.standards.reading.xml_document import local_name, namespace_of, opened, records
from hub.standards.reading.xml_tree import Node, anchor, compile_entity

_NAMED_UNKNOWN = 1000
_EXTRA = (("_conflicts", pa.string()), ("_row", pa.int64()), ("_line", pa.int64()))

_Element: TypeAlias = Any
_Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class XmlRead:
    """What a document held. No value vanishes silently: what no field takes is counted by its path.

    `rows`: records per entity. `unknown`: path -> how often it stood there without a field that takes it: an element,
    text between elements, or `.../@ref` for a reference to an id that stands for nothing, for two things, for a thing
    of another kind or for one without a key. `conflicts`: "Entity.field" -> records that give two different values
    for one column; the first in the document is kept and the row's `_conflicts` names the fields. Text beside elements
    in the place of a plain value is no value: which part of it would be is a guess.
    `anchors`: references that stand among the records only to be referred to. `standard`: "5.2", from the namespace.
    """

    rows: dict[str, int]
    unknown: dict[str, int]
    standard: str
    conflicts: dict[str, int]
    anchors: int = 0


@dataclass(frozen=True)
class _Identified:
    """What an id stands for: an entity (or what it extends) and its natural key; two things of one id are nothing."""

    entity: str
    base: str
    key: _Row

    def is_a(self, target: str) -> bool:
        return target in (self.entity, self.base)


class _RefMet(Exception):
    """The document refers to records by id: their keys must be gathered first."""


@dataclass
class _Reader:
    tag: str  # of the root
    entities: Mapping[str, Entity]
    ids: dict[str, _Identified] | None = None  # None: not gathered yet
    gathering: bool = False
    waiting: list[tuple[_Row, Node, str]] = field(default_factory=list)
    trees: dict[str, Node] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    conflicts: list[str] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return namespace_of(self.tag)

    def entity(self, tag: str) -> Entity | None:
        local = tag.rpartition("}")[2]
        if tag != f"{{{self.namespace}}}{local}":
            return None
        found = self.entities.get(local)
        if found is None and local.endswith("Descriptor"):
            found = self.entities.get("Descriptor")
        if found is None and local.removesuffix("Reference") in self.entities:
            found = anchor(self.entities[local.removesuffix("Reference")])
        if found is not None and tag not in self.trees:
            self.trees[tag] = compile_entity(found, self.entities, self.namespace)
        return found

    def walk(self, element: _Element, node: Node, row: _Row) -> None:
        if element.text and not element.text.isspace():
            self.miss(element, "/text()")
        children = node.children
        for child in element:
            tail = child.tail
            if tail and not tail.isspace():
                self.miss(child, "/following::text()")
            below = children.get(child.tag)
            if below is None:
                self.miss(child)
                continue
            kind = below.kind
            if kind == "leaf":
                self.take(child, below, row)
            elif kind == "group":
                self.inside(child, below, row)
            else:
                item: _Row = {}
                if below.own is not None:
                    self.take(child, below.own, item)
                else:
                    self.inside(child, below, item)
                if not item:
                    continue
                if kind == "list":
                    row.setdefault(below.name, []).append(item)
                elif below.name in row and row[below.name] != item:
                    self.conflicts.append(below.name)
                else:
                    row[below.name] = item

    def inside(self, element: _Element, node: Node, row: _Row) -> None:
        self.walk(element, node, row)
        if not node.parts:
            return
        ref = element.get("ref") if not len(element) else None
        if ref is not None:
            self.resolve(element, node, row, ref)
        if self.gathering and element.get("id"):
            self.identify(element.get("id"), node.target, "", {part: row.get(column) for part, column in node.parts})

    def identify(self, name: str, entity: str, base: str, key: _Row) -> None:
        ids = self.ids if self.ids is not None else {}
        ids[name] = _Identified("", "", {}) if name in ids else _Identified(entity, base, key)

    def take(self, element: _Element, node: Node, row: _Row) -> None:
        text: str | None = element.text
        if len(element):  # which part of the text would be the value?
            for child in element:
                self.miss(child)
            if any(t and not t.isspace() for t in (text, *(child.tail for child in element))):
                self.miss(element, "/text()")
            return
        if text is None or text.isspace():
            return
        if node.trim:
            text = text.strip()
            if node.school_year:
                text = _year(text)
        self.put(node.name, text, row)

    def put(self, name: str, value: str, row: _Row) -> None:
        known = row.setdefault(name, value)
        if known != value:
            self.conflicts.append(name)

    def resolve(self, element: _Element, node: Node, row: _Row, ref: str) -> None:
        if self.ids is None:
            raise _RefMet
        if self.gathering:
            self.waiting.append((row, node, ref))
        else:
            found = self.ids.get(ref)
            if found is None or not found.is_a(node.target) or None in found.key.values():
                self.miss(element, "/@ref")
            else:
                self.fill(node, row, found)

    def fill(self, node: Node, row: _Row, found: _Identified) -> None:
        for part, column in node.parts:
            # The key of a School is schoolId, that of its base educationOrganizationId.
            alone = node.target == found.base and len(found.key) == 1
            value = next(iter(found.key.values())) if alone else found.key.get(part)
            if value is not None:
                self.put(column, value, row)

    def miss(self, element: _Element, suffix: str = "") -> None:
        steps = [local_name(e) for e in (element, *element.iterancestors())][-2::-1]
        path = "/".join(steps) + suffix
        self.unknown[path if path in self.unknown or len(self.unknown) < _NAMED_UNKNOWN else "..."] += 1

    def gather(self, path: Path) -> None:
        """Fill `ids`: id of a record or reference -> its natural key, however the key itself is spelled."""
        self.ids, self.gathering = {}, True
        keys: list[tuple[_Row, _Row]] = []  # what a record says, and the key made of it
        for element in records(path, self.tag):
            entity = self.entity(element.tag)
            if entity is None:
                continue
            row: _Row = {}
            self.walk(element, self.trees[element.tag], row)
            if element.get("id"):
                key = dict.fromkeys(entity.key)
                self.identify(element.get("id"), entity.name.removesuffix("Reference"), entity.subclass_of, key)
                keys.append((row, key))
            for name in row.keys() - set(entity.key):
                del row[name]
        before = -1
        while len(self.waiting) != before:
            for row, key in keys:
                key.update((part, row[part]) for part in key if part in row)
            before = len(self.waiting)
            self.waiting = [w for w in self.waiting if not self.settle(*w)]
        self.gathering, self.waiting = False, []
        self.unknown.clear()
        self.conflicts.clear()

    def settle(self, row: _Row, node: Node, ref: str) -> bool:
        found = (self.ids or {}).get(ref)
        if found is None or not found.is_a(node.target) or None in found.key.values():
            return False
        self.fill(node, row, found)
        return True


def read_interchange(
    path: Path,
    entities: Mapping[str, Entity],
    out: Path,
    *,
    batch_rows: int = 20_000,
) -> XmlRead:
    """Read one interchange document into `out/<Entity>.parquet`, one file per entity met.

    Columns: every field of the entity as VARCHAR raw text (a school year `2021-2022` as the year in which it ends;
    lists and objects as compact JSON of strings), `_conflicts`, `_row` (1-based among all records of the document),
    `_line`. Blank elements are null. Raises AskVendor, naming file and line, where the document is not well-formed,
    has a DOCTYPE, is not an Interchange of Ed-Fi 5.x or 6.x, or has a record over 64 MiB.
    """
    reader = _Reader(opened(path), entities)
    try:
        return _write(path, reader, out, batch_rows)
    except _RefMet:
        reader.unknown.clear()
        reader.gather(path)
        return _write(path, reader, out, batch_rows)


def _year(text: str) -> str:
    first, dash, last = text.partition("-")
    ends = dash and len(first) == len(last) == 4 and first.isdigit() and last.isdigit() and int(last) == int(first) + 1
    return last if ends else text


def _write(path: Path, reader: _Reader, out: Path, batch_rows: int) -> XmlRead:
    out.mkdir(parents=True, exist_ok=True)
    sinks: dict[str, _Sink] = {}
    conflicts: Counter[str] = Counter()
    anchors = 0
    try:
        for number, element in enumerate(records(path, reader.tag), 1):
            entity = reader.entity(element.tag)
            if entity is None:
                reader.miss(element)
                continue
            row: _Row = {}
            reader.walk(element, reader.trees[element.tag], row)
            if entity.name.endswith("Reference"):
                anchors += 1
                continue
            if reader.conflicts:
                names = sorted(set(reader.conflicts))
                row["_conflicts"] = ",".join(names)
                conflicts.update(f"{entity.name}.{name}" for name in names)
                reader.conflicts.clear()
            row["_row"], row["_line"] = number, element.sourceline
            sink = sinks.get(entity.name)
            if sink is None:
                sink = sinks[entity.name] = _Sink(entity, out)
            sink.rows.append(row)
            if len(sink.rows) >= batch_rows:
                sink.flush()
        for sink in sinks.values():
            sink.flush()
            sink.writer.close()
    except BaseException:  # a document is taken whole or not at all
        for sink in sinks.values():
            sink.discard()
        raise
    standard = ".".join(reader.namespace.rsplit("/", 1)[-1].split(".")[:2])
    return XmlRead({n: s.written for n, s in sinks.items()}, dict(reader.unknown), standard, dict(conflicts), anchors)


class _Sink:
    """The parquet file of one entity and the rows still to be written to it."""

    def __init__(self, entity: Entity, out: Path) -> None:
        self.schema = pa.schema([*((f.name, pa.string()) for f in entity.fields), *_EXTRA])
        self.nested = [f.name for f in entity.fields if f.type in ("list", "object")]
        self.path = out / f"{entity.name}.parquet"
        self.writer = pq.ParquetWriter(self.path, self.schema)
        self.rows: list[_Row] = []
        self.written = 0

    def flush(self) -> None:
        if not self.rows:
            return
        for row in self.rows:
            for name in self.nested:
                if name in row:
                    row[name] = json.dumps(row[name], ensure_ascii=False, separators=(",", ":"))
        columns = [pa.array([row.get(f.name) for row in self.rows], f.type) for f in self.schema]
        self.writer.write_table(pa.Table.from_arrays(columns, schema=self.schema))
        self.written += len(self.rows)
        self.rows.clear()

    def discard(self) -> None:
        self.writer.close()
        self.path.unlink(missing_ok=True)
