"""What one cell of a OneRoster file may hold, as an expression that is 0 for a good cell and else says its fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import ibis

from hub.standards.validation.oneroster_layout import Column

REQUIRED, WHITESPACE, TYPE, CASE, EXTENSION, DELTA, FILLED, RANGE, LONG = range(1, 10)
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
_GUID = r"^[0-9A-Za-z._/@-]+$"
_PATTERNS = {
    "guid": _GUID,
    "year": r"^[0-9]{4}$",
    "integer": r"^-?[0-9]+$",
    "float": r"^-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$",
    "datetime": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$",
}
_RANGE = r"^\s*[0-9]{4}\s*[-/]\s*[0-9]{2}([0-9]{2})?\s*$"
_EXTENSION = "ext:[A-Za-z0-9._-]+"
_BLANK_ITEM = r"(^|,)\s*(,|$)"
_LOOSE_ITEM = r"^\s|\s$|\s,|,\s"
MAX_TEXT = 255  # characters that every importer keeps, and of a GUID


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


def fault(raw: Any, column: Column, mode: str) -> Any:
    """The fault of a text cell, 0 where there is none. At most one per cell: the first that a reader must mend."""
    if column.delta and mode != "delta":  # blank in bulk; status is looked at, as a strange one is worse than any
        known = ibis.literal(FILLED)
        if column.kind == "enum":
            known = raw.strip().lower().isin(column.values).ifelse(FILLED, TYPE)
        return (raw.isnull() | (raw.strip() == "")).ifelse(0, known)
    absent = DELTA if column.delta else REQUIRED if column.required else 0
    if column.kind == "string":
        return _text(raw, column, absent)
    valid = _valid(column)
    steps = [(raw.isnull(), absent), (valid(raw), 0), (raw.strip() == "", absent or WHITESPACE)]
    if column.kind == "reference":  # whether it is a GUID shows by its target; only what is unresolved is looked at
        return ibis.cases(*steps, (raw.re_search(_BLANK_ITEM) if column.many else ibis.literal(False), TYPE),
                          else_=WHITESPACE)  # fmt: skip
    steps.append((valid(raw.strip()), WHITESPACE))
    if column.values:
        steps.append((_folded(column)(raw.strip()), CASE))
    if column.extensible:
        steps.append((raw.strip().lower().startswith("ext:"), EXTENSION))
    if column.kind == "year":
        steps.append((raw.re_search(_RANGE), RANGE))
    return ibis.cases(*steps, else_=TYPE)


def _text(raw: Any, column: Column, absent: int) -> Any:
    if column.many:
        steps = [(raw.isnull(), absent), (raw.strip() == "", absent), (raw.re_search(_BLANK_ITEM), TYPE)]
        return ibis.cases(*steps, else_=0)
    blank = [(raw.strip() == "", absent)] if absent else []
    return ibis.cases((raw.isnull(), absent), *blank, (raw.length() > MAX_TEXT, LONG), else_=0)


def _valid(column: Column) -> Callable[[Any], Any]:
    """A test that is true only for a good cell as it stands; null and false are both bad."""
    if column.kind == "date":  # exactly as a date is written: neither 2026-8-1 nor a time comes back the same
        return lambda raw: (raw.length() == 10) & (raw.try_cast("date").cast("string") == raw)
    if column.kind == "datetime":
        return lambda raw: raw.re_search(_PATTERNS["datetime"]) & raw.try_cast("timestamp").notnull()
    if column.kind == "guid":
        return lambda raw: raw.re_search(_GUID) & (raw.length() <= MAX_TEXT)
    if column.kind == "reference":
        if column.many:
            return lambda raw: ~raw.re_search(_LOOSE_ITEM) & ~raw.re_search(_BLANK_ITEM)
        return lambda raw: ~raw.startswith(" ") & ~raw.endswith(" ")
    if column.values and not column.many:
        if column.extensible:
            return lambda raw: raw.isin(column.values) | raw.re_search(f"^{_EXTENSION}$")
        return lambda raw: raw.isin(column.values)
    if column.values:
        return lambda raw: raw.re_search(_items(column))
    return lambda raw: raw.re_search(_PATTERNS[column.kind])


def _folded(column: Column) -> Callable[[Any], Any]:
    if column.many:
        return lambda text: text.re_search(f"(?i){_items(column)}")
    return lambda text: text.lower().isin([v.lower() for v in column.values])


def _items(column: Column) -> str:
    item = "|".join([*(re.escape(v) for v in column.values), *([_EXTENSION] if column.extensible else [])])
    return f"^({item})(,({item}))*$"


def kept(raw: Any, column: Column) -> Any:
    """The cell as the checks across files read it: DATE, DOUBLE, or text without spaces, listed values folded."""
    text = raw.strip().nullif("")
    if column.kind == "date":
        return text.try_cast("date")
    if column.kind == "float":
        return text.try_cast("float64")
    if column.values and not column.many:
        other = {v.lower(): v for v in column.values}
        return raw.isin(column.values).ifelse(raw, text.lower().cases(*other.items(), else_=text))
    return text


def is_guid(text: Any) -> Any:
    return text.re_search(_GUID) & (text.length() <= MAX_TEXT)
