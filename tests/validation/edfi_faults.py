"""Ways to break an interchange document: what a type allows them at, what is changed, and the verdict if it is sure."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from edfi_documents import Place, facet, located, places
from lxml import etree

from hub.standards.shapes import Choice, Particle, Shapes

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
Element = etree._Element
Fits = Callable[[Shapes, Place], bool]
#: Changes the element, or says that it cannot here (False).
Change = Callable[[Shapes, Element, Place, random.Random], bool]


@dataclass(frozen=True)
class Fault:
    """`valid`: what the verdict on the changed document must be; None where it depends."""

    fits: Fits
    change: Change
    valid: bool | None = False


def _simple(shapes: Shapes, place: Place) -> bool:
    return place.kind not in shapes.complex


def _complex(shapes: Shapes, place: Place) -> bool:
    return place.kind in shapes.complex


def _inner(_: Shapes, place: Place) -> bool:
    return place.part is not None


def _record(_: Shapes, place: Place) -> bool:
    return place.part is None


def _limited(name: str) -> Fits:
    return lambda shapes, place: facet(shapes, place.kind, name) is not None


def _shortened(shapes: Shapes, place: Place) -> bool:
    return int(facet(shapes, place.kind, "minLength") or 0) > 0


def _texts(builtin: str, *texts: str) -> Fault:
    def change(_: Shapes, element: Element, __: Place, rng: random.Random) -> bool:
        element.text = rng.choice(texts)
        return True

    return Fault(lambda shapes, place: shapes.builtin(place.kind) == builtin, change)


def _text(said: Callable[[Shapes, str], str]) -> Change:
    def change(shapes: Shapes, element: Element, place: Place, _: random.Random) -> bool:
        element.text = said(shapes, place.kind)
        return True

    return change


def _attribute(name: str, value: str) -> Change:
    def change(_: Shapes, element: Element, __: Place, ___: random.Random) -> bool:
        element.set(name, value)
        return True

    return change


def _required(_: Shapes, place: Place) -> bool:
    return isinstance(place.part, Particle) and place.part.required


def _removed(_: Shapes, element: Element, __: Place, ___: random.Random) -> bool:
    parent = element.getparent()
    if len(parent.findall(element.tag)) > 1:
        return False
    parent.remove(element)
    return True


def _many(place: Place, element: Element) -> bool:
    options = place.part.options if isinstance(place.part, Choice) else (place.part,)
    return any(p is not None and p.many for p in options if p and p.name == etree.QName(element).localname)


def _once(_: Shapes, place: Place) -> bool:
    return isinstance(place.part, Particle) and not place.part.many


def _doubled(_: Shapes, element: Element, place: Place, __: random.Random) -> bool:
    if _many(place, element):
        return False
    element.addnext(copy.deepcopy(element))
    return True


def _excluded(shapes: Shapes, element: Element, place: Place, _: random.Random) -> bool:
    assert isinstance(place.part, Choice)
    other = next(p for p in place.part.options if p.name != etree.QName(element).localname)
    element.addnext(etree.Element(f"{{{shapes.namespace}}}{other.name}"))
    return True


def _moved(_: Shapes, element: Element, __: Place, ___: random.Random) -> bool:
    if not len(element) or element[0].tag == element[-1].tag:
        return False
    element.append(element[0])
    return True


def _beside(name: str, namespace: str | None = None) -> Change:
    def change(shapes: Shapes, element: Element, _: Place, __: random.Random) -> bool:
        element.addnext(etree.Element(f"{{{namespace or shapes.namespace}}}{name}"))
        return True

    return change


def _inside(node: Callable[[], Element], text: str = "") -> Change:
    def change(_: Shapes, element: Element, __: Place, ___: random.Random) -> bool:
        element.append(node())
        element[-1].tail = text
        return True

    return change


def _renamed(tag: Callable[[Shapes, str], str]) -> Change:
    def change(shapes: Shapes, element: Element, _: Place, __: random.Random) -> bool:
        element.tag = tag(shapes, etree.QName(element).localname)
        return True

    return change


def _root(change: Callable[[Shapes, Element], None]) -> Change:
    def changed(shapes: Shapes, element: Element, _: Place, __: random.Random) -> bool:
        change(shapes, element.getparent())
        return True

    return changed


def _other_root(shapes: Shapes, root: Element) -> None:
    root.tag = f"{{{shapes.namespace}}}InterchangeGadget"


def _no_record(_: Shapes, root: Element) -> None:
    del root[:]


def _schema_named(shapes: Shapes, root: Element) -> None:
    root.set(f"{XSI}schemaLocation", f"{shapes.namespace} a.xsd")


def _foreign(shapes: Shapes, element: Element, _: Place, __: random.Random) -> bool:
    """A record of another interchange."""
    own = {n for n, _ in shapes.interchanges[etree.QName(element.getparent()).localname]}
    name = next(n for said in shapes.interchanges.values() for n, _ in said if n not in own)
    return _beside(name)(shapes, element, Place(""), random.Random())


def _twins(_: Shapes, element: Element, __: Place, ___: random.Random) -> bool:
    element.set("id", "a")
    element.addnext(copy.deepcopy(element))
    return True


def _beyond(shapes: Shapes, element: Element, place: Place, rng: random.Random) -> bool:
    limits = [(facet(shapes, place.kind, f), by) for f, by in (("minInclusive", -1), ("maxInclusive", 1))]
    element.text = str(rng.choice([Decimal(limit) + by for limit, by in limits if limit is not None]))
    return True


def _bounded(shapes: Shapes, place: Place) -> bool:
    return any(facet(shapes, place.kind, f) is not None for f in ("minInclusive", "maxInclusive"))


def _odd(_: Shapes, element: Element, __: Place, rng: random.Random) -> bool:
    element.text = rng.choice(ODD)
    return True


def _integer(text: str | None) -> int:
    return int(text or 0)


ODD = ("", " ", "x", " 1 ", "+1", "01", "1.0", "1e3", "-0", "-1", "TRUE", "1", "0", "INF", "NaN", "\uff11", "\n",
       "2029-02-29", "2028-02-29", "2029-09-03Z", "02029-09-03", "-2029-09-03", "24:00:00", "08:00", "08:00:60", "P1Y",
       "2029-09-03T24:00:00", "2029-09-03 08:00:00", "12029", "9" * 25, "1." + "0" * 30, "uri://x", "\u00a0", "é" * 20,
       "2147483648", "2029-2030", "2030", "a\tb")  # fmt: skip

FAULTS: dict[str, Fault] = {
    "missing": Fault(_required, _removed),
    "missing choice": Fault(lambda _, p: isinstance(p.part, Choice) and p.part.required, _removed),
    "both of a choice": Fault(lambda _, p: isinstance(p.part, Choice), _excluded),
    "twice": Fault(_once, _doubled),
    "order": Fault(lambda s, p: len({q.name for q in s.content(p.kind) if isinstance(q, Particle)}) > 1, _moved),
    "unknown element": Fault(_inner, _beside("Gadget")),
    "unknown record": Fault(_record, _beside("Gadget")),
    "record of another interchange": Fault(_record, _foreign),
    "extension": Fault(_inner, _beside("Gadget", "http://example.org/other")),
    "name in lower case": Fault(_inner, _renamed(lambda s, n: f"{{{s.namespace}}}{n.lower()}")),
    "other namespace": Fault(_inner, _renamed(lambda _, n: f"{{http://example.org/other}}{n}")),
    "other root": Fault(_record, _root(_other_root)),
    "no record": Fault(_record, _root(_no_record)),
    "date": _texts("xs:date", "2029-13-01", "2029-02-30", "01/02/2029", "2029-9-3", "20290903", "0000-00-00"),
    "moment": _texts("xs:dateTime", "2029-09-03", "2029-09-03T25:00:00", "yesterday"),
    "time": _texts("xs:time", "8:00", "08:61:00", "8 am"),
    "year": _texts("xs:gYear", "30", "2029-2030", "x"),
    "duration": _texts("xs:duration", "5", "PT", "5M"),
    "integer": _texts("xs:int", "1.5", "2147483648", "one", "1e3"),
    "long integer": _texts("xs:long", "1.5", "9" * 25, "S1"),
    "decimal": _texts("xs:decimal", "1.5.2", "1,5", "12e3", "--"),
    "boolean": _texts("xs:boolean", "yes", "TRUE", "Y", "2"),
    "enumeration": Fault(_limited("enumeration"), _text(lambda _, __: "2030-2029")),
    "too long": Fault(_limited("maxLength"), _text(lambda s, k: "x" * (_integer(facet(s, k, "maxLength")) + 1))),
    "as long as can be": Fault(
        lambda s, p: _limited("maxLength")(s, p) and not p.kind.endswith("DescriptorReferenceType"),
        _text(lambda s, k: "\u00e9" * _integer(facet(s, k, "maxLength"))), True,
    ),
    "too short": Fault(_shortened, _text(lambda s, k: "x" * (_integer(facet(s, k, "minLength")) - 1))),
    "range": Fault(_bounded, _beyond),
    "digits": Fault(
        _limited("fractionDigits"), _text(lambda s, k: "0." + "1" * (_integer(facet(s, k, "fractionDigits")) + 1))
    ),
    "odd value": Fault(_simple, _odd, None),
    "text between elements": Fault(_complex, _text(lambda _, __: "stray")),
    "element in a value": Fault(_simple, _inside(lambda: etree.Element("Inner"))),
    "attribute": Fault(_inner, _attribute("lang", "en")),
    "id of a value": Fault(_simple, _attribute("id", "a")),
    "id": Fault(_record, _attribute("id", "a"), None),
    "malformed id": Fault(_record, _attribute("id", "1 b")),
    "same id twice": Fault(_record, _twins),
    "reference by id": Fault(lambda _, p: p.kind.endswith("ReferenceType"), _attribute("ref", "a"), None),
    "nil": Fault(_simple, _attribute(f"{XSI}nil", "true")),
    "other type": Fault(_inner, _attribute(f"{XSI}type", "Gadget")),
    "place of the schema": Fault(_record, _root(_schema_named), True),
    "comment": Fault(_inner, _inside(lambda: etree.Comment("note")), True),
    "instruction": Fault(_complex, _inside(lambda: etree.ProcessingInstruction("note"), "\n "), True),
}  # fmt: skip


def allowed(shapes: Shapes, interchange: str) -> set[str]:
    """The kinds of fault that the types of an interchange have a place for."""
    found = places(shapes, interchange)
    return {name for name, fault in FAULTS.items() if any(fault.fits(shapes, place) for place in found)}


def mutants(
    shapes: Shapes, documents: Sequence[Element], each: int, rng: random.Random
) -> Iterator[tuple[str, Element]]:
    """(kind of fault, copy of a document with one such fault): up to `each` of a kind, at places drawn at random."""
    spots = []
    for document in documents:
        numbers = {element: n for n, element in enumerate(document.iter())}
        spots += [(document, numbers[element], place) for element, place in located(shapes, document)]
    for name in sorted(FAULTS):
        fitting = [spot for spot in spots if FAULTS[name].fits(shapes, spot[2])]
        rng.shuffle(fitting)
        made = 0
        for document, number, place in fitting:
            if made == each:
                break
            changed = copy.deepcopy(document)
            if FAULTS[name].change(shapes, list(changed.iter())[number], place, rng):
                made += 1
                yield name, changed
