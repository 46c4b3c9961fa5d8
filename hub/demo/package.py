"""Bytes: CSV files and zip packages that are the same every time."""

from __future__ import annotations

import codecs
import csv
import functools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.csv as pcsv

from hub.demo.columns import words

#: Every file a OneRoster manifest must name, present or not (CSV 1.1 and 1.2, manifest.csv).
_FILES_1_1 = words(
    "academicSessions categories classes classResources courses courseResources demographics enrollments lineItems "
    "orgs resources results users"
)
_FILES_1_2 = words(
    "lineItemLearningObjectiveIds lineItemScoreScales resultLearningObjectiveIds resultScoreScales roles scoreScales "
    "userProfiles userResources"
)


@functools.cache
def _connection() -> Any:
    return ibis.duckdb.connect()


def write_csv(rows: pa.Table, path: Path, *, bom: bool = False) -> Path:
    """RFC 4180 with a header; null is written as nothing. `bom` puts a UTF-8 byte order mark in front."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _connection().to_csv(ibis.memtable(rows), str(path))
    if bom:
        path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    return path


def read_csv(path: Path) -> pa.Table:
    """All columns as text, blank as null."""
    header = path.read_text("utf-8-sig").split("\n", 1)[0].rstrip("\r")
    names = next(csv.reader([header]))
    convert = pcsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), null_values=[""])
    convert.strings_can_be_null = True
    rows: pa.Table = pcsv.read_csv(path, convert_options=convert)
    return rows


def manifest(version: str, modes: Mapping[str, str], system: str) -> pa.Table:
    """manifest.csv: `modes` says bulk or delta for each file present; all others are absent."""
    names = sorted([*_FILES_1_1, *(_FILES_1_2 if version == "1.2" else ())], key=str.lower)
    rows = [("manifest.version", "1.0"), ("oneroster.version", version)]
    rows += [(f"file.{name}", modes.get(name, "absent")) for name in names]
    rows += [("source.systemName", system), ("source.systemCode", system.lower().replace(" ", "-"))]
    return pa.table({"propertyName": [name for name, _ in rows], "value": [value for _, value in rows]})


def write_folder(tables: Mapping[str, pa.Table], folder: Path) -> dict[str, Path]:
    """`<name>.csv` for each table."""
    return {name: write_csv(rows, folder / f"{name}.csv") for name, rows in tables.items()}


def zip_folder(folder: Path, archive: Path, level: int = 6) -> Path:
    """All files of a folder at the root of a zip, in order of name, without times; the folder goes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as package:
        for path in sorted(folder.iterdir()):
            member = zipfile.ZipInfo(path.name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            with path.open("rb") as source, package.open(member, "w") as target:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
            path.unlink()
    folder.rmdir()
    return archive
