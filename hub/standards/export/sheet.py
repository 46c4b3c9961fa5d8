"""One spec as a reader needs it: its fields with type, limits, key, references, vocabulary and privacy class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.model import Severity
from hub.standards.export.catalog import Item


@dataclass(frozen=True)
class Line:
    """One field. `name` is its path: `addresses[].city` is a field of each item of the list `addresses`.

    `limits` are lengths in characters and ranges of numbers; `references` the spec that the value names;
    `vocabulary` the descriptor or the listed values; `pii` the privacy class; `source` where the value stands in an
    XML document.
    """

    name: str
    type: str
    required: bool = False
    limits: str = ""
    key: bool = False
    references: str = ""
    vocabulary: str = ""
    pii: str = ""
    source: str = ""


@dataclass(frozen=True)
class Asked:
    """A rule of the library that looks at this spec, and where."""

    rule: str
    severity: Severity
    columns: str
    sentence: str


@dataclass(frozen=True)
class Sheet:
    """`facts` are the spec's own properties, `codes` the default codes of a descriptor."""

    item: Item
    facts: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[Line, ...] = ()
    rules: tuple[Asked, ...] = ()
    codes: tuple[str, ...] = ()
