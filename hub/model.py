"""The frozen nouns of the hub. No behaviour beyond reading themselves; imported by every room, imports none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

Severity = Literal["error", "warning"]
Status = Literal["fresh", "unchanged", "failed", "refused", "nothing_landed"]
Delivery = Literal["full", "delta", "append"]
Scope = Literal["full", "delta"]
FieldType = Literal[
    "string", "integer", "number", "boolean", "date", "time", "datetime", "descriptor", "list", "object"
]

#: Columns that travel beside an entity's fields from `normalize` on. None holds a student's value.
PROVENANCE = ("_source", "_stream", "_file", "_row", "_seq")
#: Columns that `unify` adds: md5 of the canonical natural key, md5 of the canonical row, JSON {field: source}.
RECORD = ("_key", "_hash", "_field_sources")


@dataclass(frozen=True)
class Slice:
    """District x school year: what is landed, checked and published together. `year` is the year in which it ends."""

    district: str
    year: int

    @property
    def partition(self) -> str:
        return f"{self.district}|{self.year}"


@dataclass(frozen=True)
class Field:
    """One field of an entity. `xml` is the element path in a bulk interchange document; `items` for list and object."""

    name: str
    type: FieldType
    required: bool = False
    max_length: int | None = None
    min_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    of: str | None = None  # descriptor type, as in "GradeLevelDescriptor"
    values: tuple[str, ...] = ()
    items: tuple[Field, ...] = ()
    xml: str = ""
    pii: str = ""  # privacy class: "", "identifier", "direct" or "sensitive"


@dataclass(frozen=True)
class Reference:
    """`fields` maps this entity's field to the target's key field."""

    name: str
    entity: str
    fields: tuple[tuple[str, str], ...]
    required: bool = False


@dataclass(frozen=True)
class Expectation:
    """One Great Expectations expectation of an entity: `type` and `kwargs` are GX's own words."""

    rule: str
    type: str
    kwargs: dict[str, Any]
    severity: Severity = "warning"


