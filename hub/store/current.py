"""The rows that are published under given keys, as a record file: what stays when tonight's row of it is held."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Select, select

from hub.model import Entity, Slice
from hub.store.connect import Store, reading
from hub.store.files import replacing
from hub.store.tables import RECORD_COLUMNS, columns_of

_KEYS = 10_000  # of one query: SQLite takes 32,766 parameters


def current_rows(store: Store, slice_: Slice, entity: str, keys: Sequence[str], path: Path) -> Path:
    """Writes the current rows of `entity` whose `_key` is among `keys` to `path`, with the columns of a record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table, fields = store.table(entity), columns_of(store.entities[entity])
    columns = [table.c[column] for column in (*fields.values(), *RECORD_COLUMNS)]
    schema = _schema(store.entities[entity])
    with reading(store) as connection, replacing(path) as part, pq.ParquetWriter(part, schema) as writer:
        for start in range(0, len(keys), _KEYS):
            some = keys[start : start + _KEYS]
            query: Select[Any] = select(*columns).where(
                table.c._year == slice_.year, table.c._valid_to.is_(None), table.c._key.in_(some)
            )
            rows = list(zip(*connection.execute(query), strict=True))
            if rows:
                arrays = [pa.array(values, kind.type) for values, kind in zip(rows, schema, strict=True)]
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
