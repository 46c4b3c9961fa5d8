"""The objects of one JSON file, out of whatever they are wrapped in: a collection, a single object, a list, lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from hub.standards.oneroster_objects import VERSIONS, kinds, wrappers
from hub.standards.validation.archive import SentFile
from hub.standards.validation.json_bodies import values

_LINES = (".jsonl", ".ndjson")
_LOOKED_AT = 50  # objects of a file that say its kind and version
_START = 1 << 16
_ID = re.compile(rb'"sourcedId"\s*:')
_FAULTS = {"empty": "oneroster.json.empty", "json": "oneroster.json.syntax", "too_large": "oneroster.json.too_large"}


@dataclass(frozen=True)
class Met:
    """One object of the collection `kind`, or a `fault`: the rule that what stands there breaks. `single`: it came
    as a single payload; `wrapper`: a name that is not the standard's; `beside`: what else stood in the payload."""

    kind: str = ""
    value: Any = None
    line: int | None = None
    fault: str = ""
    single: bool = False
    wrapper: str = ""
    beside: tuple[str, ...] = ()


def speaks_oneroster(file: SentFile) -> bool:
    """Whether the beginning of a JSON file has a sourcedId, or wraps nothing in the name of a collection."""
    with file.path.open("rb") as stream:
        start = stream.read(_START)
    names = "|".join(map(re.escape, wrappers()))
    hollow = re.match(rf'\s*\{{\s*"({names})"\s*:\s*\[\s*\]', start.decode("utf-8-sig", errors="replace"))
    return bool(hollow or _ID.search(start) or b'"imsx_codeMajor"' in start)


def met(file: SentFile, said: str = "") -> Iterator[Met]:
    """Every object of a file. `said` is the kind of objects without a wrapper, else the file's name tells it."""
    lines = file.base.lower().endswith(_LINES)
    many = lines or _begins(file) == b"["
    kind = wrappers().get(said) or wrappers().get(file.base.partition(".")[0], "")
    for found in values(file.path, lines):
        if found.fault:
            yield Met(line=found.line, fault=_FAULTS[found.fault])
        elif not isinstance(found.value, dict):
            yield Met(line=found.line, fault="oneroster.json.syntax")
        else:
            kind = kind or ("" if _wrapper(found.value) else _likely([found.value]))
            yield from _objects(found.value, found.line, kind, not many)


def _objects(value: dict[str, Any], line: int | None, kind: str, single: bool) -> Iterator[Met]:
    name = _wrapper(value)
    if name:
        inner, collection = value[name], wrappers()[name]
        own = kinds(VERSIONS[-1])[collection]
        expected = own.collection if isinstance(inner, list) else own.name
        beside = tuple(k for k in value if k != name and not k.startswith("imsx_"))
        for i, item in enumerate(inner if isinstance(inner, list) else [inner]):
            first = i == 0  # what is wrong with the wrapper is said once
            strange = name if first and name != expected else ""
            fault = "" if isinstance(item, dict) else "oneroster.json.syntax"
            yield Met(collection, item, line, fault, isinstance(inner, dict), strange, beside if first else ())
    elif "imsx_codeMajor" in value:
        yield Met(line=line, fault="oneroster.json.error_payload")
    else:
        yield Met(kind, value, line, "" if kind else "oneroster.json.unknown_kind", single)


def _wrapper(value: dict[str, Any]) -> str:
    """The name that the objects of a payload are wrapped in; "" where it is an object itself."""
    if "sourcedId" in value:
        return ""
    return next((k for k, inner in value.items() if k in wrappers() and isinstance(inner, list | dict)), "")


def version_of(files: Iterable[SentFile], said: str) -> str:
    """The version whose objects fit better; 1.2 where both do."""
    misfits = dict.fromkeys(reversed(VERSIONS), 0)
    for file in files:
        for found in islice(met(file, said), _LOOKED_AT):
            for version in misfits if isinstance(found.value, dict) and found.kind else ():
                misfits[version] += _misfit(found.value, found.kind, version)
    return min(misfits, key=lambda version: misfits[version])


def _likely(objects: list[dict[str, Any]]) -> str:
    """The collection whose properties fit best, by the newest version."""
    misfit = {kind: sum(_misfit(o, kind, VERSIONS[-1]) for o in objects) for kind in kinds(VERSIONS[-1])}
    best = min(misfit, key=lambda kind: misfit[kind])
    return best if any("sourcedId" in o and misfit[best] < len(o) for o in objects) else ""


def _misfit(value: dict[str, Any], kind: str, version: str) -> int:
    if kind not in kinds(version):
        return len(value)
    known = kinds(version)[kind].properties
    needed = {p.name for p in known if p.required}
    return len(value.keys() - {p.name for p in known}) + len(needed - value.keys())


def _begins(file: SentFile) -> bytes:
    with file.path.open("rb") as stream:
        return stream.read(1000).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
