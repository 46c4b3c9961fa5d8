"""The difference between the record of tonight and what is published, found in DuckDB against the snapshot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.engine import connect, write_parquet
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

_DIFFERENCE = "difference"
_NOTHING = {"added": 0, "changed": 0, "removed": 0}
_PARQUET = {"integer": "int64", "number": "float64", "boolean": "boolean", "date": "date"}
_RECORD_TYPES = {name: "int64" if name == "_row" else "string" for name in RECORD_COLUMNS}
#: What Arrow calls the types above, and the narrower ones that fit into them.
_ARROW = {
    "double": "float64",
    "float": "float64",
    "bool": "boolean",
    "date32[day]": "date",
    "large_string": "string",
    "string_view": "string",
    "int32": "int64",
    "int16": "int64",
}


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
    import pyarrow.parquet as pq

    base = last_published(store, slice_)  # before the snapshot: a publish in between must be noticed later
    published = snapshot(store, slice_)
    files = {path.stem: path for path in sorted(record.glob("*.parquet"))}
    if unknown := sorted(files.keys() - store.entities.keys()):
        raise FixConfiguration(f"No spec for entity {', '.join(unknown)}.", "Add it to schemas/, or fix the mapping.")
    for name, path in files.items():
        _refuse_layout(path, store.entities[name])
    out.mkdir(parents=True, exist_ok=True)
    for stale in [*out.glob("*.parquet"), out / SUMMARY]:
        stale.unlink(missing_ok=True)
    names = sorted(files.keys() | published.keys())
    before = {name: pq.read_metadata(path).num_rows for name, path in published.items()}
    connection = connect(out / "spill")
    try:
        counts = _differing(connection, files, published, full)
        for name in counts:
            rows = _rows(connection, store.entities[name], files.get(name), counts[name])
            if not any(field.items for field in store.entities[name].fields):
                rows = rows.order_by("_key")  # the store's index grows at its end; rows with lists cost more to sort
            with replacing(out / f"{name}.parquet") as part:
                write_parquet(connection, rows, part)
    finally:
        connection.disconnect()
    changes = [Change(name, before.get(name, 0), **counts.get(name, _NOTHING)) for name in names]
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


def _differing(
    connection: Any, new: Mapping[str, Path], old: Mapping[str, Path], full: bool
) -> dict[str, dict[str, int]]:
    """{entity: rows added, changed, removed} of those that differ; the rows go to the temporary table `_DIFFERENCE`.

    All entities in one query: sixty queries for sixty small files would cost more than reading a large one.
    """
    import ibis

    if not new and not old:
        return {}
    if not old:
        expression = _keys(connection, new).select("entity", "_key", _change=ibis.literal("added"))
    elif not new:
        expression = _keys(connection, old).select("entity", "_key", _change=ibis.literal("removed")).filter(full)
    else:
        record = _keys(connection, new)
        published = _keys(connection, old).select(_old_entity="entity", _old_key="_key", _old_hash="_hash")
        join = record.outer_join if full else record.left_join
        both = join(published, [record["entity"] == published["_old_entity"], record["_key"] == published["_old_key"]])
        change = ibis.cases(
            (both["_old_key"].isnull(), "added"),
            (both["_key"].isnull(), "removed"),
            (both["_hash"] != both["_old_hash"], "changed"),
        )
        expression = both.select(
            entity=ibis.coalesce(both["entity"], both["_old_entity"]),
            _key=ibis.coalesce(both["_key"], both["_old_key"]),
            _change=change,
        ).filter(lambda table: table["_change"].notnull())
    difference = connection.create_table(_DIFFERENCE, expression, temp=True)
    totals = difference.group_by("entity").aggregate(
        **{kind: (difference["_change"] == kind).sum() for kind in _NOTHING},
        rows=difference.count(),
        keys=difference["_key"].nunique(),
    )
    counts = {total.pop("entity"): total for total in totals.order_by("entity").to_pyarrow().to_pylist()}
    for name, total in counts.items():
        if total.pop("rows") != total.pop("keys"):
            raise Stop(
                f"The record has rows of {name} with the same natural key, or with none.",
                "Nothing was published; this is a fault of the hub, keep the run's directory and report it.",
            )
    return {name: {kind: int(rows) for kind, rows in total.items()} for name, total in counts.items()}


def _keys(connection: Any, files: Mapping[str, Path]) -> ibis.Table:
    """(entity, _key, _hash) of all the files; the entity is what stands before the first dot of the file's name."""
    rows = connection.read_parquet([str(path) for path in files.values()], filename=True)
    return rows.select("_key", "_hash", entity=rows["filename"].re_extract(r"([^/\\.]+)\.[^/\\]*$", 1))


def _rows(connection: Any, entity: Entity, new: Path | None, counts: Mapping[str, int]) -> ibis.Table:
    import ibis

    difference = connection.table(_DIFFERENCE)
    difference = difference.filter(difference["entity"] == entity.name).drop("entity")
    types = {field.name: _PARQUET.get(field.type, "string") for field in entity.fields}
    types |= _RECORD_TYPES
    parts = []
    if new is not None and counts["added"] + counts["changed"]:
        written = connection.read_parquet(new)
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


def _refuse_layout(path: Path, entity: Entity) -> None:
    """Raise Stop unless every column is one of the spec, with the type that docs/architecture.md gives it."""
    import pyarrow.parquet as pq

    types = {field.name: _PARQUET.get(field.type, "string") for field in entity.fields} | _RECORD_TYPES
    schema = pq.read_schema(path)
    found = {column.name: _ARROW.get(str(column.type), str(column.type)) for column in schema}
    missing = sorted({"_key", "_hash"} - found.keys())
    extra = sorted(name for name in found if not name.startswith("_") and name not in types)
    wrong = sorted(name for name, kind in types.items() if found.get(name, "null") not in ("null", kind))
    if missing or extra or wrong:
        raise Stop(
            f"{path.name}: columns missing {missing}, not in the spec {extra}, of another type {wrong}.",
            "The record does not fit the specs; build it again with the same version of the hub and its specs.",
        )
