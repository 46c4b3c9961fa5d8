"""Columnar copies of what is published, beside the store: to compare with and to look keys up in.

The store names the right file of each and its SHA-256 (hub_snapshot, written by the publish that made it). A file that
is missing or is not the one named is made again from the store, so the directory may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, select

from hub.model import Slice
from hub.store.connect import Store, reading, writing
from hub.store.files import export, sha256_of, sweep, write_table
from hub.store.ledger_tables import SNAPSHOT
from hub.store.tables import STUDENT, columns_of

Kind = Literal["current", "known"]

_CODE = "StudentIdentificationCode"
_SYSTEM, _VALUE = "studentIdentificationSystemDescriptor", "identificationCode"


def snapshot(store: Store, slice_: Slice) -> dict[str, Path]:
    """{entity: parquet file (_key, _hash)} of what is published in this slice; empty before the first publish."""
    query = select(SNAPSHOT.c.entity).where(SNAPSHOT.c.kind == "current", SNAPSHOT.c.year == slice_.year)
    with reading(store) as connection:
        names = [
            name for name in connection.execute(query.order_by(SNAPSHOT.c.entity)).scalars() if name in store.entities
        ]
        found = {name: valid_file_on(store, connection, "current", slice_.year, name) for name in names}
    return {name: path or _valid_file(store, "current", slice_.year, name) for name, path in found.items()}


def known_keys(store: Store, entity: str) -> Path:
    """A parquet file (_key) of every key of `entity` ever published in the district: any year, ended or not."""
    return _valid_file(store, "known", 0, entity)


def identifiers(store: Store) -> Path:
    """A parquet file (system, code, studentUniqueId): how each system names each student, as last published.

    One row per system and code: what is current says whose it is, of two years the newest; within a year all that
    claim it are given, so that an ambiguous code stays visible. A code that nobody has any more stays that of who had
    it last, so that what was sent about a student who left is still known. Empty where the specs have no
    StudentIdentificationCode.
    """
    import pyarrow as pa

    schema = pa.schema([("system", pa.string()), ("code", pa.string()), (STUDENT, pa.string())])
    with reading(store) as connection:
        query = select(SNAPSHOT.c.year, SNAPSHOT.c.file, SNAPSHOT.c.sha256).where(
            SNAPSHOT.c.kind == "current", SNAPSHOT.c.entity == _CODE
        )
        state = repr(sorted(tuple(row) for row in connection.execute(query)))
        # Ids in clear: with the store and as closed as it, not among the snapshots, which hold keys and hashes only.
        folder = store.state / "store" / f"{store.district}.ids"
        path = folder / f"{hashlib.sha256(state.encode()).hexdigest()[:16]}.parquet"
        if path.is_file():
            return path
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if _CODE in store.entities:
            export(connection, _newest_codes(store), path, schema)
        else:
            write_table(path, schema.empty_table())
    path.chmod(0o600)
    sweep(folder, [path])
    return path


def _newest_codes(store: Store) -> Select[Any]:
    table, names = store.table(_CODE), columns_of(store.entities[_CODE])
    system, code, student = (table.c[names[field]] for field in (_SYSTEM, _VALUE, STUDENT))
    last = (table.c._valid_to.is_(None).desc(), table.c._year.desc(), table.c._valid_to.desc())
    place = func.rank().over(partition_by=(system, code), order_by=last).label("place")
    rows = (
        select(system.label("system"), code.label("code"), student.label("student"), place)
        .where(code.is_not(None))
        .subquery()
    )
    return select(rows.c.system, rows.c.code, rows.c.student).where(rows.c.place == 1).distinct()


def new_file(store: Store, kind: Kind, year: int, entity: str, run: str) -> Path:
    """A path no other file has: `<snapshots>/<year or known>/<Entity>.<run>.<4 hex>.parquet`."""
    folder = store.snapshots / (str(year) if kind == "current" else kind)
    return folder / f"{entity}.{run}.{uuid.uuid4().hex[:4]}.parquet"


def valid_file_on(store: Store, connection: Connection, kind: Kind, year: int, entity: str) -> Path | None:
    """The file the store points at, if it is there and untouched."""
    query = select(SNAPSHOT.c.file, SNAPSHOT.c.sha256).where(*_is(kind, year, entity))
    row = connection.execute(query).first()
    if row is None:
        return None
    path = store.snapshots / row.file
    return path if path.is_file() and sha256_of(path) == row.sha256 else None


def pointed(connection: Connection, kind: Kind, year: int, entity: str) -> bool:
    """Whether the store names a file at all: it does from the entity's first publish on."""
    return connection.execute(select(SNAPSHOT.c.entity).where(*_is(kind, year, entity))).first() is not None


def rebuild(store: Store, connection: Connection, kind: Kind, year: int, entity: str, run: str) -> Path:
    """Write the file from the store and point the store at it. The caller holds the write transaction."""
    import pyarrow as pa

    table, path = store.table(entity), new_file(store, kind, year, entity, run)
    if kind == "current":
        query = select(table.c._key, table.c._hash).where(table.c._year == year, table.c._valid_to.is_(None))
        rows = export(connection, query, path, pa.schema([("_key", pa.string()), ("_hash", pa.string())]))
    else:
        rows = export(connection, select(table.c._key).distinct(), path, pa.schema([("_key", pa.string())]))
    point_at(store, connection, kind, year, entity, run, path, rows)
    return path


def point_at(
    store: Store, connection: Connection, kind: Kind, year: int, entity: str, run: str, path: Path, rows: int
) -> None:
    """Make `path` the file of this kind, year and entity, when the transaction commits."""
    connection.execute(SNAPSHOT.delete().where(*_is(kind, year, entity)))
    connection.execute(
        SNAPSHOT.insert().values(
            kind=kind,
            year=year,
            entity=entity,
            run=run,
            file=path.relative_to(store.snapshots).as_posix(),
            rows=rows,
            sha256=sha256_of(path),
        )
    )


def pointed_at(store: Store, connection: Connection) -> Iterable[Path]:
    return [store.snapshots / name for name in connection.execute(select(SNAPSHOT.c.file)).scalars()]


def _is(kind: Kind, year: int, entity: str) -> tuple[Any, ...]:
    return SNAPSHOT.c.kind == kind, SNAPSHOT.c.year == year, SNAPSHOT.c.entity == entity


def _valid_file(store: Store, kind: Kind, year: int, entity: str) -> Path:
    store.table(entity)
    with reading(store) as connection:
        path = valid_file_on(store, connection, kind, year, entity)
    if path is not None:
        return path
    with writing(store) as connection:
        path = valid_file_on(store, connection, kind, year, entity)
        return path or rebuild(store, connection, kind, year, entity, "rebuilt")
