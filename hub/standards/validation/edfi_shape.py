"""The shape of interchange documents: lxml validates against the schema made of the standard's data.

libxml2 says nothing more about an element's children once one of them is out of place; such records are mended and
looked at again, so that one fault does not hide another.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

from lxml import etree

from hub.standards.export.xsd import xsd
from hub.standards.reading.xml_document import local_name
from hub.standards.shapes import Choice, Particle, Shapes, load_shapes
from hub.standards.validation.edfi_document import Batch

Element: TypeAlias = Any

_STEP = re.compile(r"(?:(?:(?P<prefix>[^:]+):)?(?P<name>[^*\[]+)|\*)(?:\[(?P<nth>\d+)\])?")
_NAME = 80  # of a name that a vendor invented, so much is shown
_MENDINGS = 30  # per record
_MENDED_RECORDS = 2000  # per file: beyond that, the first fault among siblings stands for the rest

_RULES = {
    "CVC_LENGTH_VALID": "edfi.shape.too_long",
    "CVC_MAXLENGTH_VALID": "edfi.shape.too_long",
    "CVC_MINLENGTH_VALID": "edfi.shape.too_short",
    "CVC_MININCLUSIVE_VALID": "edfi.shape.range",
    "CVC_MAXINCLUSIVE_VALID": "edfi.shape.range",
    "CVC_MINEXCLUSIVE_VALID": "edfi.shape.range",
    "CVC_MAXEXCLUSIVE_VALID": "edfi.shape.range",
    "CVC_TOTALDIGITS_VALID": "edfi.shape.digits",
    "CVC_FRACTIONDIGITS_VALID": "edfi.shape.digits",
    "CVC_PATTERN_VALID": "edfi.shape.type",
    "CVC_ENUMERATION_VALID": "edfi.shape.enumeration",
    "CVC_COMPLEX_TYPE_2_3": "edfi.shape.text",
    "CVC_TYPE_3_1_2": "edfi.shape.nested",
    "ELEMENT_CONTENT": "edfi.shape.order",
}
_ATTRIBUTES = ("CVC_TYPE_3_1_1", "CVC_COMPLEX_TYPE_3", "CVC_COMPLEX_TYPE_4", "CVC_ELT_3", "CVC_ELT_4", "CVC_AU")


@dataclass(frozen=True)
class Fault:
    """`row` counts the records of the document; `column` is `Record/Element/...`; `type` of the standard."""

    rule: str
    row: int
    line: int
    column: str
    type: str = ""
    value: str | None = None
    detail: str = ""


@lru_cache(maxsize=16)
def schema(version: str, namespace: str, unknown: str = "") -> etree.XMLSchema:
    """The compiled schema of a version, all interchanges in one; of another release's namespace if that is given, and
    with an interchange of a name that the standard does not know."""
    shapes = load_shapes(version)
    known = {**shapes.interchanges, unknown: shapes.records(unknown)} if unknown else shapes.interchanges
    said = replace(shapes, namespace=namespace or shapes.namespace, interchanges=known)
    return etree.XMLSchema(etree.fromstring(xsd(said)))


class ShapeReader:
    """Judges the batches of one document whose root is an interchange of the version."""

    def __init__(self, version: str, namespace: str, interchange: str) -> None:
        self.shapes: Shapes = load_shapes(version)
        self.schema = schema(version, namespace, "" if interchange in self.shapes.interchanges else interchange)
        self.prefix = f"{{{namespace}}}"
        self.interchange = interchange
        self.records = dict(self.shapes.records(interchange))
        self.mended = 0

    def strangers(self, batch: Batch) -> list[Fault]:
        """Records that have no place here. They are taken out of the batch's root: libxml2 would stop at the first."""
        known = {self.prefix + name for name in self.records}
        strange = [(n, e) for n, e in enumerate(batch.root) if e.tag not in known]
        found = []
        for number, element in strange:
            row, line = batch.before + number + 1, batch.lines[number]
            found.append(Fault("edfi.shape.unknown_record", row, line, local_name(element)[:_NAME]))
        return found

    def valid(self, batch: Batch) -> bool:
        """Whether all is well with a batch; it is only read."""
        return bool(self.schema.validate(batch.root))

    def faults(self, batch: Batch) -> Iterator[Fault]:
        """Faults of the records of a batch, whose records are moved about: nothing may read them afterwards."""
        strange = self.strangers(batch)
        yield from strange
        rows = {f.row for f in strange}
        numbers = [n for n in range(len(batch.lines)) if batch.before + n + 1 not in rows]
        for stranger in reversed(strange):
            del batch.root[stranger.row - 1 - batch.before]
        if not numbers or self.schema.validate(batch.root):
            return
        errors: dict[int, list[Any]] = {}
        records = list(batch.root)
        places = {record: number for number, record in enumerate(records)}
        for error in self.schema.error_log:
            above = [node := _node(batch.root, error.path), *node.iterancestors()]
            errors.setdefault(places.get(above[-2], 0) if len(above) > 1 else 0, []).append(error)
        for index, met in errors.items():
            row, line = batch.before + numbers[index] + 1, batch.lines[numbers[index]]
            torn = any(e.type_name == "SCHEMAV_ELEMENT_CONTENT" for e in met)
            if torn and self.mended < _MENDED_RECORDS:
                self.mended += 1
                yield from self.whole(records[index], row)
            else:
                for error in met:
                    node = _node(batch.root, error.path)
                    found = self.fault(error, node, row, line)
                    if found:
                        yield found

    def whole(self, record: Element, row: int) -> Iterator[Fault]:
        """All faults of one record: mended where a child is out of place, then validated again."""
        root = etree.Element(self.prefix + self.interchange)
        root.append(record)
        told: set[tuple[str, str, int]] = set()
        made: set[Element] = set()
        for _ in range(_MENDINGS):
            self.schema.validate(root)
            mends = []
            for error in self.schema.error_log:
                node = _node(root, error.path)
                if any(e in made for e in (node, *node.iterancestors())):
                    continue
                fault = self.fault(error, node, row, error.line)
                if fault and (fault.rule, fault.column, fault.line) not in told:
                    told.add((fault.rule, fault.column, fault.line))
                    yield fault
                if error.type_name == "SCHEMAV_ELEMENT_CONTENT":
                    mends.append((node, fault, "Missing child" in error.message))
            if not mends:
                return
            for node, said, short in mends:
                if node is not root and (short or node.getparent() is not None):
                    self.mend(node, said, short, made)

    def mend(self, node: Element, fault: Fault | None, short: bool, made: set[Element]) -> None:
        parent = node if short else node.getparent()
        kind = self.kind(parent)
        if fault and fault.rule == "edfi.shape.missing":
            name = fault.column.rpartition("/")[2]
            blank = etree.Element(self.prefix + name)
            made.add(blank)
            if short:
                parent.append(blank)
            else:
                node.addprevious(blank)
        elif fault and fault.rule == "edfi.shape.order":
            order = {self.prefix + p.name: i for i, p in enumerate(self.shapes.particles(kind))}
            parent[:] = sorted(parent, key=lambda e: order.get(e.tag, len(order)))
        else:
            parent.remove(node)

    def kind(self, node: Element) -> str:
        """The type of an element by its place; "" where the standard knows none."""
        names = [local_name(e) for e in (node, *node.iterancestors())][-2::-1]
        if not names:
            return ""
        kind = self.records.get(names[0], "")
        for name in names[1:]:
            kind = next((p.type for p in self.shapes.particles(kind) if p.name == name), "")
        return kind

    def column(self, node: Element) -> str:
        """`Record/Element/...`"""
        return "/".join(local_name(e)[:_NAME] for e in [node, *node.iterancestors()][-2::-1])

    def fault(self, error: Any, node: Element, row: int, line: int) -> Fault | None:
        """What an error of libxml2 means in the words of the rule library."""
        name, kind = error.type_name.removeprefix("SCHEMAV_"), self.kind(node)
        line = error.line or line
        if ", attribute '" in error.message or name.startswith(_ATTRIBUTES):
            doubled = name.startswith("CVC_DATATYPE") and "attribute 'id'" in error.message and _is_name(node.get("id"))
            # The same id again: edfi.key.duplicate_id tells it, wherever in the document the other is.
            return None if doubled else Fault("edfi.shape.attribute", row, line, self.column(node))
        if name == "ELEMENT_CONTENT":
            return self.misplaced(node, row, line, "Missing child" in error.message)
        rule = _RULES.get(name, "edfi.shape.type")
        text = node.text or ""
        if rule in ("edfi.shape.type", "edfi.shape.too_short", "edfi.shape.enumeration") and not text.strip():
            rule = "edfi.shape.empty"
        return Fault(rule, row, line, self.column(node), kind, text or None)

    def misplaced(self, node: Element, row: int, line: int, short: bool) -> Fault:
        """Why a child may not stand where it does, or which one its parent lacks."""
        parent = node if short else node.getparent()
        kind = self.kind(parent)
        particles = {self.prefix + p.name: p for p in self.shapes.particles(kind)}
        before = list(parent) if short else list(node.itersiblings(preceding=True))
        tags = [e.tag for e in before]
        if short:
            return self.lacking(parent, kind, tags, row, line)
        own = particles.get(node.tag)
        if own is None:
            name = local_name(node)
            elsewhere = any(p.name == name for p in particles.values())
            rule = "edfi.shape.namespace" if elsewhere else "edfi.shape.unknown_element"
            return Fault(rule, row, line, self.column(node), kind)
        if node.tag in tags and not own.many:
            return Fault("edfi.shape.too_many", row, line, self.column(node), own.type)
        order = list(particles)
        mine = order.index(node.tag)
        if self.excluded(kind, own, tags):
            return Fault("edfi.shape.too_many", row, line, self.column(node), own.type)
        later = {e.tag for e in node.itersiblings()}
        if any(order.index(t) > mine for t in tags if t in particles) or (set(order[:mine]) - set(tags)) & later:
            return Fault("edfi.shape.order", row, line, self.column(node), own.type)
        return self.lacking(parent, kind, tags, row, line, mine)

    def excluded(self, kind: str, own: Particle, tags: list[str]) -> bool:
        for part in self.shapes.content(kind):
            if isinstance(part, Choice) and own in part.options:
                return any(self.prefix + p.name in tags for p in part.options if p != own)
        return False

    def lacking(
        self, parent: Element, kind: str, tags: list[str], row: int, line: int, until: int | None = None
    ) -> Fault:
        present, position = set(tags), 0
        for part in self.shapes.content(kind):
            options = part.options if isinstance(part, Choice) else (part,)
            if until is not None and position >= until:
                break
            position += len(options)
            if part.required and not any(self.prefix + p.name in present for p in options):
                detail = "One of " + ", ".join(p.name for p in options) + " is needed." if len(options) > 1 else ""
                column = f"{self.column(parent)}/{options[0].name}"
                return Fault("edfi.shape.missing", row, line, column, options[0].type, detail=detail)
        return Fault("edfi.shape.order", row, line, self.column(parent), kind)


def _is_name(text: str | None) -> bool:
    return bool(text) and re.fullmatch(r"[^\W\d][\w.-]*", text or "") is not None


def _node(root: Element, path: str) -> Element:
    """The element of a path as libxml2 writes it: `/*/*[2]`, or `/a:X/a:Y[2]` where elements have a prefix."""
    node = root
    for step in (path or "").split("/")[2:]:
        said = _STEP.fullmatch(step)
        if said is None:
            break
        nth = int(said["nth"] or 1) - 1
        if said["name"]:
            names = {(said["prefix"], said["name"]), (None, f"{said['prefix']}:{said['name']}")}  # or not declared
            alike = (c for c in node if (c.prefix, local_name(c)) in names)
            node = next(itertools.islice(alike, nth, None), node)
        elif nth < len(node):
            node = node[nth]
    return node
