"""The sheets of OneRoster: the files of the CSV binding and the objects of the REST binding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import yaml

from hub.standards.export.catalog import Item
from hub.standards.export.sheet import Asked, Line, Sheet
from hub.standards.oneroster_layout import Column, layouts
from hub.standards.oneroster_objects import Kind, Property, kinds
from hub.standards.rules import load_rules
from hub.standards.specs import SCHEMAS


def oneroster_sheet(item: Item) -> Sheet:
    """The sheet of one file of the CSV binding, or of one object of the REST binding."""
    if item.kind == "object":
        return _object(item, kinds(item.version)[item.also])
    layout = layouts(item.version)[item.name]
    lines = tuple(_line(item.name, column) for column in layout.columns)
    return Sheet(item, {"file": layout.csv, "natural key": "sourcedId"}, lines, tuple(_rules(item, item.name)))


def _object(item: Item, kind: Kind) -> Sheet:
    """A reference is told as its object, with the properties href, sourcedId and type."""
    facts = {"single payload": f'{{"{kind.name}": {{...}}}}', "collection": f'{{"{kind.collection}": [...]}}'}
    facts["natural key"] = "sourcedId"
    return Sheet(item, facts, tuple(_properties(kind.properties, kind, "")), tuple(_rules(item, kind.collection)))


def _properties(properties: Sequence[Property], kind: Kind, before: str) -> Iterator[Line]:
    for said in properties:
        listed = ", ".join(said.values)
        yield Line(
            name=before + said.name,
            type=f"list of {said.kind}" if said.many else said.kind,
            required=said.required,
            key=not before and said.name == "sourcedId",
            references=f"{said.types[0]}.sourcedId" if said.to else "",
            vocabulary=f"{listed}, ext:..." if said.extensible else listed,
            pii=pii(kind.collection, said.name) or pii(kind.collection, said.column),
        )
        yield from _properties(said.within, kind, f"{before}{said.name}{'[]' * said.many}.")


def _line(file: str, column: Column) -> Line:
    listed = ", ".join(column.values) if column.kind == "enum" else ""
    return Line(
        name=column.name,
        type=f"list of {column.kind}" if column.many else column.kind,
        required=column.required,
        limits="in delta files only" if column.delta else "",
        key=column.name == "sourcedId",
        references=f"{column.to}.sourcedId" if column.to else "",
        vocabulary=f"{listed}, ext:..." if column.extensible else listed,
        pii=pii(file, column.name),
    )


def pii(file: str, column: str) -> str:
    """The privacy class of a column: identifier, direct, sensitive, or "" where it tells nothing of a person."""
    classes = _classes()
    return classes.get(f"{file}.{column}") or classes.get(column, "")


@lru_cache(maxsize=1)
def _classes() -> dict[str, str]:
    said = yaml.safe_load((SCHEMAS / "oneroster" / "pii.yaml").read_bytes())
    return {name: word for word, names in said.items() for name in names}


def _rules(item: Item, file: str) -> Iterator[Asked]:
    for rule in load_rules().values():
        looked = [c["column"] for c in rule.check if c["file"] == file and item.version in _versions(c)]
        if looked and rule.id.startswith("oneroster"):
            yield Asked(rule.id, rule.severity, ", ".join(dict.fromkeys(looked)), rule.sentence)


def _versions(check: dict[str, list[str]]) -> list[str]:
    return check.get("versions", ["1.1", "1.2"])
