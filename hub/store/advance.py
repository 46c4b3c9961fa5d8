"""Carrying the snapshot files over a publish: from the files before and the changes, not from the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from hub.errors import Stop
from hub.model import Change
from hub.store.connect import Store
from hub.store.files import replacing
from hub.store.snapshots import Kind, new_file, point_at, rebuild, valid_file_on

if TYPE_CHECKING:
    import ibis


def advance(store: Store, connection: Connection, change: Change, year: int, run: str, changes: Path) -> None:
    """Write the entity's snapshot and known keys as they are after `changes`, and point the store at them."""
    import ibis

    duckdb = ibis.duckdb.connect()
    try:
        difference = duckdb.read_parquet(changes)
        upserts = difference.filter(difference["_change"] != "removed").select("_key", "_hash")
        before = valid_file_on(store, connection, "current", year, change.entity)
        if before is None and change.before:
            rebuild(store, connection, "current", year, change.entity, run)
        else:
            rows = _union(duckdb, before, upserts, difference)
            written = _write(store, connection, "current", year, change.entity, run, rows)
            if written != change.after:
                raise Stop(
                    f"{change.entity}: the snapshot has {written} rows where the store has {change.after}.",
                    f"Delete {store.snapshots} and run `hub sync` again: it is made anew from the store.",
                )
        if not change.added:
            return
        known = valid_file_on(store, connection, "known", 0, change.entity)
        if known is None:
            rebuild(store, connection, "known", 0, change.entity, run)
        else:
            added = upserts.select("_key")
            _write(store, connection, "known", 0, change.entity, run, _union(duckdb, known, added, added))
    finally:
        duckdb.disconnect()


def _union(duckdb: Any, before: Path | None, upserts: ibis.Table, replaced: ibis.Table) -> ibis.Table:
    """The rows of `before` whose key is not in `replaced`, and `upserts`."""
    if before is None:
        return upserts
    return duckdb.read_parquet(before).anti_join(replaced, "_key").union(upserts)


def _write(store: Store, connection: Connection, kind: Kind, year: int, entity: str, run: str, rows: ibis.Table) -> int:
    import pyarrow.parquet as pq

    path = new_file(store, kind, year, entity, run)
    with replacing(path) as part:
        rows.to_parquet(part, compression="zstd")
    count = int(pq.read_metadata(path).num_rows)
    point_at(store, connection, kind, year, entity, run, path, count)
    return count
