"""Interchange documents made of the standard's data: nothing in them is of a real person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from hub.standards.shapes import Choice, Particle, Shapes

_PLAIN = {
    "xs:date": "2029-09-03",
    "xs:dateTime": "2029-09-03T08:00:00Z",
    "xs:time": "08:00:00",
    "xs:int": "1",
    "xs:long": "255001",
    "xs:gYear": "2030",
    "xs:decimal": "1",
    "xs:boolean": "true",
    "xs:duration": "PT5M",
    "xs:anyURI": "uri://example.org",
}


@dataclass(frozen=True)
class Place:
    """Where an element may stand: its type, that of its parent, and the part of the parent's content that it is.

    `part` is None of a record.
    """

    kind: str
    parent: str = ""
    part: Particle | Choice | None = None


def places(shapes: Shapes, interchange: str) -> set[Place]:
    """Every place of an interchange's types, whether a document uses it or not."""
    found: set[Place] = set()
    left = [Place(kind) for _, kind in shapes.interchanges[interchange]]
    while left:
        place = left.pop()
        if place not in found:
            found.add(place)
            left += [Place(p.type, place.kind, part) for part, p in _parts(shapes, place.kind)]
    return found


def located(shapes: Shapes, root: etree._Element) -> list[tuple[etree._Element, Place]]:
    """The elements of a document below its root, each with its place."""
    records = dict(shapes.interchanges[etree.QName(root).localname])
    left = [(e, Place(records[etree.QName(e).localname])) for e in root]
    for element, place in left:  # grows as it is read
        inside = {p.name: (p.type, place.kind, part) for part, p in _parts(shapes, place.kind)}
        left += [(e, Place(*inside[etree.QName(e).localname])) for e in element]
    return left


def _parts(shapes: Shapes, kind: str) -> Iterator[tuple[Particle | Choice, Particle]]:
    for part in shapes.content(kind):
        for particle in part.options if isinstance(part, Choice) else (part,):
            yield part, particle


def facet(shapes: Shapes, kind: str, name: str) -> str | None:
    """A facet of a simple type or of what it restricts."""
    while kind in shapes.simple:
        found = dict(shapes.simple[kind].facets).get(name)
        if found is not None:
            return found
        kind = shapes.simple[kind].base
    return None


def value(shapes: Shapes, kind: str) -> str:
    """A value that the simple type allows."""
    if kind.endswith("DescriptorReferenceType"):
        return f"uri://example.org/{kind.removesuffix('ReferenceType')}#Made up"
    listed = facet(shapes, kind, "enumeration")
    if listed is not None:
        return listed
    base = shapes.builtin(kind)
    if base in _PLAIN:
        return facet(shapes, kind, "minInclusive") or _PLAIN[base]
    low, high = (int(facet(shapes, kind, f) or d) for f, d in (("minLength", 0), ("maxLength", 99)))
    return ("made up" + "x" * low)[: max(low, min(high, 7 + low))][:high]


def records(shapes: Shapes, interchange: str) -> list[etree._Element]:
    """Valid documents, each of one record: together they have every element that the interchange's types allow.

    A type has all its elements where it stands first, and after that what it requires: documents stay small.
    """
    made = []
    for option in (0, -1):  # of a choice the first, then the last
        met: set[str] = set()
        for name, kind in shapes.interchanges[interchange]:
            if not shapes.complex[kind].abstract:
                root = etree.Element(f"{{{shapes.namespace}}}{interchange}", nsmap={None: shapes.namespace})
                root.append(_filled(shapes, name, kind, met, option))
                made.append(root)
    return made


def _filled(shapes: Shapes, name: str, kind: str, met: set[str], option: int) -> etree._Element:
    element = etree.Element(f"{{{shapes.namespace}}}{name}")
    if kind not in shapes.complex:
        element.text = value(shapes, kind)
        return element
    whole = kind not in met
    met.add(kind)
    for part in shapes.content(kind):
        chosen = part.options[option] if isinstance(part, Choice) else part
        if whole or part.required or chosen.name.endswith("Identity"):
            for _ in range(2 if chosen.many and whole else 1):
                element.append(_filled(shapes, chosen.name, chosen.type, met, option))
    return element
