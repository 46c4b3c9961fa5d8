"""Ed-Fi's core XSD as values: complex types with their elements, simple types with their limits. No prose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from hub.errors import FixConfiguration

_XS = "{http://www.w3.org/2001/XMLSchema}"
_GROUP = f"{_XS}annotation/{_XS}appinfo/{{http://ed-fi.org/annotation}}TypeGroup"
_BUILTIN = {
    "xs:boolean": "boolean",
    "xs:date": "date",
    "xs:dateTime": "datetime",
    "xs:time": "time",
    "xs:int": "integer",
    "xs:long": "integer",
    "xs:gYear": "integer",
    "xs:decimal": "number",
    "xs:string": "string",
    "xs:token": "string",
    "xs:duration": "string",
    "xs:anyURI": "string",
}


@dataclass(frozen=True)
class Element:
    """An element of a complex type. `required` is false inside a choice: one branch alone is filled."""

    name: str
    type: str
    required: bool
    many: bool


@dataclass(frozen=True)
class ComplexType:
    name: str
    group: str  # Domain Entity, Association, Common, Identity, Lookup, Extended Reference, Descriptor, Base
    base: str
    elements: tuple[Element, ...]


@dataclass(frozen=True)
class Schema:
    """`simple` holds what a simple type says in the words of the entity grammar: type, max, minimum, values ..."""

    version: str
    complex: dict[str, ComplexType]
    simple: dict[str, dict[str, Any]]

    def group(self, type_name: str) -> str:
        found = self.complex.get(type_name)
        return found.group if found else ""

    def elements(self, type_name: str) -> tuple[Element, ...]:
        """Elements of a type with those of the types it extends, base first."""
        found = self.complex[type_name]
        inherited = self.elements(found.base) if found.base in self.complex else ()
        return inherited + found.elements

    def scalar(self, type_name: str) -> dict[str, Any]:
        """Type and limits of a builtin or simple type.

        Raises FixConfiguration for a type that the schema does not define.
        """
        if type_name in _BUILTIN:
            return {"type": _BUILTIN[type_name]}
        if type_name not in self.simple:
            raise FixConfiguration(f"The XSD names the type {type_name} and does not define it.", "Use the whole XSD.")
        return dict(self.simple[type_name])


def read_schema(xsd: Path) -> Schema:
    """Read one `Ed-Fi-Core.xsd`. The version ("5.2") is that of the target namespace, http://ed-fi.org/5.2.0."""
    root = etree.parse(str(xsd), etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    version = ".".join((root.get("targetNamespace") or "").rsplit("/", 1)[-1].split(".")[:2])
    if not version:
        raise FixConfiguration(f"{xsd.name} has no target namespace.", "Give the directory of an official Ed-Fi XSD.")
    complex_types = {t.get("name"): _complex(t) for t in root.findall(f"{_XS}complexType")}
    simple_types = {t.get("name"): _simple(t) for t in root.findall(f"{_XS}simpleType")}
    return Schema(version, complex_types, simple_types)


def _complex(node: Any) -> ComplexType:
    extension = node.find(f"{_XS}complexContent/{_XS}extension")
    elements = tuple(_element(e) for e in node.iter(f"{_XS}element"))
    return ComplexType(
        node.get("name"), node.findtext(_GROUP) or "", extension.get("base") if extension is not None else "", elements
    )


def _element(node: Any) -> Element:
    required, many = node.get("minOccurs", "1") != "0", node.get("maxOccurs", "1") != "1"
    for group in node.iterancestors(f"{_XS}sequence", f"{_XS}choice"):
        required = required and group.get("minOccurs", "1") != "0" and group.tag != f"{_XS}choice"
        many = many or group.get("maxOccurs", "1") != "1"
    return Element(node.get("name"), node.get("type"), required, many)


def _simple(node: Any) -> dict[str, Any]:
    restriction = node.find(f"{_XS}restriction")
    base = restriction.get("base")
    said: dict[str, Any] = {"type": _BUILTIN.get(base, "string")}
    facets = {f.tag.removeprefix(_XS): f.get("value") for f in restriction if f.tag is not etree.Comment}
    values = [f.get("value") for f in restriction.iterfind(f"{_XS}enumeration")]
    if node.get("name") == "SchoolYearType":  # "2021-2022" in XML, 2022 in the API
        return {"type": "integer"}
    for facet, word in (("maxLength", "max"), ("minLength", "min_length")):
        if int(facets.get(facet, 0)):
            said[word] = int(facets[facet])
    for facet, word in (("minInclusive", "minimum"), ("maxInclusive", "maximum")):
        if facet in facets:
            said[word] = float(facets[facet]) if said["type"] == "number" else int(facets[facet])
    if "totalDigits" in facets:
        fraction = int(facets.get("fractionDigits", 0))
        limit = round(10 ** (int(facets["totalDigits"]) - fraction) - 10**-fraction, fraction)
        said.setdefault("minimum", -limit)
        said.setdefault("maximum", limit)
    if "pattern" in facets:
        said["pattern"] = facets["pattern"]
    if values:
        said["values"] = values
    return said
