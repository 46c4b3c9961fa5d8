"""The files and columns of one version of the OneRoster CSV binding, out of `schemas/oneroster/csv.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from hub.errors import FixConfiguration

CSV = Path(__file__).resolve().parents[2] / "schemas" / "oneroster" / "csv.yaml"
VERSIONS = {"1.0": "1.1", "1.1": "1.1", "1.2": "1.2", "1.2.1": "1.2"}
MODES = ("bulk", "delta", "absent")
#: What a value may be written as, by kind, in both bindings; the CSV validator says the same in SQL.
PATTERNS = {
    "guid": "[0-9A-Za-z._/@-]{1,255}",
    "date": r"\d{4}-\d\d-\d\d",
    "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
    "year": "[0-9]{4}",
    "extension": "ext:[A-Za-z0-9._-]+",
}


@dataclass(frozen=True)
class Column:
    """`kind` is guid, string, date, datetime, boolean, integer, float, year, enum or reference, of a list's items too.

    `spare`: read where it stands, and not missed (a column that one release of the version has and another has not).
    """

    name: str
    kind: str
    many: bool = False
    to: str = ""
    values: tuple[str, ...] = ()
    extensible: bool = False
    required: bool = False
    delta: bool = False
    spare: bool = False


@dataclass(frozen=True)
class FileLayout:
    """Columns in the order of the standard. `renamed`: another name, in small letters -> the column it is read as."""

    name: str
    columns: tuple[Column, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def csv(self) -> str:
        return f"{self.name}.csv"


def binding(version: str) -> str:
    """The version whose layout counts. Raises FixConfiguration for one that is not known."""
    if version not in VERSIONS:
        raise FixConfiguration(f"OneRoster {version} is not known.", f"Choose one of {', '.join(VERSIONS)}.")
    return VERSIONS[version]


@lru_cache(maxsize=1)
def _files() -> dict[str, Any]:
    with CSV.open("rb") as file:
        files: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)["files"]  # a safe loader, in C
    return files


@lru_cache(maxsize=4)
def layouts(version: str) -> dict[str, FileLayout]:
    """By file name without `.csv`, for version "1.1" or "1.2"."""
    return {
        name: FileLayout(name, tuple(_columns(body, version)), _renamed(body, version))
        for name, body in _files().items()
        if version in body["layouts"]
    }


def _renamed(body: dict[str, Any], version: str) -> dict[str, str]:
    return {old.lower(): new for old, new in body.get("renamed", {}).items() if new in body["layouts"][version]}


def _columns(body: dict[str, Any], version: str) -> list[Column]:
    columns = [_column(name, body["columns"][name], version) for name in body["layouts"][version]]
    for name, spec in body.get("inserted", {}).get(version, {}).items():
        after = next(i for i, c in enumerate(columns, start=1) if c.name == spec["after"])
        columns.insert(after, _column(name, spec, version, spare=True))
    return columns


def _column(name: str, spec: dict[str, Any], version: str, spare: bool = False) -> Column:
    said, values = spec["type"], tuple(spec.get("values", {}).get(version, ()))
    kind = said.removeprefix("list of ")
    if kind == "enum" and set(values) == {"true", "false"}:
        kind = "boolean"
    return Column(
        name=name,
        kind="string" if kind == "id" else kind,
        many=said.startswith("list of "),
        to=spec.get("to", "").partition(" ")[0],
        values=values,
        extensible=version in spec.get("extensible", ()),
        required=version in spec.get("required", ()),
        delta=bool(spec.get("delta")),
        spare=spare,
    )
