"""Opening a district's store, and the two ways to stand inside it: reading and writing."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, MetaData, NullPool, Table, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError

from hub.errors import FixConfiguration, of_disk
from hub.model import Entity
from hub.store.failures import PATIENCE, translated
from hub.store.naming import schema_name
from hub.store.tables import entity_table

#: Of an SQLite file, in bytes. A result of an assessment is 8 KB and takes three pages of the default 4,096: with these
#: a large night is staged and inserted in two thirds of the CPU time, into a file a sixth larger.
PAGE_SIZE = 32_768

_building = threading.Lock()


@dataclass(frozen=True)
class Store:
    """One district's store. `schema` is "" in SQLite, where the file is the district's own."""

    engine: Engine
    metadata: MetaData
    district: str
    schema: str
    entities: Mapping[str, Entity]
    state: Path

    @property
    def snapshots(self) -> Path:
        return self.state / "snapshots" / self.district

    @property
    def place(self) -> str:
        """The file of an SQLite store; "" in PostgreSQL, whose address may hold a password."""
        return "" if self.schema else str(self.engine.url.database)

    def table(self, entity: str) -> Table:
        """The table of an entity; raises FixConfiguration for a name the specs do not have."""
        if entity not in self.entities:
            raise FixConfiguration(f"No spec for entity {entity}.", "Check its name against schemas/.")
        with _building:
            return entity_table(self.entities[entity], self.metadata)


def open_store(url: str, district: str, entities: Mapping[str, Entity], state: Path) -> Store:
    """Open (not migrate) the store of `district`.

    `url`: "sqlite" for `<state>/store/<district>.db`, or a SQLAlchemy URL of a PostgreSQL database, in which the
    district gets a schema of its own. `state`: the hub's state directory. Raises FixConfiguration on a bad URL or
    id, or a folder that may not be written.
    """
    schema = schema_name(district)
    if url == "sqlite":
        path = state / "store" / f"{district}.db"
        _make(path.parent)
        return Store(_sqlite(path), MetaData(), district, "", entities, state)
    return Store(_postgresql(_address(url), schema), MetaData(), district, schema, entities, state)


def _address(url: str) -> URL:
    """A PostgreSQL URL as libpq or any driver of SQLAlchemy writes it, for the one driver that the hub comes with."""
    try:
        address = make_url(url)
    except ArgumentError:
        address = URL.create("")
    if address.drivername.partition("+")[0] not in ("postgresql", "postgres"):
        raise FixConfiguration(
            "The store's address is neither 'sqlite' nor a PostgreSQL URL.",
            "Write store: sqlite, or postgresql://user@host/database.",
        )
    return address.set(drivername="postgresql+psycopg2")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise of_disk(error, folder) or FixConfiguration(
            f"The folder {folder} cannot be made ({error.strerror}).", "Set state: in hub.yaml to another folder."
        ) from None


def _sqlite(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", poolclass=NullPool, hide_parameters=True, connect_args={"timeout": PATIENCE}
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own transactions begin late and skip DDL: begin them ourselves.
        connection.isolation_level = None
        connection.execute(f"PRAGMA page_size={PAGE_SIZE}")  # of a new file; before its first write
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA cache_size=-256000")  # KiB: the indexes of a large district stay in memory

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("hub_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL, schema: str) -> Engine:
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "connect", insert=True)
    def _prepare(connection: Any, _record: Any) -> None:
        # Only this district's schema is on the path: another district's table cannot even be named by accident.
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('search_path', quote_ident(%s), false)", (schema,))
        connection.commit()

    return engine


def lock_number(store: Store) -> int:
    """The advisory lock of a district's schema in PostgreSQL, a signed 64-bit number."""
    digest = hashlib.sha256(f"hub store {store.schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@contextmanager
def reading(store: Store) -> Iterator[Connection]:
    """A connection that sees one state of the store from its first to its last query."""
    isolation = {} if store.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with translated(store.district, store.place), store.engine.connect() as connection:
        yield connection.execution_options(**isolation)


@contextmanager
def writing(store: Store) -> Iterator[Connection]:
    """One transaction with no other writer in this district. Raises RetryLater after `PATIENCE` seconds of waiting."""
    with translated(store.district, store.place), store.engine.connect() as connection:
        alone = connection.execution_options(hub_writes=True)
        with alone.begin():
            if store.schema:
                alone.execute(select(func.set_config("lock_timeout", f"{PATIENCE}s", True)))
                alone.execute(select(func.pg_advisory_xact_lock(lock_number(store))))
            yield alone
