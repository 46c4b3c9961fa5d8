"""Keys and references of a package: a sourcedId stands once in its file, and what refers to it finds it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sqlglot.expressions as sge

from hub.engine import keep
from hub.standards.validation.oneroster_cells import GUID
from hub.standards.validation.oneroster_layout import Column
from hub.standards.validation.oneroster_read import Table, first_rows
from hub.standards.validation.profiles import Judge
from hub.standards.validation.sql_tree import create, fill

_ONE = "SELECT _row, said AS raw FROM living WHERE said IS NOT NULL"
_MANY = """SELECT DISTINCT _row, raw FROM (SELECT _row, trim(unnest(string_split(said, ','))) AS raw FROM living)
    WHERE raw <> ''"""
_LOOSE = "SELECT r._row, r.raw FROM refers r ANTI JOIN ids t ON t.sourcedId = r.raw"
_COUNT = "SELECT count(*), count(*) FILTER (WHERE NOT guid) FROM loose"
_PLACES = "SELECT _row, guid AS _guid FROM loose"


def judge_keys(con: Any, judge: Judge, table: Table) -> None:
    """OneRoster CSV binding: sourcedId is unique in its file. The first of several rows is the good one."""
    if not table.twins:
        return
    rows = con.table(table.rows)
    ids = rows["sourcedId"]
    many = rows.filter(ids.notnull()).group_by("sourcedId").aggregate(_first=rows["_row"].min(), _n=ids.count())
    twins = keep(con, "twins", many.filter(many["_n"] > 1))
    later = rows.inner_join(twins, "sourcedId").filter(lambda t: t["_row"] > t["_first"])
    count = int(con.to_pyarrow(later.count()).as_py())
    judge.find("oneroster.key.duplicate", table.source.name, "sourcedId", _rows(con, judge, later, count), count)


def judge_references(
    con: Any, judge: Judge, tables: Mapping[str, Table], known: Mapping[str, Table], *, packaged: bool
) -> int:
    """OneRoster CSV binding: a bulk set defines all it refers to; a delta may refer to what is known already.

    `known` are tables of an earlier package. Returns how many references of deltas could not be judged.
    """
    unjudged = 0
    for table in tables.values():
        for column in table.source.columns:
            if column.to and column.name in table.columns:
                unjudged += _judge_column(con, judge, tables, known, table, column, packaged)
    return unjudged


def _judge_column(
    con: Any,
    judge: Judge,
    tables: Mapping[str, Table],
    known: Mapping[str, Table],
    table: Table,
    column: Column,
    packaged: bool,
) -> int:
    target = tables.get(column.to)
    ids = [t.rows for t in (target, known.get(column.to)) if t and "sourcedId" in t.columns]
    counting, placing = _statements(column.many, table.living, column.name, tuple(ids))
    every, bad = con.raw_sql(counting).fetchone()
    if not every:
        return 0
    con.raw_sql(placing)
    rows, unresolved = con.table("loose"), every - bad
    file, name = table.source.name, column.name
    judge.find("oneroster.type.guid", file, name, _rows(con, judge, rows.filter(~rows["_guid"]), bad), bad)
    delta = "delta" in (table.source.mode, target.source.mode if target else "")
    if (delta and not known) or (not ids and not packaged):
        return int(unresolved)
    rule = "oneroster.reference.unresolved" if ids else "oneroster.reference.missing_file"
    places = _rows(con, judge, rows.filter(rows["_guid"]), unresolved)
    judge.find(rule, file, name, places, unresolved, f"It refers to {column.to}.csv.")
    return 0


@lru_cache(maxsize=512)
def _statements(many: bool, living: str, column: str, ids: tuple[str, ...]) -> tuple[str, str]:
    """What counts the references of a column that find no id, and what makes the view `loose` of them."""
    loose = fill(_MANY if many else _ONE, living=living, said=column)
    for name in ids:
        loose = fill(_LOOSE, refers=loose.subquery(), ids=name)
    counting = fill(_COUNT, loose=loose.subquery(), guid=sge.paren(fill(GUID))).sql("duckdb")
    return counting, create("VIEW", "loose", fill(_PLACES, loose=loose.subquery(), guid=fill(GUID)))


def judge_cycles(con: Any, judge: Judge, table: Table) -> None:
    """parentSourcedId is a hierarchy: each step doubles how far up is looked, so any chain ends within log2(n)."""
    column = next((c for c in table.source.columns if c.to == table.source.layout.name and "parent" in c.name), None)
    if column is None or column.name not in table.columns:
        return
    rows = con.table(table.living)
    start = rows.filter(rows[column.name].notnull()).select("_row", "sourcedId", up=rows[column.name])
    climbing, count = keep(con, "climb0", start), -1
    for step in range(1, table.accepted.bit_length() + 2):
        count = int(con.to_pyarrow(climbing.count()).as_py())
        if not count:
            return
        above = climbing.select("sourcedId", higher="up").distinct(on="sourcedId")
        joined = climbing.inner_join(above, climbing["up"] == above["sourcedId"])
        climbing = keep(con, f"climb{step % 2}", joined.select("_row", sourcedId=climbing["sourcedId"], up="higher"))
    count = int(con.to_pyarrow(climbing.count()).as_py())
    places = _rows(con, judge, climbing, count)
    judge.find("oneroster.semantic.parent_cycle", table.source.name, column.name, places, count)


def _rows(con: Any, judge: Judge, rows: Any, count: int) -> list[int]:
    return first_rows(con, rows, judge.max_per_rule) if count else []
