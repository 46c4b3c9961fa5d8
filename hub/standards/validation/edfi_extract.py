"""What the checks beyond the XSD need of a document, drawn out of each batch by one XSLT made from the standard.

The stylesheet writes a line per fact, `slot <tab> value`. A slot says what the value is: the natural key of a record,
the key that a reference names, the code of a descriptor, dates in the wrong order ... Lines follow their record's own.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, TypeAlias

from lxml import etree

from hub.model import Entity
from hub.standards.shapes import Particle, Shapes, load_shapes
from hub.standards.specs import load_entity

#: Between the parts of a key; where a value holds it itself, it is replaced.
PART = "\ue000"
_REFERENCE, _CODE = "ReferenceType", "DescriptorReferenceType"
_XSL = "http://www.w3.org/1999/XSL/Transform"
_ORDERED = (
    ("BeginDate", "EndDate"),
    ("EntryDate", "ExitWithdrawDate"),
    ("AdministrationDate", "AdministrationEndDate"),
)

Kind: TypeAlias = Literal[
    "key", "code", "anchor", "other", "reference", "by_id", "descriptor", "id", "conflict", "order", "blank"
]
#: Every record writes one of these first.
FIRST = ("key", "code", "anchor", "other")


@dataclass(frozen=True)
class Slot:
    """`record`: the element; `path`: where in it; `target`: entity of the key, or type of the descriptor."""

    kind: Kind
    record: str
    path: str = ""
    target: str = ""
    detail: str = ""


class Specs(dict[str, Entity]):
    """The entities of one version, each read when it is first asked for."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self.version = version

    def __missing__(self, name: str) -> Entity:
        self[name] = load_entity(name, self.version)
        return self[name]


@lru_cache(maxsize=4)
def specs(version: str) -> Specs:
    return Specs(version)


@dataclass(frozen=True)
class Stylesheet:
    """`slots` are numbered in the lines that `transform` writes; `unchecked`: record -> entities of no known key."""

    transform: etree.XSLT
    slots: tuple[Slot, ...]
    unchecked: dict[str, set[str]]


@lru_cache(maxsize=64)
def stylesheet(
    version: str, namespace: str, interchange: str, targets: frozenset[str], exact: bool, attributes: bool
) -> Stylesheet:
    """The stylesheet for the documents of an interchange: see `Extractor`."""
    shapes = replace(load_shapes(version), namespace=namespace)
    maker = Extractor(shapes, specs(version), targets, exact, attributes)
    transform = maker.stylesheet(shapes.records(interchange))
    return Stylesheet(transform, tuple(maker.slots), maker.unchecked)


