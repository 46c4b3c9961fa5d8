"""Parquet files of the store's state directory: written whole or not at all."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows held in memory while the store is read into a file.
BATCH = 50_000

#: A file the store no longer points at may still be in another process's hands; seconds before it is deleted.
GRACE = 24 * 3600


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a path to write to; it takes the place of `path` only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    yield part
    part.replace(path)


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def export(connection: Connection, query: Select[Any], path: Path, schema: pa.Schema) -> int:
    """Write the rows of `query` to a parquet file with the columns of `schema`, in its order; returns how many."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 0
    with replacing(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for batch in connection.execute(query.execution_options(yield_per=BATCH)).partitions():
            columns = list(zip(*batch, strict=True))
            writer.write_table(
                pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
            )
            rows += len(batch)
    return rows


def write_table(path: Path, table: pa.Table) -> None:
    """Write an Arrow table to a parquet file."""
    import pyarrow.parquet as pq

    with replacing(path) as part:
        pq.write_table(table, part, compression="zstd")


def sweep(folder: Path, keep: Iterable[Path], grace: float = GRACE) -> int:
    """Delete the files below `folder` that are not in `keep` and older than `grace` seconds; returns how many."""
    kept, swept, limit = set(keep), 0, time.time() - grace
    for path in folder.rglob("*"):
        if path.is_file() and path not in kept and path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
            swept += 1
    return swept
