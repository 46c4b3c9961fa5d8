"""One table per entity, generated from its spec, with provenance and history in the same table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    select,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from hub.errors import FixConfiguration
from hub.model import Entity, Field
from hub.store.naming import refuse_twins, shortened, snake


class Instant(TypeDecorator[datetime]):
    """A point in time, always UTC. SQLite keeps no time zone, so it is taken off and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


#: Lengths are checked before the store, so text is TEXT: a longer field in a newer standard needs no migration.
_TYPES: dict[str, type[TypeEngine[Any]]] = {
    "string": Text,
    "descriptor": Text,
    "time": Text,
    "datetime": Text,
    "list": Text,
    "object": Text,
    "integer": BigInteger,
    "number": Double,
    "boolean": Boolean,
    "date": Date,
}

#: What the record brings along (same name in parquet), then what publish adds.
RECORD_COLUMNS: dict[str, type[TypeEngine[Any]]] = {
    "_key": Text,
    "_hash": Text,
    "_source": Text,
    "_file": Text,
    "_row": BigInteger,
    "_field_sources": Text,
}
STUDENT = "studentUniqueId"


def column_type(field: Field) -> TypeEngine[Any]:
    """The column type of a field. List and object are compact JSON text."""
    return _TYPES[field.type]()


def columns_of(entity: Entity) -> dict[str, str]:
    """{field name in the standard: column name}, in the order of the spec; raises FixConfiguration on twins."""
    names = {field.name: snake(field.name) for field in entity.fields}
    refuse_twins(names.items(), f"{entity.name}: field")
    return names


def table_name(entity: str) -> str:
    return snake(entity)


def view_name(entity: str) -> str:
    return shortened(f"{snake(entity)}_current")


def refuse_name_clashes(entities: Iterable[str]) -> None:
    """Raise FixConfiguration where two entities, or an entity and a view, would share a name in the database."""
    names = list(entities)
    refuse_twins([(n, table_name(n)) for n in names] + [(f"{n} (current)", view_name(n)) for n in names], "Entity")
    for name in names:
        if table_name(name).startswith("hub_"):
            raise FixConfiguration(f"Entity {name} would be stored among the hub's own tables.", "Rename it.")


def entity_table(entity: Entity, metadata: MetaData) -> Table:
    """The table of `entity` in `metadata`, made on first call. Every field is nullable: a later spec adds columns."""
    name = table_name(entity.name)
    if name in metadata.tables:
        return metadata.tables[name]
    types = {field.name: column_type(field) for field in entity.fields}
    fields = columns_of(entity)
    table = Table(
        name,
        metadata,
        *(Column(column, types[field]) for field, column in fields.items()),
        Column("_year", Integer, nullable=False),
        *(Column(c, t(), nullable=c not in ("_key", "_hash")) for c, t in RECORD_COLUMNS.items()),
        Column("_run", Text, nullable=False),
        Column("_ended_run", Text),
        Column("_valid_from", Instant(), nullable=False),
        Column("_valid_to", Instant()),
    )
    current = table.c._valid_to.is_(None)
    ended = table.c._ended_run.is_not(None)
    Index(
        shortened(f"ux_{name}"),
        table.c._year,
        table.c._key,
        unique=True,
        sqlite_where=current,
        postgresql_where=current,
    )
    Index(shortened(f"ix_{name}_run"), table.c._run)
    Index(shortened(f"ix_{name}_ended_run"), table.c._ended_run, sqlite_where=ended, postgresql_where=ended)
    if STUDENT in fields:
        Index(shortened(f"ix_{name}_student"), table.c[fields[STUDENT]])
    return table


def current_rows(table: Table) -> Select[Any]:
    """What the view `<table>_current` shows: the rows that have not ended."""
    hidden = ("_run", "_ended_run", "_valid_to")
    return select(*(c for c in table.c if c.name not in hidden)).where(table.c._valid_to.is_(None))
