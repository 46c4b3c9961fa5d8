"""A vendor's folder of data, read into a `Source`. See schemas/README.md for the grammar on one page."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from hub.model import Mapping, Source, Stream, Table
from hub.standards.naming import lower_camel, plural
from hub.standards.reading.fixed_width import read_layout
from hub.standards.specs import SCHEMAS, descriptor_types, load_entities
from hub.standards.vendors.folders import chain, documents, read, table_path
from hub.standards.vendors.folders import tables as folder_tables
from hub.standards.vendors.layouts import expanded, reasons


@lru_cache(maxsize=64)
def load_source(vendor: str, root: Path = SCHEMAS, own: Path | None = None) -> Source:
    """The vendor's streams, mappings and crosswalks; from `own`, the district's folder of vendors, before `root`.

    Raises FixConfiguration when there is no such folder.
    """
    folders = chain(vendor, root, own)
    written = documents(folders)
    head = written["source.yaml"]
    streams: list[Stream] = []
    mappings: list[Mapping] = []
    ignored: dict[str, dict[str, str]] = {}
    tables: list[Table] = []
    for document in written.values():
        for stream in _streams(document, root, folders):
            streams.append(stream)
            ignored[stream.name] = reasons(stream.options.get("ignored", {}), stream.columns)
        for entity, entries in document.get("entities", {}).items():
            for entry in entries if isinstance(entries, list) else [entries]:
                stream_name = entry.get("stream") or document.get("stream") or streams[0].name
                mappings.append(_mapping(entity, stream_name, entry))
        for name, body in document.get("tables", {}).items():
            tables.append(Table(name, body["rows"], body.get("fields", {}), body.get("repairs", {})))
    return Source(
        vendor=head["vendor"],
        title=head["title"],
        authority=head.get("authority", 50),
        streams=tuple(streams),
        mappings=tuple(mappings),
        crosswalks={
            name: {row["code"]: (row["value"], row.get("repair") or "") for row in rows}
            for name, rows in folder_tables(folders, "crosswalks").items()
        },
        options=head.get("options", {}),
        ignored=ignored,
        tables=tuple(tables),
        lists=folder_tables(folders, "lists"),
        namespaces=tuple(head.get("namespaces", ())),
        transport=head.get("transport", {}),
    )


def _mapping(entity: str, stream: str, entry: dict[str, Any]) -> Mapping:
    return Mapping(
        entity,
        stream,
        entry.get("rows", ""),
        entry["fields"],
        complete=entry.get("complete", {}),
        checks=entry.get("checks", {}),
        needs=tuple(entry.get("needs", ())),
        without=tuple(entry.get("without", ())),
    )


def _streams(document: dict[str, Any], root: Path, folders: tuple[Path, ...]) -> list[Stream]:
    if "stream" in document:
        return [_stream(document["stream"], document, folders)]
    if "streams_of" in document:  # every file of a standard, as schemas/<standard>/<version>.yaml lists them
        shared = {k: v for k, v in document.items() if k not in ("entities", "options", "streams_of", "streams")}
        files = read(root / document["streams_of"])["files"]
        own = document.get("streams", {})  # what the vendor's folder says of single files
        return [
            _stream(name, _standard(name, body, {**shared, **own.get(name, {})}), folders)
            for name, body in files.items()
            if shared["format"] != "json" or "columns" in own.get(name, {})
        ]
    if "resources_of" in document:  # every resource of an Ed-Fi API, of which the data standard is named
        return _resources(document, root)
    return [_stream(name, body, folders) for name, body in document.get("streams", {}).items()]


def _resources(document: dict[str, Any], root: Path) -> list[Stream]:
    """A stream for each resource and each descriptor, under the name of its entity."""
    standard = str(document["resources_of"])
    entities = [e for e in load_entities(root).values() if e.standard == standard and e.name != "Descriptor"]
    bases = {e.subclass_of for e in entities}
    named = {e.name: e.resource for e in entities if e.name not in bases}
    named |= {name: plural(lower_camel(name)) for name in descriptor_types(standard, root)}
    options = {"key": ["id"], "paths": {"id": "id"}, "items": "", "layouts": {}, "cuts": {}}
    return [
        Stream(
            name, document["format"], rf"^{name}\.json$", "full", (), options | {"request": {"path": f"ed-fi/{path}"}}
        )
        for name, path in sorted(named.items())
    ]


def _standard(name: str, body: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """A file of a standard: by its name, and only columns that every version requires must be there."""
    layouts, columns = body["layouts"], body["columns"]
    always = {
        column
        for layout in layouts.values()
        for column in layout
        if all(v in columns[column].get("required", ()) for v, names in layouts.items() if column in names)
    }
    inserted = body.get("inserted", {})  # columns that one edition had in between
    spare = [c for c in columns if c not in always] + [c for more in inserted.values() for c in more]
    return {
        **said,
        **body,
        "columns": said["columns"] if said["format"] == "json" else columns,
        "layouts": {version: [*names, *inserted.get(version, ())] for version, names in layouts.items()},
        "pattern": rf"(?i)^{name}\.{'json' if said['format'] == 'json' else 'csv'}$",
        "optional": [*spare, *said.get("optional", ())],
        "renamed": body.get("renamed", {}) | said.get("renamed", {}),
        "refers": {c: spec["to"] for c, spec in columns.items() if "to" in spec},
        "values": {
            c: sorted({v for listed in spec["values"].values() for v in listed})
            for c, spec in columns.items()
            if spec["type"] == "enum"
        },
    }


def _stream(name: str, body: dict[str, Any], folders: tuple[Path, ...]) -> Stream:
    said = body.get("layouts", {})
    cuts = {v: read_layout(table_path(folders, "lists", table)) for v, table in said.items() if isinstance(table, str)}
    layouts = {v: [c.name for c in cuts[v]] if v in cuts else expanded(names) for v, names in said.items()}
    said = body.get("columns", {})
    paths = said if isinstance(said, dict) else {path: path for path in said}
    columns = tuple(dict.fromkeys([*paths, *(column for layout in layouts.values() for column in layout)]))
    keep: tuple[str, ...] = (
        "csv",
        "ignored",
        "ignore_rows",
        "nulls",
        "dates",
        "other_year",
        "renamed",
        "fold_header",
        "number_repeated",
        "mode",
        "request",
        "encoding",
        "short_records",
        "lines",
        "may_be_missing",
        "of",
        "nested",
        "key",
        "deleted",
        "skip_lines",
        "footer",
        "sheet",
        "values_only",
    )
    keep += ("refers", "values")  # of a standard's files
    return Stream(
        name=name,
        format=body["format"],
        pattern=body.get("pattern", r".*"),
        delivery=body.get("delivery", "append"),
        columns=columns,
        options={
            **{k: body[k] for k in keep if k in body},
            "layouts": layouts,
            "optional": expanded(body.get("optional", ())),
            "cuts": cuts,
            **({"paths": paths, "items": body.get("items", "")} if body["format"] == "json" else {}),
        },
    )
