"""Reads the district's files back with the standard library, independent of how they were written."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

Rows = list[dict[str, str]]


def rows(data: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def package(archive: Path) -> dict[str, Rows]:
    """File name without .csv -> its rows."""
    with zipfile.ZipFile(archive) as members:
        return {name.removesuffix(".csv"): rows(members.read(name)) for name in members.namelist()}


def folder(path: Path) -> dict[str, Rows]:
    return {file.stem: rows(file.read_bytes()) for file in sorted(path.glob("*.csv"))}


def files(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def only(path: Path, pattern: str = "*") -> Path:
    (found,) = path.glob(pattern)
    return found


def column(table: Rows, name: str) -> list[str]:
    return [row[name] for row in table]