@dataclass
class Extractor:
    """Writes the stylesheet for some kinds of records, (name, type) as the interchange has them.

    `targets`: the entities of which keys will be known; references to others are left out. `exact` cleans every value
    of white space that would break a line or a key; `attributes` adds ids and references by id.
    """

    shapes: Shapes
    entities: Mapping[str, Entity]  # of the shapes' version; read one at a time
    targets: frozenset[str]
    exact: bool = False
    attributes: bool = False
    slots: list[Slot] = field(default_factory=list)
    unchecked: dict[str, set[str]] = field(default_factory=dict)  # record -> entities outside of `targets`

    def stylesheet(self, records: tuple[tuple[str, str], ...]) -> etree.XSLT:
        other = _line(self._slot("other", ""), "")
        sheet = (
            f'<xsl:stylesheet version="1.0" xmlns:xsl="{_XSL}" xmlns:e="{self.shapes.namespace}">'
            '<xsl:output method="text" encoding="UTF-8"/>'
            '<xsl:template match="/"><xsl:apply-templates select="*/*"/></xsl:template>'
            f'<xsl:template match="*">{other}</xsl:template>'
            f"{''.join(self._record(name, kind) for name, kind in records)}</xsl:stylesheet>"
        )
        return etree.XSLT(etree.XML(sheet.encode()))

    def _slot(self, kind: Kind, record: str, path: str = "", target: str = "", detail: str = "") -> int:
        self.slots.append(Slot(kind, record, path, target, detail))
        return len(self.slots) - 1

    def _record(self, name: str, kind: str) -> str:
        if kind.endswith(_REFERENCE):
            target = kind.removesuffix(_REFERENCE)
            identity = f"{target}Identity"
            parts = (self._value(f"{_step(identity)}/{s}", *t) for s, *t in self._parts(target, identity + "Type"))
            body = _line(self._slot("anchor", name, target=target), PART.join(parts))
        elif self.shapes.complex[kind].group == "Descriptor":
            code = self._value("e:Namespace", "string") + "#" + self._value("e:CodeValue", "string")
            body = _line(self._slot("code", name, "", name, "namespace, codeValue"), code) + self._below(name, kind, "")
        else:
            entity = self.entities[name]
            paths = {c: entity.field(c).xml.partition(" | ")[0] for c in entity.key}
            key = PART.join(self._value(_steps(p), entity.field(c).type, p) for c, p in paths.items())
            own = _line(self._slot("key", name, "", name, ", ".join(entity.key)), key)
            body = own + self._blanks(name, entity) + self._conflicts(entity) + self._below(name, kind, "")
        ids = self._id(name, "", kind.removesuffix(_REFERENCE))
        return f'<xsl:template match="e:{name}">{body}{ids}</xsl:template>'

    def _id(self, record: str, path: str, target: str) -> str:
        if not self.attributes:
            return ""
        slot = self._slot("id", record, f"{path}/@id".lstrip("/"), target)
        return f'<xsl:if test="@id">{_line(slot, _of("normalize-space(@id)"))}</xsl:if>'

    def _blanks(self, record: str, entity: Entity) -> str:
        """Required text of nothing but white space, which the XSD takes for text."""
        found = ""
        for column in entity.fields:
            if column.required and column.type == "string" and column.name not in entity.key:
                path = column.xml.partition(" | ")[0]
                steps, slot = _steps(path), self._slot("blank", record, path)
                there = f"string-length({steps}) &gt;= {column.min_length}" if column.min_length else steps
                found += f'<xsl:if test="{there} and not(normalize-space({steps}))">{_line(slot, "")}</xsl:if>'
        return found

    def _conflicts(self, entity: Entity) -> str:
        found = ""
        for column in entity.fields:
            for first, other in itertools.combinations(column.xml.split(" | "), 2):
                a, b = _steps(first), _steps(other)
                slot = self._slot("conflict", entity.name, other, column.name, first)
                test = f"{a} != {b} and normalize-space({a}) != normalize-space({b})"
                found += f'<xsl:if test="{test}">{_line(slot, "")}</xsl:if>'
        return found

    def _below(self, record: str, kind: str, prefix: str) -> str:
        """Descriptors, references and ordered dates below an element of this type."""
        parts = {p.name: p for p in self.shapes.particles(kind)}
        found = "".join(self._part(record, p, prefix + p.name) for p in parts.values())
        for begin, end in _ORDERED:
            if begin in parts and end in parts:
                slot = self._slot("order", record, prefix + end, detail=prefix + begin)
                first, last = (f"number(translate(e:{n},'-',''))" for n in (begin, end))
                found += f'<xsl:if test="e:{end} and {first} &gt; {last}">{_line(slot, "")}</xsl:if>'
        return found

    def _part(self, record: str, part: Particle, path: str) -> str:
        if part.type.endswith(_CODE):
            slot = self._slot("descriptor", record, path, part.type.removesuffix("ReferenceType"))
            inner = _line(slot, self._value(".", "descriptor"))
        elif part.type.endswith(_REFERENCE):
            return self._reference(record, part, path)
        else:
            inner = self._below(record, part.type, path + "/")
        return _each(f"e:{part.name}", inner)

    def _reference(self, record: str, part: Particle, path: str) -> str:
        """A reference: the key it names, the codes inside that key, and the id it names instead."""
        target = part.type.removesuffix(_REFERENCE)
        identity = f"{target}Identity"
        inner = self._codes(record, identity + "Type", f"{path}/{identity}")
        if target in self.targets:
            parts = (self._value(steps, *said) for steps, *said in self._parts(target, identity + "Type"))
            inner = _line(self._slot("reference", record, path, target), PART.join(parts)) + inner
        else:
            self.unchecked.setdefault(record, set()).add(target)
        found = _each(f"e:{part.name}/*", inner)
        if self.attributes:
            by_id = _line(self._slot("by_id", record, path, target), _of("normalize-space(@ref)"))
            inside = f'<xsl:if test="@ref and not(*)">{by_id}</xsl:if>{self._id(record, path, target)}'
            found += _each(f"e:{part.name}", inside)
        return found

    def _parts(self, target: str, identity: str) -> list[tuple[str, str, str]]:
        """(XPath below the Identity, type, path) of every part of the target's key, in its order."""
        found: list[tuple[str, str, str]] = []
        for column in self.entities[target].key:
            said = self.entities[target].field(column)
            ways = (p for full in said.xml.split(" | ") for p in (full, full.rpartition("/")[2]))
            path = next(p for p in ways if self._has(identity, p))
            found.append((_steps(path), said.type, path))
        return found

    def _has(self, kind: str, path: str) -> bool:
        for step in path.split("/"):
            inner = next((p for p in self.shapes.particles(kind) if p.name == step), None)
            if inner is None:
                return False
            kind = inner.type
        return True

    def _codes(self, record: str, kind: str, path: str) -> str:
        found = ""
        for part in self.shapes.particles(kind):
            if part.type.endswith(_CODE):
                slot = self._slot("descriptor", record, f"{path}/{part.name}", part.type.removesuffix("ReferenceType"))
                found += _each(f"e:{part.name}", _line(slot, self._value(".", "descriptor")))
            elif part.type.endswith(_REFERENCE):
                below = part.type.removesuffix(_REFERENCE) + "Identity"
                inner = self._codes(record, below + "Type", f"{path}/{part.name}/{below}")
                found += _each(f"e:{part.name}/*", inner)
        return found

    def _value(self, steps: str, kind: str, path: str = "") -> str:
        year = path.endswith("SchoolYear")
        if not self.exact:
            return _of(f"substring-after({steps},'-')" if year else steps)
        if kind == "string":
            return _of(f"translate({steps},'&#9;&#10;&#13;{PART}','    ')")
        return _of(f"normalize-space({f'substring-after({steps},{chr(39)}-{chr(39)})' if year else steps})")


def _of(xpath: str) -> str:
    return f'<xsl:value-of select="{xpath}"/>'


def _each(steps: str, inner: str) -> str:
    return f'<xsl:for-each select="{steps}">{inner}</xsl:for-each>' if inner else ""


def _line(slot: int, value: str) -> str:
    # White space alone would be dropped from a stylesheet, hence xsl:text.
    return f"<xsl:text>{slot}&#9;</xsl:text>{value}<xsl:text>&#10;</xsl:text>"


def _step(name: str) -> str:
    return "*" if name.endswith("Identity") else f"e:{name}"


def _steps(path: str) -> str:
    """XPath of a path of element names; a key may stand in XLookup where the path says XIdentity."""
    return "/".join(map(_step, path.split("/")))
