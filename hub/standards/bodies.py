"""The body of a resource as the REST API takes it, made of an entity's spec: references and collections as objects.

Authority: Ed-Fi API guidelines: `xxxReference` holds the natural key of what it names, a school year stands in an
`xxxTypeReference`, collections are arrays of objects, descriptors are `namespace#code`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import yaml

from hub.model import Entity, Field
from hub.standards.additions import read_additions
from hub.standards.naming import lower_camel, plural
from hub.standards.shapes import ENTITY_GROUPS, load_shapes
from hub.standards.specs import SCHEMAS, load_entity

Form = Literal["value", "object", "list", "reference"]


@dataclass(frozen=True)
class Property:
    """`field` says what a value may be; `within` are the properties of an object, a reference or a list's items.

    `target` is the entity that a reference names, "" for a school year. `column` is the entity's field that a value
    feeds: several may feed one, and then they must be equal.
    """

    name: str
    form: Form
    required: bool
    field: Field | None = None
    within: tuple[Property, ...] = ()
    target: str = ""
    column: str = ""
    flat: str = ""  # inside a list or object: the name under which the hub keeps the value


@dataclass(frozen=True)
class Body:
    """A resource: `key` is the natural key, as columns."""

    resource: str
    entity: str
    kind: str
    key: tuple[str, ...]
    properties: tuple[Property, ...]


def resources(version: str) -> dict[str, str]:
    """Resource -> entity, descriptors included: `students` -> Student, `sexDescriptors` -> SexDescriptor."""
    return dict(_resources(version))


@lru_cache(maxsize=4)
def _resources(version: str) -> Mapping[str, str]:
    groups = (*ENTITY_GROUPS, "Descriptor")
    types = load_shapes(version).complex.values()
    return {plural(lower_camel(t.name)): t.name for t in types if t.group in groups and not t.abstract}


@lru_cache(maxsize=512)
def body(name: str, version: str) -> Body:
    """The body of an entity or descriptor by its name. Raises FixConfiguration where the version has none."""
    if name.endswith("Descriptor") and load_shapes(version).complex.get(name):
        properties = tuple(Property(f.name, "value", f.required, f, column=f.name) for f in _DESCRIPTOR)
        return Body(plural(lower_camel(name)), name, "descriptor", ("namespace", "codeValue"), properties)
    entity = load_entity(name, version)
    strict = tuple(replace(f, required=f.required or f"{name}.{f.name}" in _lenient()) for f in entity.fields)
    entity = replace(entity, fields=strict)
    return Body(entity.resource, entity.name, entity.kind, entity.key, tuple(_properties(entity, version)))


@lru_cache(maxsize=1)
def _lenient() -> frozenset[str]:
    """What the standard requires and the hub does not: a body is judged by the standard."""
    said = yaml.safe_load((SCHEMAS / "edfi" / "additions.yaml").read_bytes())
    return frozenset(read_additions(said).optional)


_DESCRIPTOR = (
    Field("namespace", "string", required=True, max_length=255, min_length=5),
    Field("codeValue", "string", required=True, max_length=50),
    Field("shortDescription", "string", required=True, max_length=75),
    Field("description", "string", max_length=1024),
    Field("effectiveBeginDate", "date"),
    Field("effectiveEndDate", "date"),
    Field("priorDescriptorId", "integer"),
)


def _properties(entity: Entity, version: str) -> Iterable[Property]:
    for field in entity.fields:
        if not field.xml or any("Reference/" not in path for path in field.xml.split(" | ")):
            yield _own(field, field.name, version)
    for reference in entity.references:
        within = tuple(_part(entity.field(mine), theirs, mine) for mine, theirs in reference.fields)
        name = f"{reference.name}Reference"
        yield Property(name, "reference", reference.required, within=within, target=reference.entity)


def _part(field: Field, name: str, column: str = "") -> Property:
    return Property(name, "value", True, replace(field, name=name, required=True), column=column)


def _own(field: Field, column: str, version: str) -> Property:
    if field.type == "integer" and field.xml.endswith("SchoolYear"):
        year = replace(_part(field, "schoolYear", column), flat=field.name)
        return Property(f"{field.name}TypeReference", "reference", field.required, within=(year,))
    if field.type == "object":
        return Property(field.name, "object", field.required, within=tuple(_items(field.items, version)))
    if field.type != "list":
        return Property(field.name, "value", field.required, field, column=column)
    within = tuple(_items(field.items, version))
    target = _target(field.items[0].xml) if field.items else ""
    if target:
        parts = tuple(replace(_part(f, _bare(f.name, target, version)), flat=f.name) for f in field.items)
        element = lower_camel(field.xml.rpartition("/")[2])
        within = (Property(element, "reference", True, within=parts, target=target),)
    return Property(field.name, "list", field.required, within=within)


def _items(fields: tuple[Field, ...], version: str) -> Iterable[Property]:
    """Properties of an item: columns that come through one reference element stand in one object."""
    references: dict[str, list[Field]] = {}
    for field in fields:
        before, through, _ = field.xml.split(" | ")[0].partition("Reference/")
        if through:
            references.setdefault(f"{before}Reference", []).append(field)
        else:
            yield _own(field, "", version)
    for path, parts in references.items():
        target = _target(parts[0].xml.split(" | ")[0].partition("Reference/")[2])
        within = tuple(replace(_part(f, _bare(f.name, target, version)), flat=f.name) for f in parts)
        needed = any(f.required for f in parts)
        yield Property(lower_camel(path.rpartition("/")[2]), "reference", needed, within=within, target=target)


def _target(path: str) -> str:
    """`ProgramIdentity/ProgramName` -> Program."""
    first = path.partition("/")[0]
    return first.removesuffix("Identity") if first.endswith("Identity") else ""


def _bare(name: str, target: str, version: str) -> str:
    """A column's name in the target's key: a role may stand before it (`responsibleSchoolId` -> `schoolId`)."""
    key = _key(target, version)
    ends = sorted((k for k in key if name.lower().endswith(k.lower())), key=len)
    return name if name in key or not ends else ends[-1]


@lru_cache(maxsize=1024)
def _key(target: str, version: str) -> tuple[str, ...]:
    return load_entity(target, version).key
