"""One XSD type -> flat fields, natural key and references, the way the relational model of Ed-Fi does it.

References become the natural-key columns of what they name, unified by name; two educationOrganizationId of different
references are different columns, so is everything under a role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hub.errors import FixConfiguration
from hub.standards.derive.xsd import Element, Schema
from hub.standards.naming import lower_camel, plural, strip_owner, with_role

_EDORG = "educationOrganizationId"
_IDENTITY, _REFERENCE = "IdentityType", "ReferenceType"
_DESCRIPTOR = "DescriptorReferenceType"


@dataclass(frozen=True)
class Naming:
    """What the XSD does not say about names: see `schemas/edfi/naming.yaml`."""

    inline: frozenset[str] = frozenset()
    roles: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One column of a natural key: its name in the entity and where its values lie inside the Identity element."""

    name: str
    said: dict[str, Any]
    paths: tuple[str, ...]


@dataclass
class Flat:
    """Grows while a type is flattened. `shared` names the columns that come from references."""

    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    references: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: list[str] = field(default_factory=list)
    shared: set[str] = field(default_factory=set)

    def put(self, name: str, said: dict[str, Any], paths: tuple[str, ...], required: bool) -> None:
        """Add a field, or unify it with the one of the same name: more paths, and required if either is."""
        known = self.fields.get(name)
        if known is None:
            known = self.fields[name] = {"type": said["type"], **({"required": True} if required else {}), **said}
            known["xml"] = []
        elif required and "required" not in known:
            self.fields[name] = known = {"type": known["type"], "required": True, **known}
        known["xml"] += [p for p in paths if p not in known["xml"]]


def flatten(schema: Schema, name: str, naming: Naming) -> Flat:
    """Fields, references and key of an entity; `xml` is one path, or a list where several feed one column."""
    identity = {e.name: e for e in schema.elements(name + _IDENTITY)}
    elements = list(schema.elements(name))
    flat = Flat()
    _plain(schema, naming, flat, (name, schema.complex[name].base), elements)
    # EducationOrganization is abstract: its key stands in its Identity alone.
    bare = [e for n, e in identity.items() if not _is_reference(e) and _leaf_name(e, "", False) not in flat.fields]
    _plain(schema, naming, flat, (), bare)
    order = sorted(elements, key=lambda e: list(identity).index(e.name) if e.name in identity else len(identity))
    columns = _references(schema, naming, flat, name, order)
    for element in identity.values():
        if _is_reference(element):
            flat.key += [c for c in columns[element.name] if c not in flat.key]
        else:
            flat.key.append(_leaf_name(element, "", False))
    for column in flat.key:
        flat.fields[column] = {"type": flat.fields[column]["type"], "required": True, **flat.fields[column]}
    return _tidy(flat)


def key_parts(schema: Schema, name: str, naming: Naming) -> list[Part]:
    """The natural key of an entity as its Identity type spells it, through references, each with its paths."""
    flat = Flat()
    elements = list(schema.elements(name + _IDENTITY))
    _plain(schema, naming, flat, (), elements)
    _references(schema, naming, flat, name, elements)
    drop = ("required", "xml")
    return [
        Part(n, {k: v for k, v in said.items() if k not in drop}, tuple(said["xml"])) for n, said in flat.fields.items()
    ]


def _is_reference(element: Element) -> bool:
    return element.type.endswith(_REFERENCE) and not element.type.endswith(_DESCRIPTOR)


def _leaf_name(element: Element, role: str, many: bool) -> str:
    """Of a descriptor in a list the type names it (`offeredGradeLevels: [{gradeLevelDescriptor}]`)."""
    if element.type.endswith(_DESCRIPTOR):
        own = element.type.removesuffix(_DESCRIPTOR) if many else element.name
        return with_role(role, lower_camel(own) + "Descriptor")
    return with_role(role, lower_camel(element.name))


def _leaf(schema: Schema, element: Element) -> dict[str, Any]:
    if element.type.endswith(_DESCRIPTOR):
        return {"type": "descriptor", "of": element.type.removesuffix(_REFERENCE)}
    return schema.scalar(element.type)


