"""The objects of one version of the OneRoster REST binding, out of `schemas/oneroster/rest.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

REST = Path(__file__).resolve().parents[2] / "schemas" / "oneroster" / "rest.yaml"
VERSIONS = ("1.1", "1.2")


@dataclass(frozen=True)
class Property:
    """`kind` is guid, string, date, datetime, boolean, float, year, uri, enum, reference, object or open.

    `to` is the collection that a reference leads to (or that a guid is one of), `types` what it may call itself;
    `within` are the properties of an object. `column` is the name in the CSV binding; with `file`, each item is a row
    there that names its object in `owner`; `each`: each item makes a row of its own.
    """

    name: str
    kind: str
    many: bool = False
    required: bool = False
    values: tuple[str, ...] = ()
    extensible: bool = False
    to: str = ""
    types: tuple[str, ...] = ()
    within: tuple[Property, ...] = ()
    file: str = ""
    owner: str = ""
    column: str = ""
    each: bool = False


@dataclass(frozen=True)
class Kind:
    """One object: `name` of the single payload, `collection` of a payload of many."""

    name: str
    collection: str
    properties: tuple[Property, ...]


@lru_cache(maxsize=1)
def _said() -> dict[str, Any]:
    with REST.open("rb") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)  # a safe loader, in C


@lru_cache(maxsize=1)
def wrappers() -> dict[str, str]:
    """Every name that objects come wrapped in, with the collection that it means, the standard's own names first."""
    own = {body["collection"]: body["collection"] for body in _said()["objects"].values()}
    single = {name: body["collection"] for name, body in _said()["objects"].items()}
    return own | single | {name: to for to, names in _said()["wrappers"].items() for name in names}


@lru_cache(maxsize=4)
def kinds(version: str) -> dict[str, Kind]:
    """By collection, for version "1.1" or "1.2"."""
    said = _said()
    reader = _Reader(said, version)
    return {
        body["collection"]: Kind(name, body["collection"], tuple(reader.read(said["base"] | body["properties"])))
        for name, body in said["objects"].items()
        if version in body.get("versions", VERSIONS)
    }


@dataclass(frozen=True)
class _Reader:
    said: dict[str, Any]
    version: str

    def read(self, properties: dict[str, Any]) -> Iterator[Property]:
        for name, spec in properties.items():
            if self.version in spec.get("versions", VERSIONS):
                yield self.property(name, spec)

    def property(self, name: str, spec: dict[str, Any]) -> Property:
        target = spec.get("to", "")
        return Property(
            name=name,
            kind=spec["type"].removeprefix("list of "),
            many=spec["type"].startswith("list of "),
            required=self.version in spec.get("required", ()),
            values=tuple(spec.get("values", {}).get(self.version, ())),
            extensible=self.version in spec.get("extensible", ()),
            to=self.said["objects"][target]["collection"] if target else "",
            types=tuple(self.said["references"][target][self.version]) if target else (),
            within=tuple(self.read(self.said["parts"][spec["of"]])) if "of" in spec else (),
            file=spec.get("file", ""),
            owner=spec.get("owner", ""),
            column=spec.get("column", name),
            each=spec.get("each", False),
        )
