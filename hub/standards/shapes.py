"""The whole standard as data: every complex and simple type and every interchange, as `schemas/edfi/<version>/` has it.

`types.json` has one line per type, `interchanges.json` one per interchange. An element is written
`"Name Type"` with `?` (optional), `*` (any number) or `+` (one or more) behind it; a choice as
`{"choice": [elements], "optional": true}`. Facts only: names, types, order, cardinality, facets.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from hub.errors import FixConfiguration
from hub.standards.specs import SCHEMAS

TYPES, INTERCHANGES = "types.json", "interchanges.json"
#: Groups of complex types that are entities of the standard.
ENTITY_GROUPS = ("Domain Entity", "Association")
_OCCURS = {"": (True, False), "?": (False, False), "*": (False, True), "+": (True, True)}


@dataclass(frozen=True)
class Particle:
    """An element of a sequence or choice; `required`: at least once; `many`: more than once."""

    name: str
    type: str
    required: bool = True
    many: bool = False


@dataclass(frozen=True)
class Choice:
    """One of several elements; `required`: one must be there."""

    options: tuple[Particle, ...]
    required: bool = True


Content: TypeAlias = tuple[Particle | Choice, ...]


@dataclass(frozen=True)
class ComplexShape:
    """`content` is what the type itself adds to its `base`, in order; `attributes` is name -> type."""

    name: str
    group: str  # Domain Entity, Association, Common, Identity, Lookup, Extended Reference, Descriptor, Base
    base: str = ""
    abstract: bool = False
    content: Content = ()
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SimpleShape:
    """A restriction of `base` by facets (name, value) in the order of the XSD; enumeration repeats."""

    name: str
    base: str
    facets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Shapes:
    """One version of the standard. `interchanges`: root element -> the records that may stand in it, (name, type)."""

    version: str
    namespace: str
    complex: dict[str, ComplexShape] = field(default_factory=dict)
    simple: dict[str, SimpleShape] = field(default_factory=dict)
    interchanges: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def content(self, type_name: str) -> Content:
        """Elements and choices of a complex type with those of the types it extends, base first; () of a simple one."""
        found = self.complex.get(type_name)
        return self.content(found.base) + found.content if found else ()

    def records(self, interchange: str) -> tuple[tuple[str, str], ...]:
        """The records of an interchange; every record of the standard where it has no interchange of that name."""
        every = (pair for pairs in self.interchanges.values() for pair in pairs)
        return self.interchanges.get(interchange) or tuple(dict(every).items())

    def particles(self, type_name: str) -> Iterator[Particle]:
        """Every element that may stand in a type, those of choices included."""
        for part in self.content(type_name):
            yield from part.options if isinstance(part, Choice) else (part,)

    def builtin(self, type_name: str) -> str:
        """The `xs:` type that a simple type restricts in the end; "" of a complex type."""
        while type_name in self.simple:
            type_name = self.simple[type_name].base
        return "" if type_name in self.complex else type_name


def versions(root: Path = SCHEMAS) -> tuple[str, ...]:
    """The versions of Ed-Fi that the hub knows whole, oldest first."""
    return tuple(sorted(p.parent.name for p in (root / "edfi").glob(f"*/{TYPES}")))


@functools.lru_cache(maxsize=8)
def load_shapes(version: str, root: Path = SCHEMAS) -> Shapes:
    """One version whole. Raises FixConfiguration where `schemas/edfi` does not have it."""
    folder = root / "edfi" / version
    try:
        types = json.loads((folder / TYPES).read_bytes())
        interchanges = json.loads((folder / INTERCHANGES).read_bytes())
    except FileNotFoundError:
        known = ", ".join(versions(root))
        raise FixConfiguration(f"There is no Ed-Fi Data Standard {version} here.", f"Choose one of {known}.") from None
    return Shapes(
        version,
        types["namespace"],
        {n: _complex(n, said) for n, said in types["complex"].items()},
        {n: SimpleShape(n, said[0], tuple((f, v) for f, v in said[1:])) for n, said in types["simple"].items()},
        {n: tuple((p.name, p.type) for p in map(_particle, said)) for n, said in interchanges.items()},
    )


def _complex(name: str, said: dict[str, Any]) -> ComplexShape:
    return ComplexShape(
        name,
        said.get("group", ""),
        said.get("base", ""),
        said.get("abstract", False),
        tuple(_part(p) for p in said.get("content", ())),
        tuple(said.get("attributes", {}).items()),
    )


def _part(said: Any) -> Particle | Choice:
    if isinstance(said, str):
        return _particle(said)
    return Choice(tuple(_particle(p) for p in said["choice"]), not said.get("optional", False))


def _particle(said: str) -> Particle:
    name, kind, *occurs = said.split(" ")
    return Particle(name, kind, *_OCCURS[occurs[0] if occurs else ""])


def write_shapes(shapes: Shapes, folder: Path) -> None:
    """Write `types.json` and `interchanges.json`, one line per type, so that versions compare line by line."""
    folder.mkdir(parents=True, exist_ok=True)
    complex_types = {n: _said(t) for n, t in shapes.complex.items()}
    simple_types = {n: [t.base, *t.facets] for n, t in shapes.simple.items()}
    text = f'{{"namespace": {json.dumps(shapes.namespace)},\n"complex": {_lines(complex_types)},\n'
    (folder / TYPES).write_text(text + f'"simple": {_lines(simple_types)}}}\n', "utf-8")
    roots = {n: [f"{name} {kind}" for name, kind in records] for n, records in shapes.interchanges.items()}
    (folder / INTERCHANGES).write_text(_lines(roots) + "\n", "utf-8")


def _said(shape: ComplexShape) -> dict[str, Any]:
    said = {
        "group": shape.group,
        "base": shape.base,
        "abstract": shape.abstract,
        "content": [_written(p) for p in shape.content],
        "attributes": dict(shape.attributes),
    }
    return {k: v for k, v in said.items() if v}


def _written(part: Particle | Choice) -> Any:
    if isinstance(part, Particle):
        occurs = next(sign for sign, meant in _OCCURS.items() if meant == (part.required, part.many))
        return f"{part.name} {part.type} {occurs}".rstrip()
    return {"choice": [_written(p) for p in part.options], **({} if part.required else {"optional": True})}


def _lines(entries: dict[str, Any]) -> str:
    return "{\n" + ",\n".join(f"{json.dumps(n)}: {json.dumps(v, ensure_ascii=False)}" for n, v in entries.items()) + "}"
