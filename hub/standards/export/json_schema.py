"""The body of a resource as JSON Schema (draft 2020-12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.model import Field
from hub.standards.bodies import Body, Property

_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "descriptor": {"type": "string", "pattern": "^[^#]+#.+$", "maxLength": 306},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "datetime": {"type": "string", "format": "date-time"},
}
_LIMITS = {"max_length": "maxLength", "min_length": "minLength", "minimum": "minimum", "maximum": "maximum"}
#: Written by a server, dropped when sent.
READ_ONLY = ("id", "_etag", "_lastModifiedDate", "link")


def json_schema(body: Body, version: str) -> dict[str, Any]:
    """The schema of one resource; unknown properties are refused, `_ext` is left to extensions."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hub:ed-fi:{version}:{body.resource}",
        "title": f"{body.entity}, Ed-Fi Data Standard {version}",
        "x-natural-key": list(body.key),
        **_object(body.properties),
    }


def _object(properties: Sequence[Property]) -> dict[str, Any]:
    parts = {p.name: _property(p) if p.required else _or_null(_property(p)) for p in properties}
    said: dict[str, Any] = {"type": "object", "properties": parts}
    said["properties"]["_ext"] = {"type": "object"}
    required = [p.name for p in properties if p.required]
    if required:
        said["required"] = required
    said["additionalProperties"] = False
    return said


def _property(said: Property) -> dict[str, Any]:
    if said.form == "list":
        return {"type": "array", "items": _object(said.within), **({"minItems": 1} if said.required else {})}
    if said.field is None:
        target = {"x-references": said.target} if said.target else {}
        return {**_object(said.within), **target}
    return value_schema(said.field)


def _or_null(said: dict[str, Any]) -> dict[str, Any]:
    """Null stands for an optional property that is not there."""
    listed = {"enum": [*said["enum"], None]} if "enum" in said else {}
    return {**said, "type": [said["type"], "null"], **listed}


def value_schema(field: Field) -> dict[str, Any]:
    """What a plain value may be."""
    said = dict(_TYPES[field.type])
    if field.type == "descriptor":
        said["x-descriptor"] = field.of
    for own, word in _LIMITS.items():
        limit = getattr(field, own)
        if limit is not None:
            said[word] = limit
    if field.pattern:
        said["pattern"] = f"^(?:{field.pattern})$"
    if field.values:
        said["enum"] = list(field.values)
    return said
