"""A small, slow and strict reader of OneRoster packages, independent of the validator: what mutations are held against.

It knows the CSV binding's files and columns (schemas/oneroster/csv.yaml) and nothing else of the hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SPEC = Path(__file__).parents[2] / "schemas" / "oneroster" / "csv.yaml"
Records = list[list[str]]
WIDE = 255


@cache
def spec() -> dict[str, Any]:
    files: dict[str, Any] = yaml.safe_load(SPEC.read_text())["files"]
    return files


@dataclass
class Reading:
    """What a package says: rows by file, column by column, in no order. `complaints`: why it is no clean package."""

    tables: dict[str, list[tuple[tuple[str, str], ...]]] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


def read(files: dict[str, bytes], version: str) -> Reading:
    found = Reading()
    known = {f"{name}.csv": name for name, body in spec().items() if version in body["layouts"]}
    found.complaints += [f"file {name}" for name in files if name not in known and name != "manifest.csv"]
    _manifest(found, files, version, known)
    rows: dict[str, list[dict[str, str]]] = {}
    for name in files.keys() & known.keys():
        try:
            records = _records(files[name])
            rows[known[name]] = _rows(found, known[name], records, version)
        except ValueError as error:
            found.complaints.append(f"{name}: {error}")
    for name, table in rows.items():
        found.tables[name] = sorted(tuple(sorted(row.items())) for row in table)
        _references(found, name, table, rows, version)
    return found


def _manifest(found: Reading, files: dict[str, bytes], version: str, known: dict[str, str]) -> None:
    try:
        lines = [r for r in _records(files["manifest.csv"]) if r != [""]]
    except (KeyError, ValueError):
        found.complaints.append("manifest")
        return
    said = dict(line for line in lines if len(line) == 2)
    fixed = {"propertyName": "value", "manifest.version": "1.0", "oneroster.version": version}
    wanted = fixed.keys() | {f"file.{name}" for name in known.values()}
    sound = lines[:1] == [["propertyName", "value"]] and len(said) == len(lines)
    if not sound or not wanted <= said.keys() <= wanted | {"source.systemName", "source.systemCode"}:
        found.complaints.append("manifest properties")
    if any(said.get(name) != value for name, value in fixed.items()):
        found.complaints.append("manifest values")
    found.modes = {name: said.get(f"file.{name}", "") for name in known.values()}
    here = {known[f] for f in files if f in known}
    for name, mode in found.modes.items():
        if mode not in ("bulk", "delta", "absent") or (mode != "absent") != (name in here):
            found.complaints.append(f"mode of {name}")


def _records(raw: bytes) -> Records:
    """RFC 4180 by the letter; ValueError for anything else."""
    text = raw.decode("utf-8").removeprefix("\ufeff")
    if "\0" in text:
        raise ValueError("NUL")
    if text.count("\r") != text.count("\r\n") or text.count("\r\n") not in (0, text.count("\n")):
        raise ValueError("line ends")
    return list(_parsed(text.replace("\r\n", "\n").removesuffix("\n") + "\n"))


def _parsed(text: str) -> Iterator[list[str]]:
    record: list[str] = []
    for quoted, plain, end in re.findall(r'(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|.)', text, re.DOTALL):
        if end not in (",", "\n") or "\n" in quoted:
            raise ValueError("quote or line break")
        record.append(quoted.replace('""', '"') or plain)
        if end == "\n":
            yield record
            record = []
    if record:
        raise ValueError("open quote")


def _rows(found: Reading, name: str, records: Records, version: str) -> list[dict[str, str]]:
    body = spec()[name]
    header, layout = records[0], list(body["layouts"][version])
    own = header[len(layout) :]
    if header[: len(layout)] != layout or len(set(header)) != len(header):
        layout = _with_inserted(body, layout, version)
        own = header[len(layout) :]
        if header[: len(layout)] != layout or len(set(header)) != len(header):
            raise ValueError("header")
    if any(not re.fullmatch(r"metadata\.[^\s.]\S*", column) for column in own):
        raise ValueError("metadata")
    records = [r for r in records[1:] if r != [""]]  # a blank line is no record
    if not records or any(len(r) != len(header) for r in records):
        raise ValueError("no rows, or of another width")
    rows = [dict(zip(header, r, strict=True)) for r in records]
    mode = found.modes.get(name, "bulk")
    for row in rows:
        found.complaints += [
            f"{name}.{column}"
            for column in layout
            if not _good(row[column], _of(body, column, version), version, mode == "delta")
        ]
    ids = [row["sourcedId"] for row in rows]
    if len(set(ids)) != len(ids):
        found.complaints.append(f"{name}: ids")
    return rows


def _with_inserted(body: dict[str, Any], layout: list[str], version: str) -> list[str]:
    for column, said in body.get("inserted", {}).get(version, {}).items():
        layout.insert(layout.index(said["after"]) + 1, column)
    return layout


def _of(body: dict[str, Any], column: str, version: str) -> dict[str, Any]:
    return body["columns"].get(column) or body["inserted"][version][column]


def _good(value: str, said: dict[str, Any], version: str, delta: bool) -> bool:
    kind = said["type"]
    if said.get("delta"):
        if not delta or not value.strip():
            return not value.strip() and not delta
    elif not value.strip():
        # white space alone is a blank text, and no value of any other type
        return version not in said.get("required", ()) and (not value or kind in ("string", "id", "list of string"))
    if kind.startswith("list of "):
        items = value.split(",")
        return all(_good_item(i.strip() if kind.endswith("string") else i, said, kind[8:], version) for i in items)
    return _good_item(value, said, kind, version)


def _good_item(value: str, said: dict[str, Any], kind: str, version: str) -> bool:
    if kind in ("string", "id"):
        return bool(value.strip()) and (len(value) <= WIDE or said["type"].startswith("list"))
    if kind == "enum":
        own = version in said.get("extensible", ()) and re.fullmatch(r"ext:[A-Za-z0-9._-]+", value)
        return value in said["values"][version] or bool(own)
    patterns = {
        "guid": r"[0-9A-Za-z._/@-]{1,255}",
        "reference": r"[0-9A-Za-z._/@-]{1,255}",
        "date": r"\d{4}-\d\d-\d\d",
        "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
        "boolean": "true|false",
        "integer": r"-?\d+",
        "float": r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?",
        "year": r"\d{4}",
    }
    return bool(re.fullmatch(patterns[kind], value, re.ASCII)) and _in_calendar(value, kind)


def _in_calendar(value: str, kind: str) -> bool:
    try:
        if kind == "date":
            date.fromisoformat(value)
        elif kind == "datetime":
            datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True


def _references(
    found: Reading, name: str, table: list[dict[str, str]], rows: dict[str, list[dict[str, str]]], version: str
) -> None:
    body = spec()[name]
    for column in table[0].keys() & body["columns"].keys():
        said = body["columns"][column]
        target = said.get("to", "").partition(" ")[0]
        if not target or "delta" in (found.modes.get(name), found.modes.get(target)):
            continue
        ids = {row["sourcedId"] for row in rows.get(target, ())}
        for row in table:
            items = row[column].split(",") if said["type"].startswith("list") else [row[column]]
            if not {i.strip() for i in items if i.strip()} <= ids:
                found.complaints.append(f"{name}.{column}: reference")
