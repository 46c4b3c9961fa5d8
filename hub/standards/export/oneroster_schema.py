"""OneRoster as JSON Schema: a row of a CSV file as an object of texts, and the objects of the REST binding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hub.standards.oneroster_layout import PATTERNS, Column, FileLayout
from hub.standards.oneroster_objects import Kind, Property

_ITEM = r"[^\s,]([^,]*[^\s,])?"
_PATTERNS = PATTERNS | {
    "reference": PATTERNS["guid"],
    "string": r"[\s\S]*\S[\s\S]*",
    "integer": "-?[0-9]+",
    "float": r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?",
}
_FORMATS = {"date": "date", "datetime": "date-time"}


def row_schema(layout: FileLayout, version: str) -> dict[str, Any]:
    """The schema of one row. A blank cell is an empty text; columns `metadata.` and a name are left to extensions."""
    needed = [c.name for c in layout.columns if not c.spare]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hub:oneroster:{version}:{layout.csv}",
        "title": f"A row of {layout.csv}, OneRoster {version}",
        "type": "object",
        "properties": {c.name: _cell(c) for c in layout.columns},
        "patternProperties": {r"^metadata\.": {"type": "string"}},
        "required": needed,
        "additionalProperties": False,
    }


def _cell(column: Column) -> dict[str, Any]:
    said: dict[str, Any] = {"type": "string", **_filled(column)}
    if column.to:
        said["x-references"] = column.to
    if column.required:
        return said
    return {"anyOf": [{"const": ""}, said]}


def _filled(column: Column) -> dict[str, Any]:
    if column.values:
        listed = [re.escape(v) for v in column.values] + ([PATTERNS["extension"]] if column.extensible else [])
        one = "|".join(listed)
    else:
        one = _ITEM if column.many and column.kind == "string" else _PATTERNS[column.kind]
    format_ = {} if column.many or column.kind not in _FORMATS else {"format": _FORMATS[column.kind]}
    return {"pattern": f"^({one})(,({one}))*$" if column.many else f"^({one})$", **format_}


def object_schema(kind: Kind, version: str) -> dict[str, Any]:
    """The schema of one REST object as it stands in a payload; `metadata` is left to extensions."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hub:oneroster:{version}:{kind.name}",
        "title": f"{kind.name}, OneRoster {version} REST",
        **_object(kind.properties),
    }


def _object(properties: Sequence[Property]) -> dict[str, Any]:
    required = [p.name for p in properties if p.required]
    return {
        "type": "object",
        "properties": {p.name: _property(p) for p in properties},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _property(said: Property) -> dict[str, Any]:
    one = _value(said)
    if said.many:
        return {"type": "array", "items": one, **({"minItems": 1} if said.required else {})}
    return one


def _value(said: Property) -> dict[str, Any]:
    if said.kind == "open":
        return {"type": "object"}
    if said.kind == "object":
        return _object(said.within)
    if said.kind == "reference":
        plain = {"href": _TEXTS["uri"], "sourcedId": _TEXTS["guid"], "type": {"enum": list(said.types)}}
        required = ["href", "sourcedId", "type"]
        return {**_strict(plain, required), "x-references": said.to}
    if said.kind == "float":
        return {"type": "number"}
    if said.kind == "boolean":
        return {"enum": ["true", "false"]}
    if said.kind == "enum":
        own = [{"type": "string", "pattern": f"^{PATTERNS['extension']}$"}] if said.extensible else []
        listed = {"enum": list(said.values)}
        return {"anyOf": [listed, *own]} if own else listed
    filled = said.kind != "string" or said.required or said.many
    return _TEXTS[said.kind] if filled else {"type": "string"}


def _strict(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _text(kind: str) -> dict[str, Any]:
    format_ = {"format": _FORMATS[kind]} if kind in _FORMATS else {}
    return {"type": "string", "pattern": f"^({_PATTERNS[kind]})$", **format_}


_TEXTS = {kind: _text(kind) for kind in ("guid", "string", "date", "datetime", "year")}
_TEXTS["uri"] = {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$"}
