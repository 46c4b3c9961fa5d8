"""Held rows by place: which file, row and field, by which rule, and since which run. Never the value."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Table, and_, func, literal, select

from hub.store.connect import Store, reading
from hub.store.ledger_tables import HELD

#: Column of held.parquet -> column of hub_held.
HELD_COLUMNS = {
    "_source": "source",
    "_stream": "stream",
    "_file": "file",
    "_row": "row",
    "_seq": "seq",
    "entity": "entity",
    "field": "field",
    "rule": "rule",
}


@dataclass(frozen=True)
class HeldRow:
    """One fault that keeps one row out of the record. `row` 0 stands for the file as a whole."""

    year: int
    source: str
    stream: str
    file: str
    row: int
    entity: str
    field: str
    rule: str
    since_run: str


def held_rows(
    store: Store,
    year: int | None = None,
    source: str | None = None,
    rule: str | None = None,
    limit: int | None = 1000,
) -> list[HeldRow]:
    """The rows held now, by source, file and row. `limit` None gives all."""
    columns = [HELD.c[name] for name in HeldRow.__dataclass_fields__]
    query = select(*columns).order_by(HELD.c.year.desc(), HELD.c.source, HELD.c.file, HELD.c.row, HELD.c.field)
    for column, wanted in ((HELD.c.year, year), (HELD.c.source, source), (HELD.c.rule, rule)):
        if wanted is not None:
            query = query.where(column == wanted)
    with reading(store) as connection:
        return [HeldRow(*row) for row in connection.execute(query.limit(limit))]


def replace_held(connection: Connection, year: int, run: str, staged: Table | None) -> int:
    """Make `staged` (columns of hub_held that held.parquet knows) the open held rows of the year; returns how many.

    A fault that was open before at the same place keeps the run since which it is open.
    """
    inserted = 0
    if staged is not None:
        new = select(
            *(func.coalesce(staged.c[n], 0 if n in ("row", "seq") else "").label(n) for n in HELD_COLUMNS.values())
        ).subquery()
        old = HELD.alias("old")
        same = and_(old.c.year == year, old.c.run != run, *(old.c[n] == new.c[n] for n in HELD_COLUMNS.values()))
        since = func.min(func.coalesce(old.c.since_run, run))
        query = (
            select(literal(year), literal(run), since, *new.c).select_from(new.outerjoin(old, same)).group_by(*new.c)
        )
        names = ["year", "run", "since_run", *HELD_COLUMNS.values()]
        inserted = connection.execute(HELD.insert().from_select(names, query)).rowcount
    connection.execute(HELD.delete().where(HELD.c.year == year, HELD.c.run != run))
    return inserted
