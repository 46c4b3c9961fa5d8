"""The official XSDs of a version, read whole into `Shapes`. No prose comes along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lxml import etree

from hub.errors import FixConfiguration
from hub.standards.shapes import Choice, ComplexShape, Content, Particle, Shapes, SimpleShape

_XS = "{http://www.w3.org/2001/XMLSchema}"
_GROUP = f"{_XS}annotation/{_XS}appinfo/{{http://ed-fi.org/annotation}}TypeGroup"


def read_shapes(folder: Path) -> Shapes:
    """Read `Ed-Fi-Core.xsd` and every `Interchange-*.xsd` beside it.

    Raises FixConfiguration where they use a construct of XML Schema that `Shapes` cannot hold: nothing is left out.
    """
    core = _root(folder / "Ed-Fi-Core.xsd")
    namespace = core.get("targetNamespace") or ""
    return Shapes(
        ".".join(namespace.rsplit("/", 1)[-1].split(".")[:2]),
        namespace,
        {t.get("name"): _complex(t) for t in core.findall(f"{_XS}complexType")},
        {t.get("name"): _simple(t) for t in core.findall(f"{_XS}simpleType")},
        dict(_interchange(_root(path)) for path in sorted(folder.glob("Interchange-*.xsd"))),
    )


def _root(path: Path) -> Any:
    return etree.parse(
        str(path), etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    ).getroot()


def _complex(node: Any) -> ComplexShape:
    extension = node.find(f"{_XS}complexContent/{_XS}extension")
    holder = node if extension is None else extension
    sequences = holder.findall(f"{_XS}sequence")
    others = {c.tag for c in holder} - {f"{_XS}{t}" for t in ("sequence", "attribute", "annotation", "complexContent")}
    if others or len(sequences) > 1:
        raise _beyond(node)
    return ComplexShape(
        node.get("name"),
        node.findtext(_GROUP) or "",
        "" if extension is None else extension.get("base"),
        node.get("abstract") == "true",
        _content(sequences[0]) if sequences else (),
        tuple((a.get("name"), a.get("type")) for a in holder.findall(f"{_XS}attribute")),
    )


def _content(sequence: Any) -> Content:
    parts: list[Particle | Choice] = []
    for child in sequence:
        if child.tag == f"{_XS}element":
            parts.append(_particle(child))
        elif child.tag == f"{_XS}choice" and child.get("maxOccurs", "1") == "1":
            parts.append(Choice(tuple(map(_particle, child)), child.get("minOccurs", "1") != "0"))
        else:
            raise _beyond(child)
    return tuple(parts)


def _particle(node: Any) -> Particle:
    low, high = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
    if node.tag != f"{_XS}element" or low not in ("0", "1") or high not in ("1", "unbounded"):
        raise _beyond(node)
    return Particle(node.get("name"), node.get("type"), low == "1", high == "unbounded")


def _simple(node: Any) -> SimpleShape:
    restriction = node.find(f"{_XS}restriction")
    facets = ((f.tag.removeprefix(_XS), f.get("value")) for f in restriction if f.tag != f"{_XS}annotation")
    return SimpleShape(node.get("name"), restriction.get("base"), tuple(facets))


def _interchange(root: Any) -> tuple[str, tuple[tuple[str, str], ...]]:
    (element,) = root.findall(f"{_XS}element")
    choice = element.find(f"{_XS}complexType/{_XS}choice")
    if choice is None or choice.get("minOccurs", "1") != "1" or choice.get("maxOccurs") != "unbounded":
        raise _beyond(element)
    return element.get("name"), tuple((p.name, p.type) for p in map(_particle, choice))


def _beyond(node: Any) -> FixConfiguration:
    return FixConfiguration(
        f"Line {node.sourceline} of the XSD says more than `Shapes` can hold.", "Extend hub/standards/shapes.py."
    )
