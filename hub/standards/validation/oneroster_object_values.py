"""Whether a JSON value is one that a property of a OneRoster object may have: one rule per fault."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from hub.standards.oneroster_layout import PATTERNS
from hub.standards.oneroster_objects import Property

_GUID, _DATE, _INSTANT, _YEAR, _EXTENSION = (
    re.compile(PATTERNS[kind]) for kind in ("guid", "date", "datetime", "year", "extension")
)
_RANGE = re.compile(r"\d{4} ?[-/] ?\d\d(\d\d)?")
_NUMBER = re.compile(r"-?(\d{1,300}(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")


def fault(value: Any, said: Property) -> str | None:
    """The rule that a plain value breaks, or None. A missing property and null are the caller's."""
    if said.kind == "float":
        return _float(value)
    if said.kind == "boolean" and isinstance(value, bool):
        return "oneroster.json.coerced"
    if not isinstance(value, str):
        plain = isinstance(value, int | float) and said.kind in ("guid", "string", "year") and value is not True
        return "oneroster.json.coerced" if plain and value is not False else "oneroster.json.type"
    if not value.strip():
        return "oneroster.value.required" if said.required or said.kind != "string" else None
    if said.kind == "string":
        return "oneroster.value.too_long" if len(value) > 255 else None
    found = _text(value, said)
    if found and value != value.strip() and not _text(value.strip(), said):
        return "oneroster.value.whitespace"
    return found


def _float(value: Any) -> str | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return "oneroster.json.coerced"
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return None if good else "oneroster.type.float"


def _text(value: str, said: Property) -> str | None:
    if said.kind == "boolean":
        return None if value in ("true", "false") else _spelt(value, ("true", "false"), "oneroster.type.boolean")
    if said.kind == "enum":
        return _listed(value, said)
    if said.kind == "guid":
        return None if _GUID.fullmatch(value) else "oneroster.type.guid"
    if said.kind == "date":
        return None if day(value) and _DATE.fullmatch(value) else "oneroster.type.date"
    if said.kind == "datetime":
        return None if _INSTANT.fullmatch(value) and day(value) else "oneroster.type.datetime"
    if said.kind == "year":
        found = "oneroster.year.range" if _RANGE.fullmatch(value) else "oneroster.type.year"
        return None if _YEAR.fullmatch(value) else found
    return None if is_uri(value) else "oneroster.json.uri"


def _listed(value: str, said: Property) -> str | None:
    if value in said.values or (said.extensible and _EXTENSION.fullmatch(value)):
        return None
    if said.extensible and value.lower().startswith("ext:"):
        return "oneroster.vocabulary.extension"
    return _spelt(value, said.values, "oneroster.vocabulary.unknown")


def _spelt(value: str, values: tuple[str, ...], otherwise: str) -> str:
    return "oneroster.value.case" if value.casefold() in {v.casefold() for v in values} else otherwise


def day(value: Any) -> date | None:
    """The day of a date or an instant, None where it is neither."""
    if isinstance(value, str) and _DATE.match(value):
        try:
            return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value).date()
        except ValueError:
            return None
    return None


def is_uri(value: str) -> bool:
    """An absolute URI: a scheme and something behind it."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and not re.search(r"\s", value)
