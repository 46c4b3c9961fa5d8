"""Streams that append: what came before stays, and a later row of the same thing takes the place of the earlier one.

A state made night by night and one made of all deliveries at once are the same: rows, held rows and counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis

from hub.engine import keep, parquet, stacked
from hub.model import Count, Entity
from hub.standards.mapping.checks import PLACE, same_thing
from hub.standards.states.again import come_again, let_go, rewrite, with_rows
from hub.standards.states.summary import StateSummary

SUPERSEDED = "key.superseded"


def append_state(
    con: Any,
    out: Path,
    entities: Mapping[str, Entity],
    now: StateSummary,
    previous: Path | None,
    before: StateSummary | None,
) -> StateSummary:
    """Lays the rows and held rows in `out` (of `now`) over those of the state `previous` (of `before`).

    Returns the summary of both, with the rows that a later delivery superseded, accepted or held, counted under
    `key.superseded`.
    """
    old = {p.stem: p for p in (previous / "rows").glob("*.parquet")} if previous else {}
    new = {p.stem: p for p in (out / "rows").glob("*.parquet")}
    here = with_rows(con, now.files, new.values())
    released = _release(con, out, entities, new, previous)
    for name in sorted({*old, *new}):
        if name not in new:
            (out / "rows" / f"{name}.parquet").hardlink_to(old[name])
        else:
            _lay_over(con, entities[name], new[name], old.get(name))
    files = (*before.files, *here) if before else here
    released += come_again(con, out, files)
    counts = _sums((*before.counts, *now.counts) if before else now.counts)
    return replace(
        now,
        counts=tuple(_settled(_let_go(c, released), con, out) for c in counts),
        repairs=_added(before.repairs, now.repairs) if before else now.repairs,
        files=files,
    )


def _release(
    con: Any, out: Path, entities: Mapping[str, Entity], new: Mapping[str, Path], previous: Path | None
) -> Counter[tuple[str, str]]:
    """Writes the held rows of both states, without those of which a later delivery brought the same thing again.

    Returns how many went, by (stream, entity); under (stream, "") the rows of the file that nothing holds any more.
    """
    paths = [p / "held.parquet" for p in (previous, out) if p and (p / "held.parquet").is_file()]
    if not paths:
        return Counter()
    held = keep(con, "held_rows", stacked([parquet(con, p) for p in paths]))
    named = held.filter(held["_same"].notnull()).select("entity", "_same", "_seq").distinct()
    said = [named]
    for name in con.to_pyarrow(named["entity"].name("entity").as_table().distinct())["entity"].to_pylist():
        if name in new:
            rows = parquet(con, new[name])
            said.append(
                rows.select(entity=ibis.literal(name), _same=same_thing(rows, entities[name]), _seq=rows["_seq"])
            )
    whole = stacked(said)
    newest = keep(con, "held_newest", whole.group_by("entity", "_same").aggregate(_last=whole["_seq"].max()))
    both = held.left_join(newest, ["entity", "_same"])
    late = both["_last"].notnull() & (both["_last"] > both["_seq"])
    left = keep(con, "held_left", both.filter(~late).select(*held.columns))
    gone = both.filter(late).select("entity", *PLACE, "_same").distinct()
    rewrite(con, left, out / "held.parquet")
    return let_go(con, held, left, gone)


def _let_go(count: Count, released: Counter[tuple[str, str]]) -> Count:
    rows = released[count.stream, count.entity]
    if not rows:
        return count
    return replace(count, held=count.held - rows, ignored=_added(count.ignored, {SUPERSEDED: rows}))


def _lay_over(con: Any, entity: Entity, path: Path, old: Path | None) -> None:
    came = parquet(con, path)
    once = con.to_pyarrow(came["_seq"].nunique()).as_py() < 2
    if once and old is None:
        return
    tables = [parquet(con, p) for p in (old, path) if p]
    types = {c: t[c].type() for t in tables for c in t.columns}
    parts = [
        t.select(**{c: (t[c] if c in t.columns else ibis.null(kind)) for c, kind in types.items()}) for t in tables
    ]
    same = [c for c in types if c in entity.key or c.startswith("_id.")]
    if once:  # a window over all that ever came costs more than looking up what came now
        before, now = parts
        # Not of `now`: DuckDB would make a table of what is read twice in a statement, and a result has 8 KB.
        keys = came.select(**{c: (came[c] if c in came.columns else ibis.null(types[c])) for c in same})
        rewrite(con, before.anti_join(keys, [before[c].identical_to(keys[c]) for c in same]).union(now), path)
        return
    rows = stacked(parts)
    newest = rows.mutate(_newest=rows["_seq"].max().over(group_by=same))
    rewrite(con, newest.filter(newest["_seq"] == newest["_newest"]).drop("_newest"), path)


def _sums(counts: Iterable[Count]) -> list[Count]:
    """One count per step, source, stream and entity."""
    found: dict[tuple[str, str, str, str], Count] = {}
    for count in counts:
        key = (count.step, count.source, count.stream, count.entity)
        known = found.get(key)
        found[key] = count if known is None else _plus(known, count)
    return list(found.values())


def _plus(one: Count, other: Count) -> Count:
    return replace(
        one,
        rows_in=one.rows_in + other.rows_in,
        accepted=one.accepted + other.accepted,
        held=one.held + other.held,
        ignored=_added(one.ignored, other.ignored),
    )


def _settled(count: Count, con: Any, out: Path) -> Count:
    """Accepted is what is in the state; the rest of what was accepted has been superseded."""
    if not count.entity:
        return count
    rows = con.read_parquet(out / "rows" / f"{count.entity}.parquet")
    left = int(con.execute(rows.filter(rows["_stream"] == count.stream).count()))
    gone = {SUPERSEDED: count.accepted - left} if count.accepted > left else {}
    return replace(count, accepted=left, ignored=_added(count.ignored, gone))


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {k: one.get(k, 0) + other.get(k, 0) for k in sorted({*one, *other})}