@dataclass(frozen=True)
class Entity:
    """An Ed-Fi domain entity, association or descriptor. `key` is the natural key, in the order of the standard."""

    name: str  # StudentSectionAssociation
    resource: str  # studentSectionAssociations
    kind: Literal["domain", "association", "descriptor"]
    standard: str  # "5.2" or "6.1"
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    references: tuple[Reference, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    unify: tuple[tuple[str, str], ...] = ()  # field -> rule, where it is not "authority"
    subclass_of: str = ""  # School is an EducationOrganization: references to the base accept it

    def field(self, name: str) -> Field:
        return next(f for f in self.fields if f.name == name)


@dataclass(frozen=True)
class Stream:
    """One kind of file or collection of a source and how its bytes become columns."""

    name: str
    format: Literal["csv", "fixed-width", "excel", "json", "edfi-xml", "edfi-json", "oneroster-csv"]
    pattern: str
    delivery: Delivery
    columns: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapping:
    """How one entity is made out of one or more streams: `rows` is a plain SELECT, `fields` are verbs."""

    entity: str
    stream: str
    rows: str
    fields: dict[str, Any]
    complete: dict[str, str] = field(default_factory=dict)  # reference the source gives in part -> date field or ""
    checks: dict[str, Any] = field(default_factory=dict)  # verbs read for their faults and repairs only
    needs: tuple[str, ...] = ()  # streams without which this mapping does not speak
    without: tuple[str, ...] = ()  # streams with which it does not


@dataclass(frozen=True)
class Table:
    """A SELECT that several mappings read: made once. `fields` are verbs added to its columns, `repairs` name flags."""

    name: str
    rows: str
    fields: dict[str, Any]
    repairs: dict[str, str] = field(default_factory=dict)  # rule -> boolean column that marks a mended row


@dataclass(frozen=True)
class Source:
    """A vendor as data: `schemas/sources/<vendor>/`."""

    vendor: str
    title: str
    authority: int  # lower wins where two sources give the same field
    streams: tuple[Stream, ...]
    mappings: tuple[Mapping, ...]
    crosswalks: dict[str, dict[str, tuple[str, str]]]  # code -> (value, repair rule or "")
    options: dict[str, Any]
    ignored: dict[str, dict[str, str]]  # stream -> column -> reason
    tables: tuple[Table, ...] = ()
    namespaces: tuple[str, ...] = ()  # of the vendor's own descriptors
    lists: dict[str, tuple[dict[str, str], ...]] = field(default_factory=dict)  # tables of the folder, by name
    transport: dict[str, Any] = field(default_factory=dict)  # how to ask the vendor; `kind` names the connector


@dataclass(frozen=True)
class Rule:
    """An entry of the rule library, `schemas/rules/`.

    A rule with a `stage` is one of the validator: `severity` is that of a tolerant importer (the nightly path),
    `strict` that of a certification where it differs. `check` holds SELECTs that find the rows which break it.
    """

    id: str
    severity: Severity
    authority: str
    sentence: str
    remedy: str
    owner: Literal["vendor", "district", "hub"] = "vendor"
    stage: str = ""
    strict: Literal["", "error", "warning", "off"] = ""
    check: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class StreamEnd:
    """A connector has given all there is of a stream. Absence means deleted only where the scope is full.

    `cursor` is JSON: kept with the delivery, it says next night where changes since this one begin.
    """

    stream: str
    scope: Scope
    cursor: Any = None


@dataclass(frozen=True)
class StreamAgain:
    """What a connector has given of a stream so far does not count: it starts anew."""

    stream: str


class Piece(Protocol):
    """One file or one page of a stream, landed before the next is asked for. `open` may be called more than once.

    `name` is its path in the landing; `size` in bytes where it is known before reading. `stream` is "" where the
    name or header tells. `position` is JSON: where its stream goes on after it, None where a pull that is cut off
    starts again.
    """

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int | None: ...
    @property
    def stream(self) -> str: ...
    @property
    def position(self) -> Any: ...
    def open(self) -> BinaryIO: ...


@dataclass(frozen=True)
class OpenedFile:
    """One landed file (or zip member) on disk: `name` as the vendor named it, `sha256` of its bytes.

    `stream` is the one it was asked for, or "" where its name or header tells.
    """

    name: str
    path: Path
    sha256: str
    stream: str = ""


@dataclass(frozen=True)
class OpenedDelivery:
    """One delivery with its files on disk; `seq` orders the deliveries of a source.

    `scopes` has the streams that a connector asked for: full, or changes since an earlier delivery.
    """

    seq: int
    received: datetime
    files: tuple[OpenedFile, ...]
    scopes: dict[str, Scope] = field(default_factory=dict)


# ---------------------------------------------------------------- what a run leaves behind (all JSON-able, no values)


@dataclass(frozen=True)
class LandedFile:
    name: str  # as the vendor named it; inside a zip: member name
    sha256: str
    size: int  # bytes
    rows: int | None = None
    stream: str = ""  # that it was asked for; "" where its name or header tells


@dataclass(frozen=True)
class Proposal:
    """What a file is probably, whose name or header the vendor's folder does not know. Nothing reads it so until a
    person has confirmed it (`hub source adopt`).

    `columns` is the file's name -> the layout's, `pattern` a regular expression for the name, "" where the name is
    known; both are written to `document`. `lost` are needed columns that look like none of the `unknown` ones.
    """

    file: str
    stream: str
    layout: str  # version
    document: str  # as in sources/<vendor>/source.yaml beside hub.yaml
    columns: dict[str, str] = field(default_factory=dict)
    pattern: str = ""
    lost: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceOutcome:
    """What one source did tonight. `state` names the SourceState that the record was built from.

    `baseline` names the last one at whose publish no row of the source stood unconfirmed: a row that could not be read
    then and cannot be read now hides nothing that is published (docs/decisions/0006).
    """

    source: str
    vendor: str
    status: Status
    message: str = ""
    remedy: str = ""
    owner: str = ""
    received: datetime | None = None  # of the newest delivery in use
    files: tuple[LandedFile, ...] = ()
    repairs: dict[str, int] = field(default_factory=dict)  # rule -> rows repaired
    state: str = ""
    baseline: str = ""
    proposals: tuple[Proposal, ...] = ()


@dataclass(frozen=True)
class Count:
    """Law of conservation: rows_in == accepted + held + sum(ignored.values())."""

    step: Literal["normalize", "check", "unify", "publish"]
    source: str
    stream: str
    entity: str  # "" for the rows of a stream
    rows_in: int
    accepted: int
    held: int
    ignored: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleResult:
    rule: str
    severity: Severity
    source: str
    entity: str
    checked: int
    failed: int


@dataclass(frozen=True)
class Change:
    """after == before + added - removed; unchanged == before - changed - removed.

    `kept` of the unchanged stand from an earlier night, as the row that should confirm them tonight is held.
    """

    entity: str
    before: int
    added: int
    changed: int
    removed: int
    kept: int = 0

    @property
    def after(self) -> int:
        return self.before + self.added - self.removed

    @property
    def unchanged(self) -> int:
        return self.before - self.changed - self.removed


@dataclass(frozen=True)
class HeldCount:
    source: str
    entity: str
    field: str
    rule: str
    rows: int


@dataclass(frozen=True)
class Kept:
    """Published rows of `source` that stay although their row is held tonight; `since`: the run that last saw one.

    `source` is "" for rows that nobody sends any more and that stay as the district only adds for now."""

    entity: str
    source: str
    rows: int
    since: str


@dataclass(frozen=True)
class Breach:
    """A guard that holds this publish. `share` is of the rows published before, 0 to 1.

    `source` where the rows are those of a source that hub.yaml no longer names.
    """

    entity: str
    kind: Literal["removed", "changed"]
    rows: int
    share: float
    limit: float
    source: str = ""


@dataclass(frozen=True)
class Run:
    """The summary of one run of one slice: the ledger keeps it, the report and the command line show it."""

    id: str  # sortable: 20261122T020000Z-<6 hex>
    district: str
    year: int
    started: datetime
    finished: datetime | None
    status: Literal["published", "unchanged", "held", "discarded", "approved", "failed"]
    sources: tuple[SourceOutcome, ...] = ()
    counts: tuple[Count, ...] = ()
    rules: tuple[RuleResult, ...] = ()
    changes: tuple[Change, ...] = ()
    held: tuple[HeldCount, ...] = ()
    kept: tuple[Kept, ...] = ()
    breaches: tuple[Breach, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)  # hub, specs (hash), rules (hash), standards
    message: str = ""
