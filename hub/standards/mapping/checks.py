"""What one row cannot know alone: its key, its twins and whether what it points at exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis

from hub.engine import keep, keep_counted, stacked
from hub.model import Entity

PLACE = ("_source", "_stream", "_file", "_row", "_seq")
Expr = Any


def canonical_text(column: Expr) -> Expr:
    """One text per value, the same on every engine."""
    return (column if column.type().is_string() else column.cast("string")).fill_null("")


def digest(rows: Any, columns: Sequence[str]) -> Expr:
    """md5 hex of the columns' canonical text, joined by the unit separator."""
    return ibis.literal("\x1f").join([canonical_text(rows[c]) for c in columns]).hexdigest("md5")


def same_thing(rows: Any, entity: Entity) -> Expr:
    """md5 hex of what makes two rows of a source speak of one thing: its key, and the ids of a person or reference
    still to be found. Where there is nothing to find it is the natural key's own digest."""
    key = [canonical_text(rows[f]) if f in rows.columns else ibis.literal("") for f in entity.key]
    ids = sorted(c for c in rows.columns if c.startswith("_id."))
    given = [rows[c].notnull().ifelse(ibis.literal(f"{c}=") + canonical_text(rows[c]) + "|", "") for c in ids]
    told = [ibis.literal("").concat(*given)] if given else []
    return ibis.literal("\x1f").join([*key, *told]).hexdigest("md5")


def with_digests(rows: Any, entity: Entity) -> Any:
    """Adds `_key` (natural key) and `_hash` (all fields; provenance is not content)."""
    return rows.mutate(_key=digest(rows, entity.key), _hash=digest(rows, [f.name for f in entity.fields]))


@dataclass
class Checked:
    """Totals of one entity over all sources; `held` are tables with the held rows' places."""

    entity: str
    rows_in: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, dict[str, int]] = field(default_factory=dict)
    held: list[Any] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)  # tables of PLACE and `_key` of held rows, null where not readable

    def hold(self, con: Any, places: Any, rows: Any = None) -> bool:
        """Keeps the places of held rows (columns PLACE, entity, field, rule); False when there are none.

        `rows` are those they were found among, with `_key`; without them the keys are not readable, or told apart.
        """
        table, found = keep_counted(con, f"held_{self.entity}_{len(self.held)}", places)
        if not found:
            return False
        self.held.append(table)
        if rows is not None:
            self.keys.append(keep(con, f"{table.get_name()}_keys", rows.semi_join(table, PLACE).select(*PLACE, "_key")))
        return True


def drop_twins(con: Any, rows: Any, entity: Entity, checked: Checked) -> Any:
    """One row per key and source: a later delivery supersedes, equal rows collapse, rows that disagree are all held."""
    counted = rows.group_by("_source", "_key").aggregate(n=rows.count())
    many, found = keep_counted(con, "many", counted.filter(counted["n"] > 1).select("_source", "_key"))
    if not found:
        return rows
    twins = keep(con, "twins", rows.semi_join(many, ["_source", "_key"]))
    latest = twins.mutate(newest=twins["_seq"].max().over(group_by=[twins["_source"], twins["_key"]]))
    current = latest.filter(latest["_seq"] == latest["newest"])
    window = {"group_by": [current["_source"], current["_key"]]}
    judged = keep(
        con,
        "judged",
        current.mutate(
            low=current["_hash"].min().over(**window),
            high=current["_hash"].max().over(**window),
            nth=ibis.row_number().over(**window, order_by=[current["_file"], current["_row"]]),
        ),
    )
    one = judged.filter((judged["low"] == judged["high"]) & (judged["nth"] == 0))
    equal = judged.filter((judged["low"] == judged["high"]) & (judged["nth"] > 0))
    _ignore(con, checked, latest.filter(latest["_seq"] < latest["newest"]), "key.superseded")
    _ignore(con, checked, equal, "key.duplicate_identical")
    differ = judged.filter(judged["low"] != judged["high"])
    checked.hold(con, _places(differ, entity, entity.key[0], "key.duplicate"), twins)
    single = rows.anti_join(many, ["_source", "_key"])
    return keep(con, rows.get_name(), stacked([single, one.select(*rows.columns)]))


def resolve_references(
    con: Any, rows: Any, entity: Entity, targets: dict[str, list[Any]], entities: dict[str, Entity], checked: Checked
) -> Any:
    """Holds rows with a reference (all its fields given) that is no key of its target, in this run or ever published.

    `targets` gives for an entity the tables of `_key` that count; one that is not the hub's own is not checked.
    """
    loose = []
    for reference in entity.references:
        target = entities.get(reference.entity)
        local = {theirs: mine for mine, theirs in reference.fields}
        if target is None or reference.entity not in targets or not set(target.key) <= set(local):
            continue
        columns = [local[k] for k in target.key]
        given = rows.filter([rows[c].notnull() for c in columns])
        pointed = given.select(*PLACE, _ref=digest(given, columns))
        keys = stacked(targets[reference.entity]).select(_ref="_key")
        loose.append(_places(pointed.anti_join(keys, "_ref"), entity, reference.name, "reference.unresolved"))
    if not loose or not checked.hold(con, stacked(loose), rows):
        return rows
    return keep(con, rows.get_name(), rows.anti_join(checked.held[-1], ["_source", "_file", "_row", "_seq"]))


def count_by_source(con: Any, rows: Any) -> dict[str, int]:
    found = con.to_pyarrow(rows.group_by("_source").aggregate(n=rows.count())).to_pylist()
    return {r["_source"]: int(r["n"]) for r in found}


def _places(rows: Any, entity: Entity, column: str, rule: str) -> Any:
    return rows.select(*PLACE, entity=ibis.literal(entity.name), field=ibis.literal(column), rule=ibis.literal(rule))


def _ignore(con: Any, checked: Checked, rows: Any, reason: str) -> None:
    for source, count in count_by_source(con, rows).items():
        checked.ignored.setdefault(source, {})[reason] = count
