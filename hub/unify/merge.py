"""Rows from several sources with one natural key become one record; every field remembers its source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis

from hub.engine import keep, keep_counted, stacked
from hub.model import Entity

CARRIED = ("_source", "_stream", "_file", "_row")


def merge(
    con: Any, rows: Any, entity: Entity, authority: dict[str, int], with_digests: Callable[[Any, Entity], Any]
) -> tuple[Any, dict[str, int]]:
    """One row per `_key`: per field the value of the source with the lowest authority number that has one.

    Ties go to the source whose name comes first, so the order of arrival does not matter. Returns the record and, per
    source, how many of its rows joined a record led by another source.
    """
    fields = [f.name for f in entity.fields]
    columns = [*fields, *CARRIED, "_key", "_hash"]
    alone = rows.select(*columns, _field_sources=ibis.null("string"))
    if len(authority) < 2:
        return alone, {}
    keys = rows.group_by("_key").aggregate(n=rows["_source"].nunique())
    shared = keys.filter(keys["n"] > 1).select("_key")
    both, found = keep_counted(con, f"{rows.get_name()}_shared", rows.semi_join(shared, "_key"))
    if not found:
        return alone, {}
    sources = sorted(authority, key=lambda s: (authority[s], s))
    ranked = both.mutate(_rank=both["_source"].cases(*[(s, i) for i, s in enumerate(sources)], else_=len(sources)))
    best = {f: ranked[f].argmin(ranked["_rank"], where=ranked[f].notnull()) for f in fields}
    origin = ibis.struct({f: ranked["_source"].argmin(ranked["_rank"], where=ranked[f].notnull()) for f in fields})
    led = {c: ranked[c].argmin(ranked["_rank"]) for c in CARRIED}
    merged = ranked.group_by("_key").aggregate(**best, **led, _field_sources=origin)
    merged = merged.mutate(_field_sources=merged["_field_sources"].cast("json").cast("string"))
    merged = keep(con, f"{rows.get_name()}_merged", with_digests(merged.drop("_key"), entity).select(*alone.columns))
    followers = both.anti_join(merged, ["_key", "_source"])
    counts = con.to_pyarrow(followers.group_by("_source").aggregate(n=followers.count())).to_pylist()
    return stacked([alone.anti_join(shared, "_key"), merged]), {c["_source"]: int(c["n"]) for c in counts}
