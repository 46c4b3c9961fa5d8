"""What one cell of a OneRoster file may hold, as an expression that is 0 for a good cell and else says its fault."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sqlglot.expressions as sge

from hub.standards.validation.oneroster_layout import Column, layouts
from hub.standards.validation.sql_tree import fill, macro, text

REQUIRED, WHITESPACE, TYPE, CASE, EXTENSION, DELTA, FILLED, RANGE, LONG = range(1, 10)
#: Where one of these occurs, cells have to be tidied before files are compared.
UNTIDY = {REQUIRED, WHITESPACE, CASE, DELTA}
#: The rule of each fault; that of TYPE depends on the column.
RULES = {
    REQUIRED: "oneroster.value.required",
    WHITESPACE: "oneroster.value.whitespace",
    CASE: "oneroster.value.case",
    EXTENSION: "oneroster.vocabulary.extension",
    DELTA: "oneroster.delta.required",
    FILLED: "oneroster.bulk.status_filled",
    RANGE: "oneroster.year.range",
    LONG: "oneroster.value.too_long",
}
_TYPES = {
    "guid": "oneroster.type.guid",
    "reference": "oneroster.type.guid",
    "date": "oneroster.type.date",
    "datetime": "oneroster.type.datetime",
    "boolean": "oneroster.type.boolean",
    "integer": "oneroster.type.integer",
    "float": "oneroster.type.float",
    "year": "oneroster.type.year",
    "enum": "oneroster.vocabulary.unknown",
}
#: A cell without blanks around.
BARE = "trim(raw, chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))"
#: OneRoster CSV binding: up to 255 of letters, digits and . - _ / @
GUID = "NOT regexp_matches(raw, '[^0-9A-Za-z._/@-]') AND strlen(raw) <= 255"
#: True only for a good cell as it stands; null and false are both bad.
VALID = {
    "guid": GUID,
    # exactly as a date is written: neither 2026-8-1 nor a time comes back the same
    "date": "length(raw) = 10 AND CAST(TRY_CAST(raw AS DATE) AS TEXT) = raw",
    "datetime": r"""regexp_full_match(raw, '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z')
        AND TRY_CAST(raw AS TIMESTAMP) IS NOT NULL""",
    "integer": "regexp_full_match(raw, '-?[0-9]+')",
    "float": r"regexp_full_match(raw, '-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?')",
    "year": "regexp_full_match(raw, '[0-9]{4}')",
    # whether it is a GUID shows by its target: only what finds none is looked at
    "reference": "NOT starts_with(raw, ' ') AND NOT ends_with(raw, ' ')",
    "references": r"NOT regexp_matches(raw, '^\s|\s$|\s,|,\s|,,|^,|,$')",
}
#: Kinds that are kept as a type of the database; whatever cannot be one is null.
TYPED = {"date": "DATE", "float": "DOUBLE"}
_BLANK_ITEM = r"regexp_matches(raw, '(^|,)\s*(,|$)')"
_RANGE = r"regexp_full_match(raw, '\s*[0-9]{4}\s*[-/]\s*[0-9]{2}([0-9]{2})?\s*')"
_EXTENSION = "ext:[A-Za-z0-9._-]+"


def rule_of(column: Column, code: int) -> str:
    if code == TYPE and column.many and column.kind != "enum":
        return "oneroster.type.list"
    return _TYPES[column.kind] if code == TYPE else RULES[code]


def codes_of(column: Column, mode: str) -> tuple[int, ...]:
    """The faults that a cell of this column can have."""
    if column.delta:
        return (DELTA, WHITESPACE, TYPE, CASE) if mode == "delta" else (TYPE, FILLED)
    codes = [REQUIRED] if column.required else []
    if column.kind == "string":
        return (*codes, TYPE) if column.many else (*codes, LONG)
    extra = {"enum": (CASE, EXTENSION), "boolean": (CASE,), "year": (RANGE,)}.get(column.kind, ())
    return (*codes, WHITESPACE, TYPE, *extra)


@lru_cache(maxsize=4)
def functions(version: str) -> tuple[dict[tuple[str, Column, str], str], dict[str, str]]:
    """The functions of the cells of a version: names by what() of a column, and what makes each, by name."""
    names: dict[tuple[str, Column, str], str] = {}
    statements: dict[str, str] = {}
    for layout in layouts(version).values():
        for column in layout.columns:
            for made in (what("kept", column), what("fault", column, "bulk"), what("fault", column, "delta")):
                if made not in names:
                    verb, alike, mode = made
                    raw = sge.column("raw")
                    body = kept(raw, alike) if verb == "kept" else fault(raw, alike, mode)
                    names[made] = f"{verb}_{len(names)}"
                    statements[names[made]] = macro(names[made], body)
    return names, statements


@lru_cache(maxsize=64)
def make_functions(version: str, files: frozenset[tuple[str, str]]) -> str:
    """The statements that make the functions of these files, given as (name, mode)."""
    names, statements = functions(version)
    needed = {
        names[made]
        for file, mode in files
        for column in layouts(version)[file].columns
        for made in (what("kept", column), what("fault", column, mode))
    }
    return ";\n".join(statements[name] for name in sorted(needed))


def what(verb: str, column: Column, mode: str = "") -> tuple[str, Column, str]:
    """The key of a function: columns that differ in name or target alone share it."""
    return verb, replace(column, name="", to="", spare=False), mode


def fault(raw: Any, column: Column, mode: str) -> Any:
    """The fault of a text cell, 0 where there is none. At most one per cell: the first that a reader must mend.

    Each test runs only for cells that the ones before it did not settle, so good cells cost one.
    """
    bare = fill(BARE, raw=raw)
    case = sge.Case()
    if column.delta and mode != "delta":  # blank in bulk; a status that is not known is worse than a filled one
        case = case.when(fill("raw IS NULL", raw=raw), sge.convert(0))
        case = case.when(fill("bare = ''", bare=bare), sge.convert(0))
        if column.kind == "enum":
            case = case.when(sge.Not(this=_listed(fill("lower(bare)", bare=bare), column.values)), sge.convert(TYPE))
        return case.else_(sge.convert(FILLED))
    absent = DELTA if column.delta else REQUIRED if column.required else 0
    case = case.when(fill("raw IS NULL", raw=raw), sge.convert(absent))
    if column.kind == "string":
        if absent or column.many:
            # what begins with a blank sorts before '!': trimming every text takes as long as reading it
            case = case.when(fill("raw < '!' AND bare = ''", raw=raw, bare=bare), sge.convert(absent))
        if column.many:
            return case.when(fill(_BLANK_ITEM, raw=raw), sge.convert(TYPE)).else_(sge.convert(0))
        return case.when(fill("strlen(raw) > 255 AND length(raw) > 255", raw=raw), sge.convert(LONG)).else_(
            sge.convert(0)
        )
    case = case.when(_valid(raw, column), sge.convert(0))
    case = case.when(fill("bare = ''", bare=bare), sge.convert(absent or WHITESPACE))
    if column.kind == "reference":
        if column.many:
            case = case.when(fill(_BLANK_ITEM, raw=raw), sge.convert(TYPE))
        return case.else_(sge.convert(WHITESPACE))
    case = case.when(_valid(bare, column), sge.convert(WHITESPACE))
    if column.values:
        case = case.when(_folded(bare, column), sge.convert(CASE))
    if column.extensible:
        case = case.when(fill("starts_with(lower(bare), 'ext:')", bare=bare), sge.convert(EXTENSION))
    if column.kind == "year":
        case = case.when(fill(_RANGE, raw=raw), sge.convert(RANGE))
    return case.else_(sge.convert(TYPE))


def _valid(raw: Any, column: Column) -> Any:
    if not column.values:
        return fill(VALID["references" if column.many else column.kind], raw=raw)
    if column.many:
        return fill("regexp_full_match(raw, items)", raw=raw, items=text(_items(column)))
    listed = _listed(raw, column.values)
    if column.extensible:
        own = fill("regexp_full_match(raw, own)", raw=raw, own=text(_EXTENSION))
        return sge.Or(this=listed, expression=own)
    return listed


def _folded(bare: Any, column: Column) -> Any:
    if column.many:
        return fill("regexp_full_match(bare, items)", bare=bare, items=text(f"(?i){_items(column)}"))
    return _listed(fill("lower(bare)", bare=bare), [v.lower() for v in column.values])


def _listed(tree: Any, values: Any) -> Any:
    return sge.In(this=tree.copy(), expressions=[text(v) for v in values])


def _items(column: Column) -> str:
    item = "|".join([*(re.escape(v) for v in column.values), *([_EXTENSION] if column.extensible else [])])
    return f"({item})(,({item}))*"


def kept(raw: Any, column: Column) -> Any:
    """The cell as the checks across files read it, where its file has any that are not as they should be: text without
    blanks around, listed values as the standard writes them. A date is a DATE and a number a DOUBLE before."""
    if column.kind in TYPED:
        return raw
    bare = fill(f"nullif({BARE}, '')", raw=raw)
    if column.values and not column.many:
        case = sge.Case().when(_listed(raw, column.values), raw.copy())
        for value in column.values:
            case = case.when(fill("lower(bare) = folded", bare=bare, folded=text(value.lower())), text(value))
        return case.else_(bare)
    return bare
