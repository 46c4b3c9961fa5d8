"""The difference between the record of tonight and what is published, found in DuckDB against the snapshot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.errors import FixConfiguration, Stop
from hub.model import Change, Entity, Slice
from hub.store.connect import Store
from hub.store.files import replacing
from hub.store.ledger import last_published
from hub.store.snapshots import snapshot
from hub.store.tables import RECORD_COLUMNS

if TYPE_CHECKING:
    import ibis

#: Written last into the directory of changes, so that a directory without it is known to be unfinished.
SUMMARY = "comparison.json"

_PARQUET = {"integer": "int64", "number": "float64", "boolean": "boolean", "date": "date"}


@dataclass(frozen=True)
class Comparison:
    """What a directory of changes says about itself. `base`: the run that the changes go on top of."""

    district: str
    year: int
    base: str | None
    full: bool
    changes: tuple[Change, ...]


def compare(store: Store, slice_: Slice, record: Path, out: Path, full: bool = True) -> tuple[Change, ...]:
    """Compare `record`/<Entity>.parquet with what is published in the slice.

    Writes `out`/<Entity>.parquet for each entity that differs: the record's columns and `_change` (added, changed,
    removed); a removed row carries its `_key` only. `full`: what the record does not have is removed; otherwise it
    stays. Returns a Change per entity of the record or the store, in order of the alphabet. Raises FixConfiguration
    for an entity without a spec, Stop where a record file does not have the layout of docs/architecture.md.
    """
    import ibis
    import pyarrow.parquet as pq

    base = last_published(store, slice_)  # before the snapshot: a publish in between must be noticed later
    published = snapshot(store, slice_)
    files = {path.stem: path for path in sorted(record.glob("*.parquet"))}
    if unknown := sorted(files.keys() - store.entities.keys()):
        raise FixConfiguration(f"No spec for entity {', '.join(unknown)}.", "Add it to schemas/, or fix the mapping.")
    out.mkdir(parents=True, exist_ok=True)
    for stale in [*out.glob("*.parquet"), out / SUMMARY]:
        stale.unlink(missing_ok=True)
    connection = ibis.duckdb.connect()
    changes = []
    try:
        for name in sorted(files.keys() | published.keys()):
            before = pq.read_metadata(published[name]).num_rows if name in published else 0
            if name not in files and not (full and before):
                changes.append(Change(name, before, 0, 0, 0))
                continue
            difference = _difference(connection, store.entities[name], files.get(name), published.get(name), full)
            counts = _count(difference, name)
            changes.append(Change(name, before, counts["added"], counts["changed"], counts["removed"]))
            if any(counts.values()):
                rows = _rows(connection, store.entities[name], files.get(name), difference, counts)
                with replacing(out / f"{name}.parquet") as part:
                    rows.to_parquet(part)
            connection.drop_table(f"difference_{name}")
    finally:
        connection.disconnect()
    comparison = Comparison(slice_.district, slice_.year, base, full, tuple(changes))
    with replacing(out / SUMMARY) as part:
        part.write_text(json.dumps(asdict(comparison)))
    return comparison.changes


def read_comparison(changes: Path) -> Comparison:
    """What `compare` left in the directory; raises Stop where it did not finish."""
    path = changes / SUMMARY
    if not path.is_file():
        raise Stop(f"No finished comparison in {changes}.", "Run `hub sync` again: it compares anew.")
    plain: dict[str, Any] = json.loads(path.read_text())
    return Comparison(**plain | {"changes": tuple(Change(**change) for change in plain["changes"])})


def _difference(connection: Any, entity: Entity, new: Path | None, old: Path | None, full: bool) -> ibis.Table:
    """A temporary table (_key, _change) of what differs."""
    import ibis

    if new is None:
        expression = connection.read_parquet(old).select("_key", _change=ibis.literal("removed"))
    elif old is None:
        expression = _checked(connection, entity, new).select("_key", _change=ibis.literal("added"))
    else:
        record = _checked(connection, entity, new).select("_key", "_hash")
        published = connection.read_parquet(old).select(_old_key="_key", _old_hash="_hash")
        join = record.outer_join if full else record.left_join
        both = join(published, record["_key"] == published["_old_key"])
        change = ibis.cases(
            (both["_old_key"].isnull(), "added"),
            (both["_key"].isnull(), "removed"),
            (both["_hash"] != both["_old_hash"], "changed"),
        )
        key = ibis.coalesce(both["_key"], both["_old_key"])
        expression = both.select(_key=key, _change=change).filter(lambda t: t["_change"].notnull())
    return connection.create_table(f"difference_{entity.name}", expression, temp=True)


def _count(difference: ibis.Table, entity: str) -> dict[str, int]:
    totals = difference.aggregate(
        **{kind: (difference["_change"] == kind).sum().coalesce(0) for kind in ("added", "changed", "removed")},
        rows=difference.count(),
        keys=difference["_key"].nunique(),
    )
    (counts,) = totals.to_pyarrow().to_pylist()
    if counts.pop("rows") != counts.pop("keys"):
        raise Stop(
            f"The record has rows of {entity} with the same natural key, or with none.",
            "Nothing was published; this is a fault of the hub, keep the run's directory and report it.",
        )
    return {kind: int(count) for kind, count in counts.items()}


def _rows(
    connection: Any, entity: Entity, new: Path | None, difference: ibis.Table, counts: Mapping[str, int]
) -> ibis.Table:
    import ibis

    types = {field.name: _PARQUET.get(field.type, "string") for field in entity.fields}
    types |= {name: "int64" if name == "_row" else "string" for name in RECORD_COLUMNS}
    parts = []
    if new is not None and counts["added"] + counts["changed"]:
        written = _checked(connection, entity, new)
        record = written.select(
            **{
                name: written[name].cast(kind) if name in written.columns else ibis.null(kind)
                for name, kind in types.items()
            }
        )
        upserts = difference.filter(difference["_change"] != "removed").rename(_changed_key="_key")
        joined = record.inner_join(upserts, record["_key"] == upserts["_changed_key"])
        parts.append(joined.select(*types, "_change"))
    if counts["removed"]:
        removed = difference.filter(difference["_change"] == "removed")
        parts.append(
            removed.select(
                **{name: removed[name] if name == "_key" else ibis.null(kind) for name, kind in types.items()},
                _change=removed["_change"],
            )
        )
    return parts[0] if len(parts) == 1 else parts[0].union(parts[1])


def _checked(connection: Any, entity: Entity, path: Path) -> ibis.Table:
    """The record file, if every column is one of the spec with the type of its parquet layout."""
    import ibis.expr.datatypes as dt

    record = connection.read_parquet(path)
    types = {field.name: _PARQUET.get(field.type, "string") for field in entity.fields}
    required = {"_key", "_hash"} - set(record.columns)
    extra = sorted(name for name in record.columns if not name.startswith("_") and name not in types)
    found = record.schema()
    wrong = sorted(name for name, kind in types.items() if name in found and not found[name].castable(dt.dtype(kind)))
    if required or extra or wrong:
        raise Stop(
            f"{path.name}: columns missing {sorted(required)}, not in the spec {extra}, of another type {wrong}.",
            "The record does not fit the specs; build it again with the same version of the hub and its specs.",
        )
    return record
