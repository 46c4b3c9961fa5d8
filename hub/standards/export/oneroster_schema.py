"""A row of a OneRoster CSV file as JSON Schema: an object of texts, as a CSV reader gives them."""

from __future__ import annotations

import re
from typing import Any

from hub.standards.validation.oneroster_layout import Column, FileLayout

_GUID = "[0-9A-Za-z._/@-]{1,255}"
_ITEM = r"[^\s,]([^,]*[^\s,])?"
_EXTENSION = "ext:[A-Za-z0-9._-]+"
_PATTERNS = {
    "guid": _GUID,
    "reference": _GUID,
    "string": r"[\s\S]*\S[\s\S]*",
    "date": r"\d{4}-\d\d-\d\d",
    "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
    "integer": "-?[0-9]+",
    "float": r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?",
    "year": "[0-9]{4}",
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
        listed = [re.escape(v) for v in column.values] + ([_EXTENSION] if column.extensible else [])
        one = "|".join(listed)
    else:
        one = _ITEM if column.many and column.kind == "string" else _PATTERNS[column.kind]
    format_ = {} if column.many or column.kind not in _FORMATS else {"format": _FORMATS[column.kind]}
    return {"pattern": f"^({one})(,({one}))*$" if column.many else f"^({one})$", **format_}