def _plain(
    schema: Schema,
    naming: Naming,
    flat: Flat,
    owners: tuple[str, ...],
    elements: list[Element],
    role: str = "",
    prefix: str = "",
    required: bool = True,
) -> None:
    """Everything but single references: scalars, descriptors, inline parts, objects and lists."""
    lists = [e for e in elements if e.many]
    stripped = [strip_owner(e.name, owners) for e in lists]
    for element in elements:
        path, needed = prefix + element.name, required and element.required
        if element.many:
            short = (
                element.name.removesuffix("Reference") if _is_reference(element) else strip_owner(element.name, owners)
            )
            # School has EducationOrganizationCategory and SchoolCategory: neither may be called categories.
            clash = stripped.count(short) > 1
            name = with_role(role, plural(lower_camel(element.name if clash else short)))
            name = naming.names.get(f"{owners[0]}/{element.name}" if owners else "", name)
            flat.put(name, {"type": "list", "items": _items(schema, naming, element, owners)}, (path,), needed)
        elif _is_reference(element):
            continue
        elif schema.group(element.type) == "Common":
            part = list(schema.elements(element.type))
            if element.type in naming.inline:
                own = role or lower_camel(element.name.removesuffix(element.type))
                _plain(schema, naming, flat, owners, part, own, path + "/", needed)
                _references(schema, naming, flat, element.type, part, path + "/", needed)
            else:
                name = lower_camel(strip_owner(element.name, owners))
                name = naming.names.get(f"{owners[0]}/{element.name}" if owners else "", name)
                said = {"type": "object", "items": _items(schema, naming, element, owners)}
                flat.put(with_role(role, name), said, (path,), needed)
        else:
            flat.put(_leaf_name(element, role, False), _leaf(schema, element), (path,), needed)


def _items(schema: Schema, naming: Naming, element: Element, owners: tuple[str, ...]) -> dict[str, Any]:
    """Fields of one item of a list, or of an object; paths are relative to the item, "." is its own text."""
    flat = Flat()
    if _is_reference(element):
        target = element.type.removesuffix(_REFERENCE)
        for part in key_parts(schema, target, naming):
            flat.put(part.name, part.said, tuple(f"{target}Identity/{p}" for p in part.paths), True)
    elif schema.group(element.type) == "Common":
        inner = list(schema.elements(element.type))
        _plain(schema, naming, flat, (element.type, element.name), inner)
        _references(schema, naming, flat, element.type, inner)
    else:
        bare = replace(element, name=strip_owner(element.name, owners))
        flat.put(_leaf_name(bare, "", True), _leaf(schema, element), (".",), True)
    return _tidy(flat).fields


def _references(
    schema: Schema,
    naming: Naming,
    flat: Flat,
    owner: str,
    elements: list[Element],
    prefix: str = "",
    required: bool = True,
) -> dict[str, list[str]]:
    """Add the columns of every single reference. Returns element name -> column per key part of its target."""
    columns: dict[str, list[str]] = {}
    single = [e for e in elements if _is_reference(e) and not e.many]

    def role_of(element: Element) -> str:
        told = naming.roles.get(f"{owner}/{element.name}")
        return told or lower_camel(element.name.removesuffix(element.type.removesuffix("Type")))

    def rank(element: Element) -> tuple[bool, bool]:
        return bool(role_of(element)), element.name != "EducationOrganizationReference"

    for element in sorted(single, key=rank):
        target, role = element.type.removesuffix(_REFERENCE), role_of(element)
        name = lower_camel(element.name.removesuffix("Reference"))
        name = with_role(role, name)
        parts = key_parts(schema, target, naming)
        pairs: dict[str, str] = {}
        for part in parts:
            column = naming.columns.get(f"{owner}/{element.name}/{part.name}")
            column = column or _column(flat, part.name, role, name, len(parts))
            if column in pairs:
                raise FixConfiguration(f"{owner}.{name} has two parts named {column}.", "Add it to naming.yaml.")
            pairs[column] = part.name
            paths = tuple(f"{prefix}{element.name}/{target}Identity/{p}" for p in part.paths)
            flat.put(column, part.said, paths, required and element.required)
        flat.shared |= set(pairs)
        needed = {"required": True} if required and element.required else {}
        flat.references[name] = {"entity": target, **needed, "fields": pairs}
        columns[element.name] = list(pairs)
    return columns


def _column(flat: Flat, part: str, role: str, reference: str, size: int) -> str:
    if role:
        # A part of a longer key that another reference brings already is the same thing (one student, one staff).
        return part if part in flat.shared and size > 1 and part != _EDORG else with_role(role, part)
    if part == _EDORG and part in flat.fields:
        return with_role(reference, part)
    return part


def _tidy(flat: Flat) -> Flat:
    for said in flat.fields.values():
        paths = said.pop("xml")
        said["xml"] = paths[0] if len(paths) == 1 else paths
        if "items" in said:
            said["items"] = said.pop("items")
    return flat
