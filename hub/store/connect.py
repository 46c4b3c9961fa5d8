"""Opening a district's store, and the two ways to stand inside it: reading and writing."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, NullPool, Table, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError

from hub.errors import FixConfiguration, RetryLater, Stop
from hub.model import Entity
from hub.store.naming import schema_name
from hub.store.tables import entity_table

#: How long a writer waits for another one, in seconds.
PATIENCE = 60
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

    def table(self, entity: str) -> Table:
        """The table of an entity; raises FixConfiguration for a name the specs do not have."""
        if entity not in self.entities:
            raise FixConfiguration(f"No spec for entity {entity}.", "Check its name against schemas/.")
        with _building:
            return entity_table(self.entities[entity], self.metadata)


def open_store(url: str, district: str, entities: Mapping[str, Entity], state: Path) -> Store:
    """Open (not migrate) the store of `district`.

    `url`: "sqlite" for `<state>/store/<district>.db`, or a SQLAlchemy URL of a PostgreSQL database, in which the
    district gets a schema of its own. `state`: the hub's state directory. Raises FixConfiguration on a bad URL or id.
    """
    schema = schema_name(district)
    if url == "sqlite":
        path = state / "store" / f"{district}.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        return Store(_sqlite(path), MetaData(), district, "", entities, state)
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        backend = ""
    if backend != "postgresql":
        raise FixConfiguration(
            "The store's address is neither 'sqlite' nor a PostgreSQL URL.",
            "Write store: sqlite, or postgresql+psycopg2://user@host/database.",
        )
    return Store(_postgresql(url, schema), MetaData(), district, schema, entities, state)


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


def _postgresql(url: str, schema: str) -> Engine:
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
    with _translated(store), store.engine.connect() as connection:
        yield connection.execution_options(**isolation)


@contextmanager
def writing(store: Store) -> Iterator[Connection]:
    """One transaction with no other writer in this district. Raises RetryLater after `PATIENCE` seconds of waiting."""
    with _translated(store), store.engine.connect() as connection:
        alone = connection.execution_options(hub_writes=True)
        with alone.begin():
            if store.schema:
                alone.execute(select(func.set_config("lock_timeout", f"{PATIENCE}s", True)))
                alone.execute(select(func.pg_advisory_xact_lock(lock_number(store))))
            yield alone


@contextmanager
def _translated(store: Store) -> Iterator[None]:
    """Driver errors carry values in their text (a failed COPY quotes the line), so only their kind passes."""
    import psycopg2  # type: ignore[import-untyped]
    from psycopg2.errors import LockNotAvailable  # type: ignore[import-untyped]

    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        origin = error.orig if isinstance(error, DBAPIError) else error
        kind = type(origin).__name__
        if isinstance(origin, LockNotAvailable) or "locked" in str(origin):
            raise RetryLater(
                f"Another process has been writing to the store of {store.district} for {PATIENCE} seconds.",
                "Try again when it is done; `hub runs` shows which run it is.",
            ) from None
        if kind == "OperationalError" and store.schema:
            raise RetryLater(f"The database of {store.district} does not answer ({kind}).", "Try again.") from None
        raise Stop(
            f"The store of {store.district} refused ({kind}); nothing was changed.",
            "Run `hub sync` again; if it repeats, keep the run's directory and report it.",
        ) from None
