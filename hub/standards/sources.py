"""A vendor's folder of data, read into a `Source`. See schemas/README.md for the grammar on one page."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from hub.errors import FixConfiguration
from hub.model import Mapping, Source, Stream, Table
from hub.standards.fixed_width import read_layout
from hub.standards.layouts import expanded, reasons

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def vendors(root: Path = SCHEMAS) -> list[str]:
    return sorted(p.parent.name for p in (root / "sources").glob("*/source.yaml"))


@lru_cache(maxsize=64)
def load_source(vendor: str, root: Path = SCHEMAS) -> Source:
    """The vendor's streams, mappings and crosswalks.

    Raises FixConfiguration when there is no such folder.
    """
    folder = root / "sources" / vendor
    if not (folder / "source.yaml").is_file():
        raise FixConfiguration(
            f"no vendor folder {vendor!r} under schemas/sources.", f"Known vendors: {', '.join(vendors(root))}."
        )
    head = _read(folder / "source.yaml")
    streams: list[Stream] = []
    mappings: list[Mapping] = []
    ignored: dict[str, dict[str, str]] = {}
    tables: list[Table] = []
    for path in sorted(folder.glob("*.yaml")):
        document = head if path.name == "source.yaml" else _read(path)
        for stream in _streams(document, root, folder):
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
        crosswalks=_crosswalks(folder / "crosswalks"),
        options=head.get("options", {}),
        ignored=ignored,
        tables=tuple(tables),
        lists=_lists(folder / "lists"),
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


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        document: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)
    return document


def _streams(document: dict[str, Any], root: Path, folder: Path) -> list[Stream]:
    if "stream" in document:
        return [_stream(document["stream"], document, folder)]
    if "streams_of" in document:  # every file of a standard, as schemas/<standard>/<version>.yaml lists them
        shared = {k: v for k, v in document.items() if k not in ("entities", "options", "streams_of", "streams")}
        files = _read(root / document["streams_of"])["files"]
        own = document.get("streams", {})  # what the vendor's folder says of single files
        return [
            _stream(name, _standard(name, body, {**shared, **own.get(name, {})}), folder)
            for name, body in files.items()
        ]
    return [_stream(name, body, folder) for name, body in document.get("streams", {}).items()]


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
        "layouts": {version: [*names, *inserted.get(version, ())] for version, names in layouts.items()},
        "pattern": rf"(?i)^{name}\.csv$",
        "optional": [*spare, *said.get("optional", ())],
        "refers": {c: spec["to"] for c, spec in columns.items() if "to" in spec},
        "values": {
            c: sorted({v for listed in spec["values"].values() for v in listed})
            for c, spec in columns.items()
            if spec["type"] == "enum"
        },
    }


def _stream(name: str, body: dict[str, Any], folder: Path) -> Stream:
    said = body.get("layouts", {})
    cuts = {v: read_layout(folder / "lists" / f"{table}.csv") for v, table in said.items() if isinstance(table, str)}
    layouts = {v: [c.name for c in cuts[v]] if v in cuts else expanded(names) for v, names in said.items()}
    said = body.get("columns", {})
    paths = said if isinstance(said, dict) else {path: path for path in said}
    columns = tuple(dict.fromkeys([*paths, *(column for layout in layouts.values() for column in layout)]))
    keep: tuple[str, ...] = (
        "csv",
        "layouts",
        "optional",
        "ignored",
        "ignore_rows",
        "nulls",
        "dates",
        "renamed",
        "fold_header",
        "mode",
        "request",
        "encoding",
        "short_records",
        "lines",
        "may_be_missing",
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
            "cuts": cuts,
            **({"paths": paths, "items": body.get("items", "")} if body["format"] == "json" else {}),
        },
    )


def _lists(folder: Path) -> dict[str, tuple[dict[str, str], ...]]:
    """`lists/<name>.csv`: what the vendor's file does not say and its documents do, as a table for `rows`."""
    found = {}
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else []:
        with path.open(encoding="utf-8", newline="") as file:
            found[path.stem] = tuple(csv.DictReader(file))
    return found


def _crosswalks(folder: Path) -> dict[str, dict[str, tuple[str, str]]]:
    found = {}
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else []:
        with path.open(encoding="utf-8", newline="") as file:
            found[path.stem] = {row["code"]: (row["value"], row.get("repair") or "") for row in csv.DictReader(file)}
    return found
