"""Rows from several sources with one natural key become one record; every field remembers its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis

from hub.engine import keep
from hub.model import Entity

CARRIED = ("_source", "_stream", "_file", "_row")


def merge(
    con: Any, table: str, entity: Entity, authority: dict[str, int], with_digests: Callable[[Any, Entity], Any]
) -> tuple[Any, dict[str, int]]:
    """One row per `_key`: per field the value of the source with the lowest authority number that has one.

    Ties go to the source whose name comes first, so the order of arrival does not matter. Returns the record and, per
    source, how many of its rows joined a record led by another source.
    """
    rows = con.table(table)
    sources = sorted(authority, key=lambda s: (authority[s], s))
    fields = [f.name for f in entity.fields]
    columns = [*fields, *CARRIED, "_key", "_hash"]
    alone = rows.select(*columns, _field_sources=ibis.null("string"))
    present = con.to_pyarrow(rows.select("_source").distinct()).to_pylist()
    if len(present) < 2:
        return alone, {}
    keys = rows.group_by("_key").aggregate(n=rows["_source"].nunique())
    shared = keys.filter(keys["n"] > 1).select("_key")
    keep(con, f"{table}_shared", rows.semi_join(shared, "_key"))
    both = con.table(f"{table}_shared")
    if not con.execute(both.count()):
        return alone, {}
    rank = both["_source"].cases(*[(s, i) for i, s in enumerate(sources)], else_=len(sources))
    ranked = both.mutate(_rank=rank)
    best = {f: ranked[f].argmin(ranked["_rank"], where=ranked[f].notnull()) for f in fields}
    origin = ibis.struct({f: ranked["_source"].argmin(ranked["_rank"], where=ranked[f].notnull()) for f in fields})
    led = {c: ranked[c].argmin(ranked["_rank"]) for c in CARRIED}
    merged = ranked.group_by("_key").aggregate(**best, **led, _field_sources=origin)
    merged = merged.mutate(_field_sources=merged["_field_sources"].cast("json").cast("string"))
    merged = with_digests(merged.drop("_key"), entity).select(*alone.columns)
    keep(con, f"{table}_merged", merged)
    merged = con.table(f"{table}_merged")
    followers = both.anti_join(merged, ["_key", "_source"])
    counts = con.to_pyarrow(followers.group_by("_source").aggregate(n=followers.count())).to_pylist()
    whole = ibis.union(alone.anti_join(shared, "_key"), merged)
    return whole, {c["_source"]: int(c["n"]) for c in counts}
