"""Looking back: what was published at any instant, one student's record, what a run changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, literal, or_, select, union_all

from hub.errors import FixConfiguration
from hub.model import Entity
from hub.store.connect import Store, reading
from hub.store.files import BATCH
from hub.store.tables import STUDENT, columns_of

Kind = Literal["added", "changed", "removed"]

#: What stands beside the fields of a row that history gives back.
ROW_PROVENANCE = (
    "_year",
    "_source",
    "_file",
    "_row",
    "_field_sources",
    "_run",
    "_ended_run",
    "_valid_from",
    "_valid_to",
)


def as_of(store: Store, entity: str, when: datetime | None, where: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of `entity` as published at `when` (with time zone; None: now), whose fields equal `where`.

    Keys of `where` and of each row are the standard's field names, and `_year` and the other provenance columns.
    List and object come back as Python values. Raises FixConfiguration for a name the entity does not have.
    """
    with reading(store) as connection:
        return list(_rows(store, connection, entity, when, where))


def student_record(
    store: Store, student_unique_id: str, when: datetime | None = None, year: int | None = None
) -> dict[str, list[dict[str, Any]]]:
    """{entity: rows} of one student over all entities that name one, each row with its provenance.

    `year`: the school year; without it the latest in which the student has a row. Empty for an unknown student.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    where: dict[str, Any] = {STUDENT: student_unique_id} | ({} if year is None else {"_year": year})
    with reading(store) as connection:
        for name, entity in store.entities.items():
            if any(field.name == STUDENT for field in entity.fields):
                found[name] = list(_rows(store, connection, name, when, where))
    latest = max((row["_year"] for rows in found.values() for row in rows), default=None)
    kept = {name: [row for row in rows if row["_year"] == latest] for name, rows in found.items()}
    return {name: rows for name, rows in kept.items() if rows}


def change_feed(store: Store, run_id: str) -> Iterator[tuple[str, Kind, dict[str, Any]]]:
    """(entity, change, {key field: value}) of every row that run `run_id` changed, by entity."""
    with reading(store) as connection:
        for name in sorted(store.entities):
            table, columns = store.table(name), columns_of(store.entities[name])
            fields = [field for field in store.entities[name].key if field in columns]
            shown = [table.c[columns[field]] for field in fields]
            begun = select(literal(1).label("begins"), table.c._year, table.c._key, *shown).where(
                table.c._run == run_id
            )
            ended = select(literal(0), table.c._year, table.c._key, *shown).where(table.c._ended_run == run_id)
            # One sorted pass: a key that ends and begins in the same run has changed.
            query = union_all(begun, ended).order_by("_year", "_key", "begins").execution_options(yield_per=BATCH)
            for _, versions in groupby(connection.execute(query), key=lambda row: (row[1], row[2])):
                *before, (begins, _, _, *values) = versions
                kind: Kind = "changed" if before else "added" if begins else "removed"
                yield name, kind, dict(zip(fields, values, strict=True))


def _rows(
    store: Store, connection: Connection, name: str, when: datetime | None, where: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    table, entity = store.table(name), store.entities[name]
    names = columns_of(entity) | {column: column for column in ROW_PROVENANCE}
    if unknown := sorted(where.keys() - names.keys()):
        raise FixConfiguration(f"{name} has no field {', '.join(unknown)}.", "Use the standard's field names.")
    valid: ColumnElement[bool] = table.c._valid_to.is_(None)
    if when is not None:
        valid = and_(table.c._valid_from <= when, or_(table.c._valid_to.is_(None), table.c._valid_to > when))
    query = select(*(table.c[column].label(field) for field, column in names.items())).where(
        valid, *(table.c[names[field]] == value for field, value in where.items())
    )
    nested = _nested(entity)
    for row in connection.execute(query.order_by(table.c._year, table.c._key)).mappings():
        yield {field: json.loads(v) if field in nested and v is not None else v for field, v in row.items()}


def _nested(entity: Entity) -> set[str]:
    return {field.name for field in entity.fields if field.type in ("list", "object")} | {"_field_sources"}
