"""A look at a source: does it answer, what may be read, and what shape has it. No value of a row is kept or told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hub.config import Settings, SourceSettings
from hub.connectors import Left, Pull, fetch, kind_of
from hub.connectors.http import asked_for
from hub.connectors.http.answers import at
from hub.errors import HubError
from hub.model import Piece, Slice, Source, Stream, StreamAgain, StreamEnd
from hub.pipeline.source import pull_of
from hub.standards.vendors.sources import load_source

_NAME = re.compile(r"[A-Za-z_][\w.-]{0,60}")  # a key that is no word may be an id
_NAMES, _DEEP = 200, 3
_KINDS = {dict: "object", list: "list", str: "text", bool: "true or false", int: "number", float: "number"}


@dataclass(frozen=True)
class Looked:
    """One stream, or a file of a folder. `rows` are those of the first page, None of a file, which is not opened;
    `columns` have their types; `missing` are paths that the vendor's folder reads and no row of the page has."""

    stream: str
    status: Literal["answers", "empty", "not offered", "failed"]
    rows: int | None = 0
    columns: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    message: str = ""
    remedy: str = ""


def probe(settings: Settings, slice: Slice, source: SourceSettings) -> list[Looked]:
    """Asks for the first page of each list, or for the list of files. Never raises for a fault of the source."""
    vendor = load_source(source.vendor, settings.specs, settings.vendors)
    pull = replace(pull_of(settings, slice, source, vendor), first=True)
    asked = asked_for(pull)
    if kind_of(pull.transport) != "http":
        return _all_at_once(pull, vendor, asked)
    return [_one(pull, stream, asked) for stream in asked]


def _one(pull: Pull, stream: Stream, asked: list[Stream]) -> Looked:
    """One list, after those whose rows it is asked for by; one that fails says nothing about the others."""
    above = [stream]
    while parent := above[0].options["request"].get("each", {}).get("stream"):
        above.insert(0, next(s for s in asked if s.name == parent))
    try:
        return _look(stream, [p for p in _pieces(replace(pull, streams=tuple(above))) if p.stream == stream.name])
    except HubError as error:
        return Looked(stream.name, "failed", message=error.message, remedy=error.remedy)


def _all_at_once(pull: Pull, vendor: Source, asked: list[Stream]) -> list[Looked]:
    pieces: dict[str, list[Piece]] = {}
    found: list[Looked] = []
    try:
        for piece in _pieces(pull):
            pieces.setdefault(piece.stream, []).append(piece)
    except HubError as error:
        found.append(Looked("", "failed", message=error.message, remedy=error.remedy))
    files = pieces.pop("", [])
    if files or not asked:
        found += [Looked(p.name, "answers", rows=None) for p in files] or [Looked("", "empty")] * (not found)
    return found + [_look(s, pieces.get(s.name, [])) for s in asked]


def _pieces(pull: Pull) -> Iterator[Piece]:
    for piece in fetch(pull):
        if not isinstance(piece, StreamEnd | StreamAgain | Left):
            yield piece


def _look(stream: Stream, pieces: list[Piece]) -> Looked:
    if not pieces:
        return Looked(stream.name, "not offered")
    with pieces[0].open() as page:
        body = json.loads(page.read())
    rows = _rows(body, stream.options.get("items", ""))
    columns: dict[str, set[str]] = {}
    for row in rows:
        _describe(row, "", columns)
    named = {name: " or ".join(sorted(kinds - {"nothing"})) or "nothing" for name, kinds in sorted(columns.items())}
    missing = _missing(stream, columns) if rows else ()
    return Looked(stream.name, "answers" if rows else "empty", len(rows), named, missing)


def _rows(body: Any, items: str | list[str]) -> list[Any]:
    for path in [items] if isinstance(items, str) else items:
        found = at(body, path)
        if isinstance(found, list):
            return found
    return []


def _describe(value: Any, path: str, columns: dict[str, set[str]]) -> None:
    """Adds the types of what stands below a path, lists by their items."""
    if path and len(columns) < _NAMES:
        columns.setdefault(path, set()).add(_KINDS.get(type(value), "nothing"))
    if isinstance(value, dict) and path.count(".") < _DEEP:
        for name, below in value.items():
            if _NAME.fullmatch(name):
                _describe(below, f"{path}.{name}" if path else name, columns)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                for name, below in item.items():
                    if _NAME.fullmatch(name) and path.count(".") < _DEEP:
                        _describe(below, f"{path}[*].{name}", columns)


def _missing(stream: Stream, columns: dict[str, set[str]]) -> tuple[str, ...]:
    if "nested" in stream.options:
        return ()
    paths = [[p] if isinstance(p, str) else list(p) for p in stream.options.get("paths", {}).values()]
    lost = [p for p in paths if not any(word.startswith("@") or word.removesuffix("[*]") in columns for word in p)]
    return tuple(" or ".join(p) for p in lost)
