"""Publish: the only writer of entity rows. One transaction per slice: all of it, or nothing of it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, func, literal, select

from hub.errors import RetryLater, Stop
from hub.model import Change, Run, Slice
from hub.store.advance import advance
from hub.store.connect import Store, writing
from hub.store.diff import Comparison, read_comparison
from hub.store.files import sweep
from hub.store.held import HELD_COLUMNS, replace_held
from hub.store.ledger import last_published_on, published_at, write_run
from hub.store.ledger_tables import HELD, RUN
from hub.store.snapshots import pointed_at
from hub.store.staging import Load, stage
from hub.store.tables import RECORD_COLUMNS, Instant, columns_of

_HELD = "hub_held"


def publish(
    store: Store,
    slice_: Slice,
    run: Run,
    changes_dir: Path,
    held: Path | None,
    states: Mapping[str, str],
    then: datetime | None = None,
) -> None:
    """Publish what `compare` wrote into `changes_dir`, as run `run`.

    New versions come in, old ones end, and the ledger, the open held rows of the slice (`held`: held.parquet; None:
    nothing is held) and the snapshots go with them. `states`: {source: SourceState id} the record was built from.
    `then`: since when it holds, where that is not now.
    Publishing a run again changes nothing. Raises Stop where another run was published since the comparison, or where
    the changes do not fit the store; RetryLater where another process writes for too long.
    """
    comparison = read_comparison(changes_dir)
    if {(comparison.district, comparison.year), (run.district, run.year)} != {
        (store.district, slice_.year)
    } or slice_.district != store.district:
        raise Stop(
            f"The changes in {changes_dir} are of {comparison.district}|{comparison.year}, not {slice_.partition}.",
            "Publish them to the slice they were compared with.",
        )
    scratch = changes_dir / f"staging-{uuid.uuid4().hex}"
    try:
        with writing(store) as connection:
            for left_by_a_killed_process in changes_dir.glob("staging-*"):
                shutil.rmtree(left_by_a_killed_process)
            if published_at(connection, run.id) is not None:
                return
            _refuse_overtaken(connection, run, comparison)
            at = _next_instant(connection, then or datetime.now(UTC))
            differing = [change for change in comparison.changes if change.added or change.changed or change.removed]
            scratch.mkdir()
            staged = stage(connection, _loads(store, differing, changes_dir, held), scratch)
            for change in differing:
                _apply(connection, store.table(change.entity), staged[change.entity], change, run, at)
            advance(store, connection, differing, run, changes_dir)
            replace_held(connection, slice_.year, run.id, staged.get(_HELD))
            write_run(connection, run, at, comparison.base, states)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    with suppress(RetryLater), writing(store) as connection:  # alone: a publish in progress has files not pointed at
        sweep(store.snapshots, pointed_at(store, connection))


def _refuse_overtaken(connection: Connection, run: Run, comparison: Comparison) -> None:
    newest = last_published_on(connection, comparison.year)
    if newest != comparison.base:
        compared = f"run {comparison.base}" if comparison.base else "an empty store"
        first = f"`hub publish discard {run.id}`, then run" if run.status == "approved" else "Run"
        raise Stop(
            f"Run {run.id} was compared with {compared}, but run {newest} was published since; nothing was changed.",
            f"{first} `hub sync` again: it compares with what is published now.",
        )


def _next_instant(connection: Connection, now: datetime) -> datetime:
    """`now`, and later than every earlier publish, so that history keeps its order when the clock is set back."""
    newest = connection.execute(select(func.max(RUN.c.published_at, type_=Instant()))).scalar()
    return now if newest is None else max(now, newest + timedelta(microseconds=1))


def _loads(store: Store, changes: list[Change], changes_dir: Path, held: Path | None) -> list[Load]:
    loads = []
    for change in changes:
        table, fields = store.table(change.entity), columns_of(store.entities[change.entity])
        columns: dict[str, Column[Any]] = {field: table.c[column] for field, column in fields.items()}
        columns |= {name: table.c[name] for name in RECORD_COLUMNS}
        columns["_change"] = Column("_change", Text)
        path = changes_dir / f"{change.entity}.parquet"
        if not path.is_file():
            raise Stop(f"{path.name} is missing from {changes_dir}.", "Run `hub sync` again: it compares anew.")
        loads.append(Load(change.entity, path, columns))
    if held is not None:
        loads.append(Load(_HELD, held, {name: HELD.c[column] for name, column in HELD_COLUMNS.items()}))
    return loads


def _apply(connection: Connection, table: Table, staged: Table, change: Change, run: Run, at: datetime) -> None:
    gone = select(staged.c._key).where(staged.c._change.in_(("changed", "removed")))
    ended = connection.execute(
        table.update()
        .where(table.c._year == run.year, table.c._valid_to.is_(None), table.c._key.in_(gone))
        .values(_valid_to=at, _ended_run=run.id)
    ).rowcount
    names = [column.name for column in staged.c if column.name != "_change"]
    rows = select(
        *(staged.c[name] for name in names), literal(run.year), literal(run.id), literal(at, Instant())
    ).where(staged.c._change.in_(("added", "changed")))
    inserted = connection.execute(table.insert().from_select([*names, "_year", "_run", "_valid_from"], rows)).rowcount
    if (ended, inserted) != (change.changed + change.removed, change.added + change.changed):
        raise Stop(
            f"{change.entity}: {ended} rows would end and {inserted} begin, but the comparison said "
            f"{change.changed + change.removed} and {change.added + change.changed}. Nothing was published.",
            "Run `hub sync` again: it compares anew.",
        )
