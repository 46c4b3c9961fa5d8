"""What one row cannot know alone: its key, its twins and whether what it points at exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis

from hub.engine import keep, stacked
from hub.model import Entity

PLACE = ("_source", "_stream", "_file", "_row", "_seq")
Expr = Any


def canonical_text(column: Expr) -> Expr:
    """One text per value, the same on every engine."""
    return (column if column.type().is_string() else column.cast("string")).fill_null("")


def digest(rows: Any, columns: Sequence[str]) -> Expr:
    """md5 hex of the columns' canonical text, joined by the unit separator."""
    return ibis.literal("\x1f").join([canonical_text(rows[c]) for c in columns]).hexdigest("md5")


def with_digests(rows: Any, entity: Entity) -> Any:
    """Adds `_key` (natural key) and `_hash` (all fields; provenance is not content)."""
    return rows.mutate(_key=digest(rows, entity.key), _hash=digest(rows, [f.name for f in entity.fields]))


@dataclass
class Checked:
    """Totals of one entity over all sources; `held` are ibis tables with the held rows' places."""

    rows_in: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, dict[str, int]] = field(default_factory=dict)
    held: list[Any] = field(default_factory=list)


def drop_twins(con: Any, table: str, entity: Entity, checked: Checked) -> None:
    """One row per key and source: a later delivery supersedes, equal rows collapse, rows that disagree are all held."""
    rows = con.table(table)
    counted = rows.group_by("_source", "_key").aggregate(n=rows.count())
    many = counted.filter(counted["n"] > 1).select("_source", "_key")
    if not con.execute(many.limit(1).count()):
        return
    keep(con, "twins", rows.semi_join(many, ["_source", "_key"]))
    twins = con.table("twins")
    by_key = {"group_by": [twins["_source"], twins["_key"]]}
    latest = twins.mutate(newest=twins["_seq"].max().over(**by_key))
    current = latest.filter(latest["_seq"] == latest["newest"])
    window = {"group_by": [current["_source"], current["_key"]]}
    judged = current.mutate(
        low=current["_hash"].min().over(**window),
        high=current["_hash"].max().over(**window),
        nth=ibis.row_number().over(**window, order_by=[current["_file"], current["_row"]]),
    )
    keep(con, "judged", judged)
    judged = con.table("judged")
    one = judged.filter((judged["low"] == judged["high"]) & (judged["nth"] == 0))
    equal = judged.filter((judged["low"] == judged["high"]) & (judged["nth"] > 0))
    differ = judged.filter(judged["low"] != judged["high"])
    _ignore(con, checked, latest.filter(latest["_seq"] < latest["newest"]), "key.superseded")
    _ignore(con, checked, equal, "key.duplicate_identical")
    hold(con, checked, differ, entity, entity.key[0], "key.duplicate", "held_twins")
    single = rows.anti_join(many, ["_source", "_key"])
    keep(con, f"{table}_one", ibis.union(single, one.select(*rows.columns)))
    _replace(con, table, f"{table}_one")


def resolve_references(
    con: Any,
    table: str,
    entity: Entity,
    targets: dict[str, Sequence[Any]],
    entities: dict[str, Entity],
    checked: Checked,
) -> None:
    """Holds rows whose reference (all its fields given) is no key of the target, in this run or ever published.

    `targets` gives for an entity the tables of `_key` that count; one that is not the hub's own is not checked.
    """
    for number, reference in enumerate(entity.references):
        target = entities.get(reference.entity)
        known = targets.get(reference.entity)
        if target is None or known is None:
            continue
        rows = con.table(table)
        local = {theirs: mine for mine, theirs in reference.fields}
        columns = [local[k] for k in target.key if k in local]
        if len(columns) != len(target.key):
            continue
        given = rows.filter([rows[c].notnull() for c in columns])
        pointed = given.mutate(_ref=digest(given, columns))
        keys = (stacked(known)).select(_ref="_key")
        loose = pointed.anti_join(keys, "_ref")
        name = f"loose_{number}"
        keep(con, name, loose.drop("_ref"))
        if con.execute(con.table(name).count()):
            hold(con, checked, con.table(name), entity, reference.name, "reference.unresolved", f"held_{name}")
            kept = con.table(table).anti_join(con.table(name), ["_source", "_key"])
            keep(con, f"{table}_kept", kept)
            _replace(con, table, f"{table}_kept")
        con.drop_table(name, force=True)


def hold(con: Any, checked: Checked, rows: Any, entity: Entity, column: str, rule: str, name: str) -> None:
    """Remembers the rows' places under `rule`."""
    places = rows.select(*PLACE, entity=ibis.literal(entity.name), field=ibis.literal(column), rule=ibis.literal(rule))
    table = f"{name}_{entity.name}"
    keep(con, table, places)
    if con.execute(con.table(table).count()):
        checked.held.append(con.table(table))


def count_by_source(con: Any, rows: Any) -> dict[str, int]:
    found = con.to_pyarrow(rows.group_by("_source").aggregate(n=rows.count())).to_pylist()
    return {r["_source"]: int(r["n"]) for r in found}


def _ignore(con: Any, checked: Checked, rows: Any, reason: str) -> None:
    for source, count in count_by_source(con, rows).items():
        checked.ignored.setdefault(source, {})[reason] = count


def _replace(con: Any, table: str, by: str) -> None:
    con.drop_table(table, force=True)
    keep(con, table, con.table(by))
    con.drop_table(by, force=True)
