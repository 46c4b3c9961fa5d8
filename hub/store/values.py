"""The values of one field of what is published, as a file: what a feed may refer to without sending it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from hub.model import Slice
from hub.store.connect import Store, reading
from hub.store.current import field_types
from hub.store.files import export
from hub.store.tables import columns_of


def published_values(store: Store, slice_: Slice, entity: str, field: str, path: Path) -> Path:
    """Writes `field` of every current row of `entity` in this slice to the parquet file `path`, as the column `value`.

    A list or object is its JSON text.
    """
    import pyarrow as pa

    table = store.table(entity)
    column = table.c[columns_of(store.entities[entity])[field]]
    query = select(column).where(table.c._year == slice_.year, table.c._valid_to.is_(None), column.is_not(None))
    with reading(store) as connection:
        export(connection, query, path, pa.schema([("value", pa.string())]))
    return path


def published_rows(store: Store, slice_: Slice, entity: str, path: Path) -> int:
    """Writes every current row of `entity` in this slice to the parquet file `path`, with all fields of its spec in
    their types, and returns how many there are."""
    import pyarrow as pa

    table, said = store.table(entity), store.entities[entity]
    columns = [table.c[column] for column in columns_of(said).values()]
    query = select(*columns).where(table.c._year == slice_.year, table.c._valid_to.is_(None))
    with reading(store) as connection:
        return export(connection, query, path, pa.schema(field_types(said)))
