"""What one cell of a OneRoster file may hold, as calls of the functions of `schemas/oneroster/cells.sql`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot.expressions as sge

from hub.standards.oneroster_layout import Column
from hub.standards.validation.sql_tree import call, fill, text

CELLS = Path(__file__).resolve().parents[3] / "schemas" / "oneroster" / "cells.sql"

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
#: Kinds that are kept as a type of the database; whatever cannot be one is null.
TYPED = {"date": "DATE", "float": "DOUBLE"}
_EXTENSION = "ext:[A-Za-z0-9._-]+"


@cache
def functions() -> str:
    """The statements that make the functions."""
    return CELLS.read_text(encoding="utf-8")


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


def good(raw: Any, column: Column, mode: str) -> Any:
    """True for a cell without a fault, in fewer steps than `fault` takes; what is not true may still have none."""
    if column.delta and mode != "delta":
        return fill("raw IS NULL", raw=raw)
    valid = _valid(raw, column)
    if column.delta or column.required:
        text_of_its_own = column.kind == "string"
        return sge.And(this=fill("raw >= '!'", raw=raw), expression=valid) if text_of_its_own else valid
    return sge.paren(sge.Or(this=fill("raw IS NULL", raw=raw), expression=valid), copy=False)


def fault(raw: Any, column: Column, mode: str) -> Any:
    """The fault of a text cell, 0 where there is none."""
    folded = _array([v.lower() for v in column.values])
    if column.delta and mode != "delta":
        return call("fault_filled_listed", raw, folded) if column.kind == "enum" else call("fault_filled", raw)
    absent = sge.convert(DELTA if column.delta else REQUIRED if column.required else 0)
    extensible = sge.convert(column.extensible)
    if column.values and column.many:
        items = _items(column)
        return call("fault_items", raw, absent, text(items), text(f"(?i){items}"), extensible)
    if column.values:
        return call("fault_listed", raw, absent, _array(column.values), folded, extensible)
    return call(f"fault_{_name(column)}", raw, absent)


def kept(raw: Any, column: Column) -> Any:
    """The cell as the checks across files read it, where its file has any that are not as they should be: text without
    blanks around, listed values as the standard writes them. A date is a DATE and a number a DOUBLE before."""
    if column.kind in TYPED:
        return raw
    if column.values and not column.many:
        return call("kept_listed", raw, _array(column.values), _array([v.lower() for v in column.values]))
    return call("kept_text", raw)


def _valid(raw: Any, column: Column) -> Any:
    if column.values and column.many:
        return fill("regexp_full_match(raw, items)", raw=raw, items=text(_items(column)))
    if column.values:
        return call("is_listed", raw, _array(column.values), sge.convert(column.extensible))
    return call(f"is_{_name(column)}", raw)


def _name(column: Column) -> str:
    kind = {"string": "text"}.get(column.kind, column.kind)
    return f"{kind}s" if column.many else kind


def _array(values: Any) -> Any:
    return sge.Array(expressions=[text(v) for v in values])


def _items(column: Column) -> str:
    item = "|".join([*(re.escape(v) for v in column.values), *([_EXTENSION] if column.extensible else [])])
    return f"({item})(,({item}))*"
