"""Interchange documents made of the standard's data, and ways to break them. Nothing in them is of a real person."""

from __future__ import annotations

import copy
import random
from typing import Any

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


def value(shapes: Shapes, kind: str) -> str:
    """A value that the simple type allows."""
    if kind.endswith("DescriptorReferenceType"):
        name = kind.removesuffix("ReferenceType")
        return f"uri://example.org/{name}#Made up"
    facets = dict(shapes.simple[kind].facets) if kind in shapes.simple else {}
    if "enumeration" in facets:
        return facets["enumeration"]
    base = shapes.builtin(kind)
    if base in _PLAIN:
        return facets.get("minInclusive", _PLAIN[base])
    low, high = int(facets.get("minLength", 0)), int(facets.get("maxLength", 99))
    return ("made up" + "x" * low)[: max(low, min(high, 7 + low))][:high]


def filled(shapes: Shapes, name: str, kind: str, rng: random.Random, depth: int = 0) -> etree._Element:
    """An element of the type: everything required, and of the rest about a third."""
    element = etree.Element(f"{{{shapes.namespace}}}{name}", nsmap={None: shapes.namespace} if not depth else {})
    if kind not in shapes.complex:
        element.text = value(shapes, kind)
        return element
    for part in shapes.content(kind):
        chosen: Particle = rng.choice(part.options) if isinstance(part, Choice) else part
        needed = part.required or chosen.name.endswith("Identity")
        if needed or (depth < 4 and rng.random() < 0.3):
            for _ in range(2 if chosen.many and rng.random() < 0.3 else 1):
                element.append(filled(shapes, chosen.name, chosen.type, rng, depth + 1))
    return element


def document(shapes: Shapes, interchange: str, seed: int = 0, limit: int = 3) -> etree._Element:
    """A valid document of the interchange with up to `limit` kinds of records."""
    rng = random.Random(seed)
    root = etree.Element(f"{{{shapes.namespace}}}{interchange}", nsmap={None: shapes.namespace})
    records = [(n, t) for n, t in shapes.interchanges[interchange] if not shapes.complex[t].abstract]
    for name, kind in rng.sample(records, min(limit, len(records))):
        root.append(filled(shapes, name, kind, rng, 1))
    return root


FAULTS = ("missing", "unknown", "order", "date", "integer", "boolean", "decimal", "long", "short", "enumeration",
          "many", "empty", "namespace", "root", "attribute", "text", "nested", "blank_root")  # fmt: skip


def leaves(root: Any) -> list[Any]:
    return [e for e in root.iter() if not len(e) and e is not root]


def broken(root: Any, fault: str, shapes: Shapes, rng: random.Random) -> Any | None:
    """A copy of the document with one change. It may still be valid (two equal siblings swapped): None if no place."""
    root = copy.deepcopy(root)
    ends = leaves(root)
    parents = [e for e in root.iter() if len(e) > 1 and e is not root]
    element = rng.choice(ends) if ends else root
    if fault == "missing":
        element.getparent().remove(element)
    elif fault == "unknown":
        element.addnext(etree.Element(f"{{{shapes.namespace}}}Gadget"))
    elif fault == "order":
        if not parents:
            return None
        parent = rng.choice(parents)
        parent.append(parent[0])
    elif fault in ("date", "integer", "boolean", "decimal", "enumeration"):
        wanted = {"date": "xs:date", "integer": "xs:int", "boolean": "xs:boolean", "decimal": "xs:decimal"}.get(fault)
        fitting = [e for e in ends if _kind(shapes, e, wanted)]
        if not fitting:
            return None
        rng.choice(fitting).text = rng.choice(["2029-13-01", "01/02/2029", "yes", "1.5.2", "2029-02-30", "--", "12e3x"])
    elif fault in ("long", "short"):
        element.text = "x" * rng.choice([31, 61, 76, 256, 1025, 5000]) if fault == "long" else "x"
    elif fault == "many":
        element.addnext(copy.deepcopy(element))
    elif fault == "empty":
        element.text = rng.choice([None, "", " "])
    elif fault == "namespace":
        element.tag = f"{{http://example.org/other}}{etree.QName(element).localname}"
    elif fault == "root":
        root.tag = f"{{{shapes.namespace}}}InterchangeGadget"
    elif fault == "attribute":
        element.set(rng.choice(["id", "ref", "lang"]), rng.choice(["a", "1 b"]))
    elif fault == "text":
        (rng.choice(parents) if parents else root).text = "stray"
    elif fault == "nested":
        element.append(etree.Element(f"{{{shapes.namespace}}}Inner"))
    elif fault == "blank_root":
        del root[:]
    return root


def _kind(shapes: Shapes, element: Any, wanted: str | None) -> bool:
    names = [etree.QName(e).localname for e in [element, *element.iterancestors()][::-1]]
    kind = dict(shapes.interchanges.get(names[0], ())).get(names[1], "")
    for name in names[2:]:
        kind = next((p.type for p in shapes.particles(kind) if p.name == name), "")
    if wanted is None:
        return kind in shapes.simple and "enumeration" in dict(shapes.simple[kind].facets)
    return shapes.builtin(kind) == wanted
