"""Bulk loading: a parquet file becomes a table the publishing transaction can read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, MetaData, Table, text

from hub.engine import connect
from hub.errors import Stop, full_disk, of_disk
from hub.store.connect import PAGE_SIZE
from hub.store.naming import shortened

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 100_000
_LEFT = 1 << 20  # bytes: less than a file grows by


@dataclass(frozen=True)
class Load:
    """`columns`: parquet column -> the column it will go to, whose name and type the staged table takes over."""

    name: str
    parquet: Path
    columns: Mapping[str, Column[Any]]


def stage(connection: Connection, loads: list[Load], scratch: Path) -> dict[str, Table]:
    """Load files inside the open transaction; {load's name: staged table}, gone when the connection closes.

    `scratch`: a directory for temporary files, in the hands of this transaction alone.
    """
    if not loads:
        return {}
    if connection.dialect.name == "sqlite":
        return _stage_sqlite(connection, loads, scratch / "staging.db")
    return {load.name: _stage_postgresql(connection, load, scratch / "staging.csv") for load in loads}


def _stage_sqlite(connection: Connection, loads: list[Load], path: Path) -> dict[str, Table]:
    # ADBC brings an SQLite library of its own. Two libraries in one process break each other's locks on a file,
    # so ADBC only ever writes a file of its own, which the store's connection then attaches.
    from adbc_driver_sqlite import dbapi

    try:
        with dbapi.connect(str(path), autocommit=True) as staging, staging.cursor() as cursor:
            cursor.execute(f"PRAGMA page_size={PAGE_SIZE}")
            cursor.execute("PRAGMA journal_mode=OFF")
            cursor.execute("PRAGMA synchronous=OFF")
            for load in loads:
                cursor.adbc_ingest(load.name, _reader(load), mode="create")
    except dbapi.Error as error:  # its text may quote a value
        # On a full disk it may say that there is nothing to roll back, and no more: what is left says which it was.
        if shutil.disk_usage(path.parent).free < _LEFT:
            raise full_disk(path) from None
        raise of_disk(error, path) or Stop(
            f"The changes could not be written to {path} ({type(error).__name__}); nothing was changed.",
            "Check the free space of that disk, then run `hub sync` again; if it repeats, report it.",
        ) from None
    connection.execute(text("ATTACH DATABASE :path AS staging"), {"path": str(path)})
    return {
        load.name: Table(
            load.name, MetaData(), *(Column(c.name, c.type) for c in load.columns.values()), schema="staging"
        )
        for load in loads
    }


def _reader(load: Load) -> pa.RecordBatchReader:
    """Batches with the database's column names; date and boolean as SQLite keeps them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(load.parquet)
    kept = {pa.date32(): pa.string(), pa.bool_(): pa.int64()}
    types = [file.schema_arrow.field(name).type for name in load.columns]
    schema = pa.schema([(c.name, kept.get(t, t)) for c, t in zip(load.columns.values(), types, strict=True)])

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in file.iter_batches(_BATCH, columns=list(load.columns)):
            columns = [batch.column(name).cast(f.type) for name, f in zip(load.columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _stage_postgresql(connection: Connection, load: Load, path: Path) -> Table:
    from psycopg2 import sql  # type: ignore[import-untyped]

    table = Table(
        shortened(f"staging_{load.name}"),
        MetaData(),
        *(Column(c.name, c.type) for c in load.columns.values()),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    table.create(connection, checkfirst=False)
    duckdb = connect(path.parent / "spill")
    try:
        # DuckDB writes null as nothing and empty text as "": what FORMAT csv reads back.
        duckdb.read_parquet(load.parquet).select(*load.columns).to_csv(path, header=False)
    finally:
        duckdb.disconnect()
    copy = sql.SQL("COPY {} FROM STDIN WITH (FORMAT csv)").format(sql.Identifier(table.name))
    driver: Any = connection.connection.driver_connection
    with path.open("rb") as stream, driver.cursor() as cursor:
        cursor.copy_expert(copy, stream, 1 << 20)
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table.name)))
    path.unlink()
    return table
