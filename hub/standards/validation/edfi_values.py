"""Whether a JSON value is one that a property may have: one rule per fault, nothing about the value itself."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any

from hub.model import Field

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?")


def fault(value: Any, field: Field) -> str | None:
    """The rule that a value breaks, or None. Null and a missing property are the caller's."""
    kind = field.type
    if kind == "boolean":
        return None if isinstance(value, bool) else _coerced(value in ("true", "false", "True", "False"))
    if kind in ("integer", "number"):
        return _number(value, field)
    if not isinstance(value, str):
        return "edfi.shape.type"
    if not value.strip() and (field.required or kind != "string"):
        return "edfi.shape.empty"
    if kind == "date":
        return None if _DATE.fullmatch(value) and _read(date.fromisoformat, value) else "edfi.shape.type"
    if kind == "time":
        return None if _TIME.fullmatch(value) and _read(time.fromisoformat, value) else "edfi.shape.type"
    if kind == "datetime":
        sound = _DATE.fullmatch(value) or _INSTANT.fullmatch(value)
        return None if sound and _read(datetime.fromisoformat, value) else "edfi.shape.type"
    return _text(value, field)


def _number(value: Any, field: Field) -> str | None:
    whole = field.type == "integer"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        pattern = _WHOLE if whole else _DECIMAL
        return _coerced(isinstance(value, str) and pattern.fullmatch(value) is not None)
    low, high = field.minimum, field.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return "edfi.shape.range"
    return "edfi.shape.range" if whole and not -(2**63) <= value < 2**63 else None


def _text(value: str, field: Field) -> str | None:
    high = 306 if field.type == "descriptor" else field.max_length
    if high is not None and len(value) > high:
        return "edfi.shape.too_long"
    if field.min_length is not None and len(value) < field.min_length:
        return "edfi.shape.too_short"
    if field.values and value not in field.values:
        return "edfi.shape.enumeration"
    if field.pattern and not re.fullmatch(field.pattern, value):
        return "edfi.shape.type"
    return None


def _coerced(close: bool) -> str:
    return "edfi.shape.coerced" if close else "edfi.shape.type"


def _read(parse: Any, text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
