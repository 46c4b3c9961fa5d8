"""manifest.csv of a OneRoster package (1.1 and 1.2 CSV binding): which version, and how each file is sent."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from hub.standards.oneroster_layout import MODES, VERSIONS, layouts
from hub.standards.validation.archive import SentFile
from hub.standards.validation.profiles import Judge

HEADER = ["propertyName", "value"]
LIMIT = 1_000_000  # bytes; the largest legal one has some thirty lines
_OPTIONAL = ("source.systemName", "source.systemCode")


@dataclass(frozen=True)
class Manifest:
    """`version` as the manifest says it, blank where it says none that is known; `modes` by file name without .csv."""

    present: bool
    version: str
    modes: dict[str, str]


@dataclass(frozen=True)
class _Row:
    number: int  # record number, 1 for the first after the header
    name: str
    value: str


def judge_manifest(judge: Judge, file: SentFile | None, sent: Collection[str], version: str, fitting: str) -> Manifest:
    """Reads and judges the manifest; `version` overrides what it says, `fitting` counts where it says nothing. `sent`
    are the names of the package's files in small letters.

    A package without a manifest is OneRoster 1.0.
    """
    if file is None:
        judge.find("oneroster.manifest.missing", "manifest.csv")
        return Manifest(False, "", {})
    lines = _lines(judge, file)
    if lines is None:
        return Manifest(False, "", {})
    rows = list(_rows(judge, file.name, lines))
    said: dict[str, _Row] = {}
    twice: dict[str, list[int]] = {}
    for row in rows:
        if row.name.casefold() in said:
            twice.setdefault(row.name, []).append(row.number)
        else:
            said[row.name.casefold()] = row
    for name, numbers in twice.items():
        judge.find("oneroster.manifest.duplicate_property", file.name, name, numbers)
    found = _version(judge, file.name, said)
    modes = _properties(judge, file.name, said, sent, VERSIONS[version or found or fitting])
    return Manifest(True, found, modes)


def _lines(judge: Judge, file: SentFile) -> list[list[str]] | None:
    with file.path.open("rb") as stream:
        raw = stream.read(LIMIT)
    if raw.startswith(b"\xef\xbb\xbf"):
        judge.find("oneroster.csv.byte_order_mark", file.name)
    try:
        lines = [line for line in csv.reader(raw.decode("utf-8-sig").splitlines()) if any(c.strip() for c in line)]
    except (UnicodeDecodeError, csv.Error):
        lines = []
    if not lines or b"\x00" in raw:
        judge.find("oneroster.manifest.unreadable", file.name)
        return None
    return lines


def _rows(judge: Judge, name: str, lines: list[list[str]]) -> Iterator[_Row]:
    first = [c.strip().casefold() for c in lines[0]]
    headed = first[:1] == ["propertyname"] or first[:1] == [""] or "." not in (first or [""])[0]
    if lines[0] != HEADER:
        judge.find("oneroster.manifest.header", name)
    wrong: list[int] = []
    spaced: dict[str, list[int]] = {}
    for number, line in enumerate(lines[1:] if headed else lines, start=1):
        if len(line) != 2:
            wrong.append(number)
        for column, cell in zip(HEADER, line, strict=False):
            if cell != cell.strip():
                spaced.setdefault(column, []).append(number)
        yield _Row(number, line[0].strip(), line[1].strip() if len(line) > 1 else "")
    judge.find("oneroster.manifest.row_width", name, "", wrong)
    for column, numbers in spaced.items():
        judge.find("oneroster.value.whitespace", name, column, numbers)


def _version(judge: Judge, name: str, said: dict[str, _Row]) -> str:
    """OneRoster 1.1 and 1.2 CSV binding, manifest.csv: manifest.version is 1.0, oneroster.version 1.1 or 1.2."""
    manifest, oneroster = said.get("manifest.version"), said.get("oneroster.version")
    if manifest and manifest.value != "1.0":
        judge.find("oneroster.manifest.manifest_version", name, "value", [manifest.number], values=[manifest.value])
    if oneroster and oneroster.value not in ("1.1", "1.2"):
        judge.find("oneroster.manifest.oneroster_version", name, "value", [oneroster.number], values=[oneroster.value])
    return oneroster.value if oneroster and oneroster.value in VERSIONS else ""


def _properties(judge: Judge, name: str, said: dict[str, _Row], sent: Collection[str], version: str) -> dict[str, str]:
    files = {f"file.{file}": file for file in layouts(version)}
    required = ["manifest.version", "oneroster.version", *files]
    known = {p.casefold(): p for p in (*required, *_OPTIONAL)}
    for wanted in required:
        if wanted.casefold() not in said:
            judge.find("oneroster.manifest.missing_property", name, wanted)
    modes = {}
    for folded, row in said.items():
        wanted = known.get(folded, "")
        if wanted != row.name:
            near = wanted or next(iter(difflib.get_close_matches(row.name, known.values(), n=1)), "")
            hint = f"It looks like {near}." if near else ""
            judge.find("oneroster.manifest.unknown_property", name, "propertyName", [row.number], detail=hint)
        if wanted not in files:
            continue
        mode = row.value.casefold()
        if mode not in MODES and f"{files[wanted]}.csv".casefold() not in sent:
            judge.find("oneroster.manifest.mode_of_no_file", name, wanted, [row.number], values=[row.value])
            mode = "absent"
        elif mode not in MODES:
            judge.find("oneroster.manifest.mode", name, wanted, [row.number], values=[row.value])
        elif mode != row.value:
            judge.find("oneroster.value.case", name, wanted, [row.number], values=[row.value])
        modes[files[wanted]] = mode if mode in MODES else "bulk"
    return modes
