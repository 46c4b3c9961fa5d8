"""Keys and references of a package: a sourcedId stands once in its file, and what refers to it finds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from hub.engine import keep
from hub.standards.validation.oneroster_cells import is_guid
from hub.standards.validation.oneroster_layout import Column
from hub.standards.validation.oneroster_read import Table, first_rows
from hub.standards.validation.profiles import Judge


def judge_keys(con: Any, judge: Judge, table: Table) -> None:
    """OneRoster CSV binding: sourcedId is unique in its file. The first of several rows is the good one."""
    if "sourcedId" not in table.rows.columns:
        return
    ids = table.rows["sourcedId"]
    # Equal hashes can only hide no duplicate: fewer hashes than ids is what duplicates always show as.
    found = con.to_pyarrow(table.rows.aggregate(ids=ids.count(), hashes=ids.hash().nunique())).to_pylist()[0]
    if found["ids"] == found["hashes"]:
        return
    many = (
        table.rows.filter(ids.notnull())
        .group_by("sourcedId")
        .aggregate(_first=table.rows["_row"].min(), _n=ids.count())
    )
    twins = keep(con, "twins", many.filter(many["_n"] > 1))
    later = table.rows.inner_join(twins, "sourcedId").filter(lambda t: t["_row"] > t["_first"])
    count = int(con.to_pyarrow(later.count()).as_py())
    judge.find("oneroster.key.duplicate", table.source.name, "sourcedId", _rows(con, judge, later, count), count)


def judge_references(
    con: Any, judge: Judge, tables: Mapping[str, Table], known: Mapping[str, Table], *, packaged: bool
) -> int:
    """OneRoster CSV binding: a bulk set defines all it refers to; a delta may refer to what is known already.

    `known` are tables of an earlier package. Returns how many references of deltas could not be judged.
    """
    open_ends = 0
    for table in tables.values():
        for column in table.source.columns:
            if column.to and column.name in table.rows.columns:
                open_ends += _judge_column(con, judge, tables, known, table, column, packaged)
    return open_ends


def _judge_column(
    con: Any,
    judge: Judge,
    tables: Mapping[str, Table],
    known: Mapping[str, Table],
    table: Table,
    column: Column,
    packaged: bool,
) -> int:
    refers = _living(table).select("_row", to=_living(table)[column.name])
    if column.many:
        items = refers.mutate(to=refers["to"].split(",")).unnest("to")
        refers = items.mutate(to=items["to"].strip().nullif(""))
    refers = refers.filter(refers["to"].notnull())
    target = tables.get(column.to)
    ids = [t.rows.select("sourcedId") for t in (target, known.get(column.to)) if t and "sourcedId" in t.rows.columns]
    delta = "delta" in (table.source.mode, target.source.mode if target else "")
    if ids:
        every = ids[0] if len(ids) == 1 else ids[0].union(ids[1])
        refers = refers.anti_join(every, refers["to"] == every["sourcedId"])
    loose = keep(con, "loose", refers.mutate(_guid=is_guid(refers["to"])))
    counts = con.to_pyarrow(loose.aggregate(all=loose.count(), bad=(~loose["_guid"]).sum())).to_pylist()[0]
    bad, unresolved = int(counts["bad"] or 0), int(counts["all"]) - int(counts["bad"] or 0)
    name, file = table.source.name, column.name
    judge.find("oneroster.type.guid", name, file, _rows(con, judge, loose.filter(~loose["_guid"]), bad), bad)
    if not unresolved:
        return 0
    if delta and not (known and ids):
        return unresolved
    if not ids and not packaged:
        return unresolved
    rule = "oneroster.reference.unresolved" if ids else "oneroster.reference.missing_file"
    detail = f"It refers to {column.to}.csv."
    judge.find(rule, name, file, _rows(con, judge, loose.filter(loose["_guid"]), unresolved), unresolved, detail)
    return 0


def judge_cycles(con: Any, judge: Judge, table: Table) -> None:
    """parentSourcedId is a hierarchy: each step doubles how far up is looked, so any chain ends within log2(n)."""
    column = next((c for c in table.source.columns if c.to == table.source.layout.name and "parent" in c.name), None)
    if column is None or column.name not in table.rows.columns or not table.accepted:
        return
    rows = _living(table)
    start = rows.filter(rows[column.name].notnull()).select("_row", "sourcedId", up=rows[column.name])
    climbing = keep(con, "climb0", start)
    for step in range(1, table.accepted.bit_length() + 1):
        above = climbing.select(sourcedId="sourcedId", higher="up")
        if not con.to_pyarrow(climbing.count()).as_py():
            return
        joined = climbing.inner_join(above.distinct(on="sourcedId"), climbing["up"] == above["sourcedId"])
        climbing = keep(con, f"climb{step % 2}", joined.select("_row", "sourcedId", up="higher"))
    count = int(con.to_pyarrow(climbing.count()).as_py())
    judge.find(
        "oneroster.semantic.parent_cycle", table.source.name, column.name, _rows(con, judge, climbing, count), count
    )


def _living(table: Table) -> Any:
    """Without the rows of a delta that say a record is to be deleted."""
    if "_status" not in table.rows.columns:
        return table.rows
    return table.rows.filter(table.rows["_status"].fill_null("") != ibis.literal("tobedeleted"))


def _rows(con: Any, judge: Judge, rows: Any, count: int) -> list[int]:
    return first_rows(con, rows, judge.max_per_rule) if count else []
