"""Keys and references of a package: a sourcedId stands once in its file, and what refers to it finds it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sqlglot.expressions as sge

from hub.standards.oneroster_layout import Column
from hub.standards.validation.connection import Connection
from hub.standards.validation.findings import Known
from hub.standards.validation.oneroster_read import Table, first_rows
from hub.standards.validation.profiles import Judge
from hub.standards.validation.sql_tree import create, fill, select

_LATER = """SELECT t._row FROM held t JOIN (SELECT sourcedId, min(_row) AS first FROM held WHERE sourcedId IS NOT NULL
    GROUP BY sourcedId HAVING count(*) > 1) twins ON twins.sourcedId = t.sourcedId AND t._row > twins.first"""
#: IN, not a join: whatever the sizes, the file referred to is what is put into memory.
_LOST = "count(*) FILTER (WHERE NOT (said IN (SELECT sourcedId FROM ids WHERE sourcedId IS NOT NULL)))"
_ONE = "SELECT _row, said AS raw FROM living WHERE said IS NOT NULL"
_MANY = """SELECT DISTINCT _row, raw FROM (SELECT _row, trim(unnest(string_split(said, ','))) AS raw FROM listing)
    WHERE raw <> ''"""
#: Most lists have one item: what is an id as it stands need not be taken apart.
_LISTING = "SELECT _row, said FROM living WHERE NOT (said IN (SELECT sourcedId FROM ids WHERE sourcedId IS NOT NULL))"
_LOOSE = "SELECT r._row, r.raw FROM refers r ANTI JOIN ids t ON t.sourcedId = r.raw"
#: The record keeps an id that is too long for its field as its md5.
_DIGESTED = "SELECT r._row, r.raw FROM refers r ANTI JOIN ids t ON t.sourcedId = md5(r.raw)"
_GUID = "SELECT _row FROM loose WHERE is_guid(raw)"
_NO_GUID = "SELECT _row FROM loose WHERE NOT is_guid(raw)"

_PUBLISHED = "published__"
#: Columns whose targets the record keeps only in part: what they miss there may still be right.
UNKEPT = frozenset({"agentSourcedIds"})


def judge_keys(con: Connection, judge: Judge, table: Table) -> None:
    """OneRoster CSV binding: sourcedId is unique in its file. The first of several rows is the good one."""
    if table.twins:
        later = fill(_LATER, held=table.rows)
        count = _count(con, later)
        places = first_rows(con, later, judge.max_per_rule)
        judge.find("oneroster.key.duplicate", table.source.name, "sourcedId", places, count)


def judge_references(
    con: Connection,
    judge: Judge,
    tables: Mapping[str, Table],
    known: Mapping[str, Table],
    store: Known | None = None,
    *,
    packaged: bool,
) -> int:
    """OneRoster CSV binding: a bulk set defines all it refers to; a delta may refer to what is known already.

    `known` are tables of an earlier package, `store` says what is published. Returns how many references of deltas
    could not be judged.
    """
    unjudged = 0
    published = _published(con, store, tables) if store else {}
    for table in tables.values():
        refers = {}
        for column in table.source.columns:
            if column.to and column.name in table.columns:
                refers[column] = _where(tables, known, published, table, column, packaged)
        for column in _lost(con, table, refers):
            unjudged += _judge_column(con, judge, tables, known, published, table, column, refers[column], packaged)
    return unjudged


def _lost(con: Connection, table: Table, refers: Mapping[Column, tuple[str, ...]]) -> list[Column]:
    """The columns of a file that may refer to what is not there; those that surely do not cost one look at the file."""
    plain = tuple((c.name, ids[0]) for c, ids in refers.items() if len(ids) == 1 and not c.many)
    if not plain:
        return list(refers)
    lost = dict(zip((name for name, _ in plain), con.one(_looking(table.living, plain)), strict=True))
    return [c for c in refers if lost.get(c.name, 1)]


@lru_cache(maxsize=256)
def _looking(living: str, plain: tuple[tuple[str, str], ...]) -> str:
    counts = {column: fill(_LOST, said=column, ids=ids) for column, ids in plain}
    return str(select(counts, living).sql("duckdb"))


def _judge_column(
    con: Connection,
    judge: Judge,
    tables: Mapping[str, Table],
    known: Mapping[str, Table],
    published: Mapping[str, str],
    table: Table,
    column: Column,
    ids: tuple[str, ...],
    packaged: bool,
) -> int:
    con.run(_loose(column.many, table.living, column.name, ids))
    every, bad = con.one("SELECT count(*), count(*) FILTER (WHERE NOT is_guid(raw)) FROM loose")
    if not every:
        return 0
    unresolved, most = every - bad, judge.max_per_rule
    file, name = table.source.name, column.name
    judge.find("oneroster.type.guid", file, name, first_rows(con, fill(_NO_GUID), most) if bad else [], bad)
    told = bool(known) or (column.to in published and column.name not in UNKEPT)
    if (_in_delta(tables, table, column) and not told) or (not ids and not packaged):
        return int(unresolved)
    rule = "oneroster.reference.unresolved" if ids else "oneroster.reference.missing_file"
    places = first_rows(con, fill(_GUID), most) if unresolved else []
    judge.find(rule, file, name, places, unresolved, f"It refers to {column.to}.csv.")
    return 0


def _where(
    tables: Mapping[str, Table],
    known: Mapping[str, Table],
    published: Mapping[str, str],
    table: Table,
    column: Column,
    packaged: bool,
) -> tuple[str, ...]:
    """The tables of the ids that a column may refer to. A bulk set defines all of them itself."""
    ids = tuple(t.rows for t in (tables.get(column.to), known.get(column.to)) if t and "sourcedId" in t.columns)
    if column.to in published and (_in_delta(tables, table, column) or not packaged):
        ids += (published[column.to],)
    return ids


def _in_delta(tables: Mapping[str, Table], table: Table, column: Column) -> bool:
    target = tables.get(column.to)
    return "delta" in (table.source.mode, target.source.mode if target else "")


def _published(con: Connection, store: Known, tables: Mapping[str, Table]) -> dict[str, str]:
    """Views of the ids that are published, by the file they are of."""
    wanted = {c.to for t in tables.values() for c in t.source.columns if c.to and c.name in t.columns}
    found = {name: store(name) for name in sorted(wanted)}
    for name, path in found.items():
        if path is not None:
            con.plain.read_parquet(str(path)).create_view(f"{_PUBLISHED}{name}")
    return {name: f"{_PUBLISHED}{name}" for name, path in found.items() if path is not None}


@lru_cache(maxsize=512)
def _loose(many: bool, living: str, column: str, ids: tuple[str, ...]) -> str:
    """What makes the table `loose` of the references of a column that find no id."""
    if many:
        listing = fill(_LISTING, living=living, said=column, ids=ids[0]).subquery() if ids else living
        loose = fill(_MANY, listing=listing, said=column)
    else:
        loose = fill(_ONE, living=living, said=column)
    for name in ids:
        loose = fill(_LOOSE, refers=loose.subquery(), ids=name)
        if name.startswith(_PUBLISHED):
            loose = fill(_DIGESTED, refers=loose.subquery(), ids=name)
    return create("TABLE", "loose", loose)


_CLIMBING = "SELECT _row, sourcedId, said AS up FROM living WHERE said IS NOT NULL"
_HIGHER = """SELECT c._row, c.sourcedId, a.up FROM climbing c
    JOIN (SELECT DISTINCT ON (sourcedId) sourcedId, up FROM climbing) a ON a.sourcedId = c.up"""


def judge_cycles(con: Connection, judge: Judge, table: Table) -> None:
    """parentSourcedId is a hierarchy: each step doubles how far up is looked, so any chain ends within log2(n)."""
    column = next((c for c in table.source.columns if c.to == table.source.layout.name and "parent" in c.name), None)
    if column is None or column.name not in table.columns:
        return
    con.run(create("TABLE", "climbing", fill(_CLIMBING, living=table.living, said=column.name)))
    for _ in range(table.accepted.bit_length() + 1):
        if not _count(con, fill("FROM climbing")):
            return
        con.run(create("TABLE", "climbing", fill(_HIGHER)))
    count = _count(con, fill("FROM climbing"))
    places = first_rows(con, fill("SELECT _row FROM climbing"), judge.max_per_rule) if count else []
    judge.find("oneroster.semantic.parent_cycle", table.source.name, column.name, places, count)


def _count(con: Connection, query: Any) -> int:
    return int(con.one(sge.select("count(*)").from_(query.subquery(), copy=False).sql("duckdb"))[0])
