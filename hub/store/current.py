"""Published rows as a record file: those under given keys, and those of a year whether they ended or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Select, and_, func, select

from hub.model import Entity, Slice
from hub.store.connect import Store, reading
from hub.store.files import replacing
from hub.store.tables import RECORD_COLUMNS, columns_of

_KEYS = 10_000  # of one query: SQLite takes 32,766 parameters
_ROWS = 50_000  # in memory at a time


def current_rows(store: Store, slice_: Slice, entity: str, keys: Sequence[str], path: Path) -> Path:
    """Writes the current rows of `entity` whose `_key` is among `keys` to `path`, with the columns of a record."""
    table = store.table(entity)
    current = _rows(store, slice_, entity).where(table.c._valid_to.is_(None))
    some = (keys[start : start + _KEYS] for start in range(0, len(keys), _KEYS))
    return _write(store, entity, (current.where(table.c._key.in_(each)) for each in some), path)


def latest_rows(store: Store, slice_: Slice, entity: str, path: Path) -> Path:
    """Writes the newest version of every row of `entity` ever published in the year, ended or not, to `path`."""
    table = store.table(entity)
    newest = (
        select(table.c._key, func.max(table.c._valid_from).label("_newest"))
        .where(table.c._year == slice_.year)
        .group_by(table.c._key)
        .subquery()
    )
    same = and_(table.c._key == newest.c._key, table.c._valid_from == newest.c._newest)
    return _write(store, entity, [_rows(store, slice_, entity).join(newest, same)], path)


def _rows(store: Store, slice_: Slice, entity: str) -> Select[Any]:
    table, fields = store.table(entity), columns_of(store.entities[entity])
    columns = [table.c[column] for column in (*fields.values(), *RECORD_COLUMNS)]
    return select(*columns).where(table.c._year == slice_.year)


def _write(store: Store, entity: str, queries: Iterable[Select[Any]], path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(store.entities[entity])
    with reading(store) as connection, replacing(path) as part, pq.ParquetWriter(part, schema) as writer:
        for query in queries:
            for rows in connection.execute(query).partitions(_ROWS):
                arrays = [
                    pa.array(cells, kind.type) for cells, kind in zip(zip(*rows, strict=True), schema, strict=True)
                ]
                writer.write_table(pa.table(arrays, schema=schema))
    return path


def _schema(entity: Entity) -> Any:
    import pyarrow as pa

    return pa.schema([*field_types(entity), *((n, pa.int64() if n == "_row" else pa.string()) for n in RECORD_COLUMNS)])


def field_types(entity: Entity) -> list[tuple[str, Any]]:
    """The fields of an entity as columns of a file, each with its Arrow type; a list or object is JSON text."""
    import pyarrow as pa

    kinds = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32()}
    return [(field.name, kinds.get(field.type, pa.string())) for field in entity.fields]
