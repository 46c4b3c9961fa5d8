"""The sheets of Ed-Fi: entities and associations by their specs, everything else by the types of the standard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hub.model import Entity, Field
from hub.standards.bodies import body
from hub.standards.export.catalog import Item
from hub.standards.export.sheet import Asked, Line, Sheet
from hub.standards.rules import load_rules
from hub.standards.shapes import Choice, Shapes, load_shapes
from hub.standards.specs import BASE, descriptor_codes, load_entity
from hub.standards.suites.expectations import suite


def edfi_sheet(item: Item) -> Sheet:
    """The sheet of one entity, association, descriptor, common type or interchange."""
    if item.kind in ("entity", "association"):
        return _entity(item, load_entity(item.name, item.version))
    shapes = load_shapes(item.version)
    if item.kind == "interchange":
        records = (Line(name, kind, references=kind) for name, kind in shapes.interchanges[item.name])
        return Sheet(item, {"namespace": shapes.namespace}, tuple(records))
    if item.kind == "common":
        base = shapes.complex[item.name].base
        return Sheet(item, {"extends": base} if base in shapes.complex else {}, tuple(_elements(shapes, item.name)))
    made = body(item.name, item.version)
    lines = tuple(_line(p.field, "", set(made.key), {}) for p in made.properties if p.field)
    codes = sorted(descriptor_codes().get(item.name, ())) if item.version == BASE else []
    return Sheet(item, {"resource": made.resource}, lines, codes=tuple(codes))


def _entity(item: Item, entity: Entity) -> Sheet:
    named: dict[str, list[str]] = {}
    for reference in entity.references:
        for mine, theirs in reference.fields:
            named.setdefault(mine, []).append(f"{reference.entity}.{theirs}")
    facts = {
        "resource": entity.resource,
        "natural key": ", ".join(entity.key),
        "extends": entity.subclass_of,
        "references": ", ".join(
            f"{r.name} ({r.entity}{', required' if r.required else ''})" for r in entity.references
        ),
    }
    lines = (line for f in entity.fields for line in _lines(f, "", set(entity.key), named))
    return Sheet(item, {k: v for k, v in facts.items() if v}, tuple(lines), tuple(_rules(entity)))


def _lines(field: Field, before: str, key: set[str], named: dict[str, list[str]]) -> Iterator[Line]:
    yield _line(field, before, key, named)
    within = f"{before}{field.name}{'[]' if field.type == 'list' else ''}."
    for inner in field.items:
        yield from _lines(inner, within, set(), {})


def _line(field: Field, before: str, key: set[str], named: dict[str, list[str]]) -> Line:
    return Line(
        name=before + field.name,
        type=field.type,
        required=field.required,
        limits=limits(field),
        key=field.name in key,
        references=", ".join(named.get(field.name, ())),
        vocabulary=field.of or ", ".join(field.values),
        pii=field.pii,
        source=field.xml,
    )


def limits(field: Field) -> str:
    """Lengths and ranges in words: `1 to 60 characters`, `0 to 100`, `as \\d{4}`."""
    said = [_span(field.min_length, field.max_length, " characters"), _span(field.minimum, field.maximum, "")]
    return ", ".join([s for s in said if s] + ([f"as {field.pattern}"] if field.pattern else []))


def _span(low: float | str | None, high: float | str | None, unit: str) -> str:
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"at most {high}{unit}" if low is None else f"at least {low}{unit}"
    return f"{low} to {high}{unit}"


def _rules(entity: Entity) -> Iterable[Asked]:
    found: dict[str, list[str]] = {}
    for expectation in suite(entity):
        columns = [v for k, v in expectation.kwargs.items() if k.startswith("column") and isinstance(v, str)]
        found.setdefault(expectation.rule, []).extend(columns)
    library = load_rules()
    for name, columns in found.items():
        rule = library[name]
        yield Asked(name, rule.severity, ", ".join(dict.fromkeys(columns)), rule.sentence)


def _elements(shapes: Shapes, owner: str) -> Iterator[Line]:
    for name, kind in shapes.complex[owner].attributes:
        yield Line(f"@{name}", kind)
    for part in shapes.content(owner):
        for element in part.options if isinstance(part, Choice) else (part,):
            name = f"{element.name}[]" if element.many else element.name
            yield _element(shapes, name, element.type, element.required and not isinstance(part, Choice))


def _element(shapes: Shapes, name: str, kind: str, required: bool) -> Line:
    facets: dict[str, str] = {}
    values: list[str] = []
    base = kind
    while base in shapes.simple:
        for facet, value in shapes.simple[base].facets:
            if facet == "enumeration":
                values.append(value)
            facets.setdefault(facet, value)
        base = shapes.simple[base].base
    said = [
        _span(facets.get("minLength"), facets.get("maxLength"), " characters"),
        _span(facets.get("minInclusive"), facets.get("maxInclusive"), ""),
    ]
    type_ = base.removeprefix("xs:") if base.startswith("xs:") else kind
    vocabulary = ", ".join(values)
    names = "" if base.startswith("xs:") else kind.removesuffix("ReferenceType")
    if kind.endswith("DescriptorReferenceType"):
        type_, vocabulary, names = "descriptor", names or kind.removesuffix("ReferenceType"), ""
    return Line(name, type_, required, ", ".join(s for s in said if s), references=names, vocabulary=vocabulary)
