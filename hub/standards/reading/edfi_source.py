"""Ed-Fi interchange documents as stream tables: a table per kind of record, a mapping per table made from the spec."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis

from hub.engine import keep, stacked
from hub.errors import AskVendor, FixConfiguration
from hub.model import Entity, Mapping, OpenedDelivery, OpenedFile, Source
from hub.standards.mapping.checks import digest
from hub.standards.reading.csv_files import Reject
from hub.standards.reading.edfi_xml import read_interchange
from hub.standards.reading.streams import StreamRead, assign
from hub.standards.reading.xml_document import namespace_of, opened, version_of
from hub.standards.specs import load_entity


def read_documents(
    con: Any,
    source: Source,
    entities: MappingOf[str, Entity],
    deliveries: Sequence[OpenedDelivery],
    scratch: Path,
    *,
    full: bool = False,
) -> tuple[list[StreamRead], list[str], dict[str, int], list[Mapping]]:
    """Reads every document of the deliveries. Returns reads, names of files that are none, repairs and the mappings.

    The tables are named after the entities; a document without records is a read of its stream, of no rows. With `full`
    the newest delivery that holds records of an entity is all of it. Raises AskVendor for a document that is not
    well-formed Ed-Fi XML.
    """
    words = {"5.2": entities}
    bare = next((s.name for s in source.streams if s.name not in entities), "")
    reads: list[StreamRead] = []
    parts: dict[str, list[tuple[int, Any]]] = {}
    unknown: list[str] = []
    strange: dict[tuple[int, str], int] = {}
    for delivery in deliveries:
        found, rest = assign(source, delivery.files)
        unknown = [f.name for f in rest]
        for file in (f for files in found.values() for f in files):
            folder = scratch / f"{delivery.seq}-{file.sha256[:16]}"
            folder.mkdir(parents=True, exist_ok=True)
            try:
                version = version_of(namespace_of(opened(file.path))) or ""
                if version not in words:
                    words[version] = spoken(entities, version)
                document = read_interchange(file.path, words[version], folder)
            except AskVendor as error:  # the reader knows the file as it landed: by its hash
                raise AskVendor(file.name + error.message.removeprefix(file.path.name), error.remedy) from None
            if document.unknown:
                strange[delivery.seq, file.sha256] = sum(document.unknown.values())
            for name, rows in document.rows.items():
                table, rejects = _table(con, folder / f"{name}.parquet", file, delivery.seq)
                parts.setdefault(name, []).append((delivery.seq, table))
                reads.append(StreamRead(name, file, delivery.seq, "", rows, rejects))
            if not document.rows:
                reads.append(StreamRead(bare, file, delivery.seq, "", 0))
    if full:
        last = {name: max(seq for seq, _ in tables) for name, tables in parts.items()}
        reads = [r for r in reads if r.seq == last.get(r.stream, deliveries[-1].seq)]
        parts = {name: [(seq, t) for seq, t in tables if seq == last[name]] for name, tables in parts.items()}
    for name, tables in parts.items():
        keep(con, name, stacked([table for _, table in tables]))
    used = {(r.seq, r.file.sha256) for r in reads}
    lost = sum(rows for place, rows in strange.items() if place in used)
    repairs = {"xml.unknown_element": lost} if lost else {}
    written = {m.entity for m in source.mappings if m.stream == m.entity}
    own = [Mapping(name, name, "", as_it_is(entities[name])) for name in parts if name not in written]
    return reads, unknown, repairs, [*own, *source.mappings]


def _table(con: Any, path: Path, file: OpenedFile, seq: int) -> tuple[Any, tuple[Reject, ...]]:
    """The records of one kind; those whose references contradict each other are rejected."""
    rows = con.read_parquet(path)
    content = digest(rows, sorted(c for c in rows.columns if not c.startswith("_")))
    torn = con.to_pyarrow(rows.filter(rows["_conflicts"].notnull()).select("_row", text=content)).to_pylist()
    sound = rows.filter(rows["_conflicts"].isnull()).mutate(
        _file=ibis.literal(file.sha256), _seq=ibis.literal(seq, type="int64")
    )
    return sound, tuple(Reject(r["_row"], "reference.conflict", digest=r["text"]) for r in torn)


def spoken(entities: MappingOf[str, Entity], version: str) -> dict[str, Entity]:
    """The hub's entities with each field where this version's documents have it; a field it lacks stays where it is."""
    found = {}
    for name, entity in entities.items():
        try:
            said = {f.name: f for f in load_entity(name, version).fields}
        except FixConfiguration:  # no entity of that version
            said = {}
        moved = (replace(f, xml=said[f.name].xml) if f.name in said else f for f in entity.fields)
        found[name] = replace(entity, fields=tuple(moved))
    return found


def as_it_is(entity: Entity) -> dict[str, Any]:
    """Every field by its type; xs:boolean also has 1 and 0."""
    flags = {"true": ["true", "1"], "false": ["false", "0"]}
    return {f.name: {"boolean": f.name, **flags} if f.type == "boolean" else f.name for f in entity.fields}
