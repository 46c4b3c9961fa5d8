"""`Shapes` as XML Schema again: what the official XSDs of the version say, without their prose."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree
from lxml.builder import ElementMaker

from hub.standards.shapes import Choice, ComplexShape, Particle, Shapes, SimpleShape

_XS = "http://www.w3.org/2001/XMLSchema"


def xsd(shapes: Shapes, interchanges: Iterable[str] | None = None, entity: str = "") -> bytes:
    """One self-contained schema document: the elements of the interchanges named with the types that they need.

    Without `interchanges` it is every interchange and every type; with `entity` the one global element is that record.
    """
    make = ElementMaker(namespace=_XS, nsmap={"xs": _XS, None: shapes.namespace})
    root = make.schema(
        targetNamespace=shapes.namespace, elementFormDefault="qualified", attributeFormDefault="unqualified"
    )
    names = list(shapes.interchanges if interchanges is None else interchanges)
    roots = [entity] if entity else [kind for name in names for _, kind in shapes.interchanges[name]]
    wanted = _reached(shapes, roots) if entity or interchanges is not None else None
    root.extend(_complex(make, t) for t in shapes.complex.values() if wanted is None or t.name in wanted)
    root.extend(_simple(make, t) for t in shapes.simple.values() if wanted is None or t.name in wanted)
    if entity:
        root.append(make.element(name=entity, type=entity))
    else:
        root.extend(_interchange(make, name, shapes.interchanges[name]) for name in names)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def _reached(shapes: Shapes, roots: list[str]) -> set[str]:
    found, open_ = set[str](), list(roots)
    while open_:
        name = open_.pop()
        if name in found:
            continue
        found.add(name)
        if name in shapes.complex:
            kept = shapes.complex[name]
            open_ += [kept.base, *(p.type for p in shapes.particles(name)), *(kind for _, kind in kept.attributes)]
        elif name in shapes.simple:
            open_.append(shapes.simple[name].base)
    return found


def _complex(make: ElementMaker, shape: ComplexShape) -> etree._Element:
    body = [make.sequence(*(_part(make, p) for p in shape.content))] if shape.content else []
    body += [make.attribute(name=name, type=kind) for name, kind in shape.attributes]
    if shape.base:
        body = [make.complexContent(make.extension(*body, base=shape.base))]
    return make.complexType(*body, name=shape.name, **({"abstract": "true"} if shape.abstract else {}))


def _part(make: ElementMaker, part: Particle | Choice) -> etree._Element:
    low = {} if part.required else {"minOccurs": "0"}
    if isinstance(part, Choice):
        return make.choice(*(_part(make, p) for p in part.options), **low)
    high = {"maxOccurs": "unbounded"} if part.many else {}
    return make.element(name=part.name, type=part.type, **low, **high)


def _simple(make: ElementMaker, shape: SimpleShape) -> etree._Element:
    facets = (make(facet, value=value) for facet, value in shape.facets)
    return make.simpleType(make.restriction(*facets, base=shape.base), name=shape.name)


def _interchange(make: ElementMaker, name: str, records: Iterable[tuple[str, str]]) -> etree._Element:
    choice = make.choice(*(make.element(name=n, type=t) for n, t in records), maxOccurs="unbounded")
    return make.element(make.complexType(choice), name=name)
