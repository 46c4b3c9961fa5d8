"""Which of the files that lie somewhere are a source's own tonight. What is left out is told, never lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult

from hub.connectors.pulling import Left, Pull
from hub.model import Slice

_UPLOADING = (".part", ".filepart", ".partial", ".tmp", ".crdownload", ".upload")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Listed:
    """A file as it is listed: its path below the folder, and its size in bytes."""

    name: str
    size: int


def place(url: SplitResult) -> str:
    """The path of an address that is no web address: a question mark in it is part of a pattern."""
    return url.path + (f"?{url.query}" if url.query else "") + (f"#{url.fragment}" if url.fragment else "")


def split(path: str) -> tuple[str, str]:
    """A path's folder or file, and the pattern below it ("" for none)."""
    parts = path.split("/")
    at = next((i for i, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts))
    return "/".join(parts[:at]), "/".join(parts[at:])


def fits(name: str, pattern: str, recursive: bool) -> bool:
    """Whether a file below the folder is asked for: by the pattern, else lying in it, or anywhere below it."""
    if not pattern:
        return recursive or "/" not in name
    names, words = name.split("/"), pattern.split("/")
    if recursive and len(words) == 1:
        return fnmatchcase(names[-1], pattern)
    return len(names) == len(words) and all(map(fnmatchcase, names, words))


def chosen(listed: Iterable[Listed], pull: Pull) -> Iterator[Listed | Left]:
    """The files of this pull's slice, by name; those that must wait, or belong to nobody, as `Left`.

    Hidden files are passed over, and so are those of another slice that hub.yaml has.
    """
    named = re.compile(pull.transport["files"]) if pull.transport.get("files") else None
    for file in sorted(listed, key=lambda f: f.name):
        path = PurePosixPath(file.name)
        parts = path.parts
        if any(part.startswith(".") and part != ".." for part in parts):
            continue
        if ".." in parts or path.is_absolute() or str(path) != file.name or _UNSAFE.search(file.name):
            yield Left(ascii(file.name)[1:-1], "has a name that is no plain path")
        elif file.name.lower().endswith(_UPLOADING):
            yield Left(file.name, "is still being uploaded", waits=True)
        elif named is None:
            yield file
        elif not (found := named.search(file.name)):
            yield Left(file.name, "is not named as `files:` of hub.yaml says")
        elif not (slices := _slices(found.groupdict(), pull)):
            yield Left(file.name, "names a district or school year that hub.yaml does not have")
        elif pull.slice in slices:
            yield file


def _slices(groups: dict[str, Any], pull: Pull) -> set[Slice]:
    """The slices that a file's name can mean; a group that it has not got leaves that part open."""
    district, year = groups.get("district"), groups.get("year")
    known = pull.slices or {pull.slice: 0}
    ends = school_year(year) if year else pull.slice.year
    return {
        slice
        for slice, agency in known.items()
        if slice.year == ends
        and (slice.district == pull.slice.district if district is None else _is(district, slice.district, agency))
    }


def _is(said: str, district: str, agency: int) -> bool:
    return said.lower() == district or (said.isdecimal() and int(said) == agency)


def school_year(text: str) -> int | None:
    """The year a school year ends in, out of 2027, 2026-2027, 2026-27, 20262027, 202627 or 26-27; else None."""
    whole = re.fullmatch(r"(20\d\d)(?:[-_ ]?(?:20)?(\d\d))?", text)
    if whole:
        start, end = int(whole[1]), whole[2]
        return start if end is None else _end(start, end)
    short = re.fullmatch(r"(\d\d)[-_ ]?(\d\d)", text)
    return _end(2000 + int(short[1]), short[2]) if short else None


def _end(start: int, end: str) -> int | None:
    return start + 1 if (start + 1) % 100 == int(end) else None
