"""Resource bodies of an Ed-Fi API as the flat rows that documents give too: references as columns, lists as JSON text.

Authority: Ed-Fi API guidelines (bodies, deletes); hub/standards/bodies.py has the shape of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hub.engine import count, keep, keep_counted
from hub.errors import AskVendor
from hub.model import Entity, Mapping, OpenedDelivery, OpenedFile, Source, Stream
from hub.standards.bodies import Body, Property, body
from hub.standards.reading.csv_files import Reject
from hub.standards.reading.edfi_source import as_it_is
from hub.standards.reading.json_pages import pages_in_use
from hub.standards.reading.streams import StreamRead, keep_newest

_BATCH = 20_000
_EXTRA = ("_id", "_conflicts", "_file")
Rows = dict[str, Any]


def read_bodies(
    con: Any, source: Source, entities: MappingOf[str, Entity], deliveries: Sequence[OpenedDelivery], scratch: Path
) -> tuple[list[StreamRead], dict[str, dict[str, int]], list[Mapping]]:
    """Makes a table for each entity that came: of the newest complete pull and the changes after it the last body of
    each id, without the ids that were deleted. Returns the reads, what does not count by stream, and the mappings.

    Raises AskVendor for a page that is no list of bodies.
    """
    reads: list[StreamRead] = []
    ignored: dict[str, dict[str, int]] = {}
    made = []
    for name, streams in _by_entity(source, entities).items():
        pages = [page for stream in streams for page in pages_in_use(deliveries, source, stream, full=True)]
        rows = [p for p in pages if not _is_delete(p[1])]
        if not rows:
            continue
        standard = "5.2" if name == "Descriptor" else entities[name].standard
        path = scratch / f"{name}.parquet"
        counts = _write(path, entities[name], body("SexDescriptor" if name == "Descriptor" else name, standard), rows)
        gone = {one["id"] for _, file in pages if _is_delete(file) for one in _list(file) if one.get("id")}
        found, reasons = _settled(con, name, path, gone)
        ignored[name] = reasons
        reads += [
            StreamRead(name, file, seq, name, counts[at], tuple(found.get((file.sha256, seq), ())))
            for at, (seq, file) in enumerate(rows)
        ]
        made.append(name)
    written = {m.entity for m in source.mappings if m.stream == m.entity}
    own = [Mapping(name, name, "", as_it_is(entities[name])) for name in made if name not in written]
    return reads, ignored, [*own, *source.mappings]


def _by_entity(source: Source, entities: MappingOf[str, Entity]) -> dict[str, list[Stream]]:
    """Entity -> the streams that feed it: each descriptor has its own, all feed one."""
    found: dict[str, list[Stream]] = {}
    for stream in source.streams:
        name = stream.name if stream.name in entities else "Descriptor"
        if stream.name in entities or stream.name.endswith("Descriptor"):
            found.setdefault(name, []).append(stream)
    return found


def _is_delete(file: OpenedFile) -> bool:
    return "/deletes/" in file.name


def _list(file: OpenedFile) -> list[Any]:
    """The items of a page, numbers as they are written. Raises AskVendor."""
    try:
        found = json.loads(file.path.read_text(encoding="utf-8-sig"), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise AskVendor(
            f"{file.name}: the page is no list of resources in UTF-8 JSON (rule json.unreadable).",
            "Ask the system's keeper what it answers now; the pull of another night replaces this one.",
        )
    return found


def _write(path: Path, entity: Entity, shape: Body, pages: Sequence[tuple[int, OpenedFile]]) -> list[int]:
    """The flat rows of the pages as one parquet file of text; how many items each page has."""
    fields = [f.name for f in entity.fields]
    schema = pa.schema(
        [(c, pa.string()) for c in (*fields, *_EXTRA)] + [(c, pa.int64()) for c in ("_page", "_row", "_seq")]
    )
    counts: list[int] = []
    batch: list[Rows] = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, schema) as writer:
        for at, (seq, file) in enumerate(pages):
            items = _list(file)
            counts.append(len(items))
            for number, item in enumerate(items, start=1):
                place = {"_file": file.sha256, "_page": at, "_row": number, "_seq": seq}
                batch.append({**_row(item, shape), **place})
            if len(batch) >= _BATCH:
                writer.write_table(_table(batch, schema))
                batch = []
        writer.write_table(_table(batch, schema))
    return counts


def _table(batch: list[Rows], schema: Any) -> Any:
    return pa.Table.from_arrays([pa.array([r.get(f.name) for r in batch], f.type) for f in schema], schema=schema)


def _row(item: Any, shape: Body) -> Rows:
    if not isinstance(item, dict):
        return {"_conflicts": "json.item"}
    row: Rows = {"_id": item.get("id")}
    torn: set[str] = set()
    for said in shape.properties:
        value = item.get(said.name)
        if value is None:
            continue
        if said.form == "reference" and isinstance(value, dict):
            for part in said.within:
                text = _text(value.get(part.name))
                if text is not None and row.setdefault(part.column, text) != text:
                    torn.add(part.column)
        elif said.form == "list" and isinstance(value, list):
            row[said.name] = _json([_flat(one, said.within) for one in value if isinstance(one, dict)])
        elif said.form == "object" and isinstance(value, dict):
            row[said.name] = _json(_flat(value, said.within))
        elif said.form == "value" and (text := _text(value)) is not None and row.setdefault(said.column, text) != text:
            torn.add(said.column)
    if torn:
        row["_conflicts"] = "reference.conflict"
    return row


def _flat(value: Rows, properties: Sequence[Property]) -> Rows:
    """An item of a list: what stands in a reference of it stands beside the rest."""
    found: Rows = {}
    for said in properties:
        inner = value.get(said.name)
        if inner is None:
            continue
        if said.form == "reference":
            parts = inner if isinstance(inner, dict) else {}
            found |= {p.flat: _text(parts[p.name]) for p in said.within if parts.get(p.name) is not None}
        elif said.form == "list":
            found[said.name] = [_flat(one, said.within) for one in inner if isinstance(one, dict)]
        elif said.form == "object":
            found[said.name] = _flat(inner, said.within)
        else:
            found[said.name] = _text(inner)
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip() or None if isinstance(value, str) else None


def _json(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else None


def _settled(
    con: Any, name: str, path: Path, gone: set[str]
) -> tuple[dict[tuple[str, int], list[Reject]], dict[str, int]]:
    """Table `name`: one row an id, the last that came, without what was deleted and what cannot be read."""
    rows = keep(con, name, con.read_parquet(path))
    reasons: dict[str, int] = {}
    order = [rows[c].desc() for c in ("_seq", "_page", "_row")]
    rows, reasons["json.superseded"] = keep_newest(con, name, ["_id"], order, blank=["_id"])
    if gone:
        ids = con.create_table(f"{name}__gone", pa.table({"_id": sorted(gone)}), overwrite=True)
        before = count(con, rows)
        rows, left = keep_counted(con, name, rows.anti_join(ids, "_id"))
        reasons["json.deleted"] = before - left
    torn = rows.filter(rows["_conflicts"].notnull()).select("_file", "_seq", "_row", "_conflicts")
    rejects: dict[tuple[str, int], list[Reject]] = {}
    for r in con.to_pyarrow(torn.order_by("_row")).to_pylist():
        rejects.setdefault((r["_file"], r["_seq"]), []).append(Reject(r["_row"], r["_conflicts"]))
    keep(con, name, rows.filter(rows["_conflicts"].isnull()).drop("_page", "_id", "_conflicts"))
    return rejects, {reason: n for reason, n in reasons.items() if n}
