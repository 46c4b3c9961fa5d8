"""What is published stays until it is known to have gone (docs/decisions/0006-a-held-row-keeps-the-published-one.md).

A published row that tonight's record lacks, or has without the word of a source it was made of, is kept where that
source holds a row of the same key, or holds a row whose key cannot be read and which could therefore be the one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis

from hub.engine import count, keep, keep_counted, parquet, stacked
from hub.model import Entity, Kept
from hub.standards.mapping.completion import completions
from hub.standards.states.summary import StateSummary
from hub.unify.identity import id_columns

PLACE = ("_source", "_file", "_row")


@dataclass(frozen=True)
class Published:
    """What the store knows that a build needs: keys ever published, known ids, decisions of reviews, and what stands.

    `current` are the snapshots (_key, _hash) of the slice, `rows` gives the published rows of an entity under keys,
    `latest` those of an entity that were ever published in the year. `kept` is the table that the last publish left,
    `last` its run, and `baselines` are the SourceStates of `SourceOutcome.baseline`. `judged`: the rules of the last
    publish are today's.
    """

    known_keys: Callable[[str], Path | None]
    identifiers: Path | None = None
    ids_key: str = ""
    decisions: Path | None = None
    current: Mapping[str, Path] = field(default_factory=dict)
    judged: bool = False
    rows: Callable[[str, Sequence[str], Path], Path] | None = None
    latest: Callable[[str, Path], Path] | None = None
    kept: Path | None = None
    last: str = ""
    baselines: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Stood:
    """`record` with the rows that stay. `joined` of them take the place of a row of the record; `doubted` rows would
    stay as well if the rules had not changed since they were published. `waiting`: sources that must be read whole."""

    record: Any
    rows: int = 0
    joined: int = 0
    doubted: int = 0
    waiting: tuple[str, ...] = ()
    table: str = ""


def unread(
    con: Any, states: Mapping[str, Path], summaries: Mapping[str, StateSummary], baselines: Mapping[str, Path]
) -> dict[str, set[str]]:
    """{entity: full sources that hold a row of it, or a record that feeds it, whose key cannot be read}.

    A row that could not be read either when all was confirmed (`baselines`) hides nothing.
    """
    found: dict[str, set[str]] = {}
    for source, state in states.items():
        path = state / "held.parquet"
        if not summaries[source].full or not path.is_file():
            continue
        held = parquet(con, path)
        lost = held.filter(held["_same"].isnull() | held["entity"].isin(_told_apart(con, state)))
        before = baselines.get(source, Path()) / "held.parquet"
        if before.is_file():
            known = parquet(con, before).select("_print").distinct()
            lost = lost.anti_join(known, "_print")
        for row in con.to_pyarrow(lost.select("entity", "_stream").distinct()).to_pylist():
            for entity in (row["entity"],) if row["entity"] else summaries[source].unread.get(row["_stream"], ()):
                found.setdefault(entity, set()).add(source)
    return found


def held_keys(con: Any, states: Mapping[str, Path], entity: str) -> list[Any]:
    """Tables of PLACE and `_key` (null where it cannot be read) of the rows of `entity` that normalize held."""
    tables = []
    for state in states.values():
        path = state / "held.parquet"
        if path.is_file():
            held = parquet(con, path)
            held = held.filter(held["entity"] == entity)
            key = ibis.null("string") if entity in _told_apart(con, state) else held["_same"]
            tables.append(held.select(*PLACE, _key=key))
    return tables


def stand(
    con: Any,
    entity: Entity,
    rows: Any,
    record: Any,
    held: Sequence[Any],
    unread: Collection[str],
    published: Published,
    sources: Collection[str],
    scratch: Path,
) -> Stood:
    """The record of `entity` and what stays of the published rows. `rows` are those the record was merged from, `held`
    tables of PLACE and `_key`, `unread` the sources with rows that could be any, `sources` those of tonight."""
    snapshot = published.current.get(entity.name)
    if snapshot is None or published.rows is None or not (held or unread):
        return Stood(record)
    table = f"{entity.name}_stand"
    keys = keep(con, f"{table}_held", stacked([h.select(*PLACE, "_key") for h in held]).distinct()) if held else None
    before = parquet(con, snapshot)
    both = before.left_join(record.select("_key", _now="_hash"), "_key")
    wanted = both.filter(both["_now"].isnull() | (both["_now"] != both["_hash"]))
    wanted = wanted.select("_key", _gone=wanted["_now"].isnull())
    if not unread and keys is not None:
        named = wanted.semi_join(keys, "_key")
        wanted = named if not count(con, keys.filter(keys["_key"].isnull())) else named.union(
            wanted.filter("_gone").anti_join(keys, "_key")
        )  # fmt: skip
    suspects, found = keep_counted(con, f"{table}_suspects", wanted)
    if not found:
        return Stood(record)
    path = scratch / f"{table}.parquet"
    published.rows(entity.name, con.to_pyarrow(suspects["_key"]).to_pylist(), path)
    stored = parquet(con, path)
    stored = keep(con, table, stored.inner_join(suspects, "_key").select(*stored.columns, "_gone"))
    path.unlink()
    certain, doubtful = _of_held(stored, rows, keys), _of_unread(stored, rows, unread, sources)
    doubted = 0
    if doubtful is not None and not published.judged:
        doubted, doubtful = count(con, doubtful.anti_join(certain, "_key") if certain is not None else doubtful), None
    names = [t.select("_key") for t in (certain, doubtful) if t is not None]
    if not names:
        return Stood(record, doubted=doubted)
    stays, total = keep_counted(con, f"{table}_stays", stored.semi_join(stacked(names).distinct(), "_key"))
    if not total:
        return Stood(record, doubted=doubted)
    whole = stays.select(
        **{c: (stays[c] if c in stays.columns else ibis.null("string")).cast(record[c].type()) for c in record.columns}
    )
    return Stood(
        stacked([record.anti_join(stays, "_key"), whole]),
        total,
        joined=count(con, stays.filter(~stays["_gone"])),
        doubted=doubted,
        waiting=tuple(sorted(unread)) if doubtful is not None and count(con, doubtful) else (),
        table=stays.get_name(),
    )


def kept(con: Any, published: Published, stays: Mapping[str, str], out: Path) -> tuple[Kept, ...]:
    """Writes `out`: entity, _key, source and since of everything that stays (`stays`: entity -> table)."""
    if not stays:
        return ()
    rows = stacked(
        [
            con.table(table).select("_key", entity=ibis.literal(name), source=con.table(table)["_source"])
            for name, table in stays.items()
        ]
    )
    since: Any = ibis.literal(published.last)
    if published.kept is not None and published.kept.is_file():
        earlier = parquet(con, published.kept).select("entity", "_key", _since="since")
        rows = rows.left_join(earlier, ["entity", "_key"]).select("entity", "_key", "source", "_since")
        since = rows["_since"].fill_null(published.last)
    made = keep(con, "kept", rows.select("entity", "_key", "source", since=since))
    con.to_parquet(made, out)
    totals = made.group_by("entity", "source", "since").aggregate(rows=made.count())
    found = con.to_pyarrow(totals.order_by(["entity", "source", "since"])).to_pylist()
    return tuple(Kept(r["entity"], r["source"], int(r["rows"]), r["since"]) for r in found)


def _of_held(stored: Any, rows: Any, keys: Any | None) -> Any | None:
    """Keys of stored rows that a held row speaks of."""
    if keys is None:
        return None
    gone = stored.filter("_gone")
    there = stored.filter(~stored["_gone"])
    differ = there.inner_join(keys.select("_key", held="_source").distinct(), "_key")
    differ = differ.filter(_speaks(differ, differ["held"]))
    silent = differ.anti_join(rows, [differ["_key"] == rows["_key"], differ["held"] == rows["_source"]])
    return stacked(
        [
            gone.semi_join(keys, "_key").select("_key"),
            gone.semi_join(keys, list(PLACE)).select("_key"),
            silent.select("_key"),
        ]
    )


def _of_unread(stored: Any, rows: Any, unread: Collection[str], sources: Collection[str]) -> Any | None:
    """Keys of stored rows of sources of which a row could not be read, and which do not say them tonight."""
    if not unread:
        return None
    parts = []
    orphan = ~stored["_source"].isin(sorted(sources))  # of a source that has another name today
    for source in sorted(unread):
        mine = stored.filter(_speaks(stored, ibis.literal(source)) | (stored["_gone"] & orphan))
        said = rows.filter(rows["_source"] == source)
        parts.append(mine.anti_join(said, "_key").select("_key"))
    return stacked(parts).distinct()


def _speaks(stored: Any, source: Any) -> Any:
    named = stored["_field_sources"].contains(ibis.literal('"') + source + '"')
    return (stored["_source"] == source) | named.fill_null(False)


def _told_apart(con: Any, state: Path) -> list[str]:
    """Entities of which a key is complete only when the person or reference has been found."""
    found = []
    for path in (state / "rows").glob("*.parquet"):
        rows = parquet(con, path)
        if id_columns(rows) or completions(rows):
            found.append(path.stem)
    return found
