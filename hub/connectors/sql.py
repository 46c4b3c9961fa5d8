"""Rows of a database, asked for by the SELECTs of the vendor's folder: read only, one transaction, batch by batch."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa
from sqlalchemy import exc

from hub.connectors.pulling import Page, Pull
from hub.connectors.queries import one_select
from hub.errors import AskVendor, FixConfiguration, HubError, RetryLater
from hub.model import Stream, StreamAgain, StreamEnd

_BATCH = 50_000  # rows held at once
_REFUSED = ("password authentication failed", "(1044,", "(1045,", "(1049,", "(18456,", "(4060,", "Login failed",
            "ORA-01017", "no pg_hba.conf")  # fmt: skip
#: What MySQL's driver gives the class of a lost connection, although the query is wrong: an unknown column, a table or
#: a column that the account may not read.
_WRONG_QUERY = (1054, 1142, 1143)
_READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
_SNAPSHOT = {"postgresql": "REPEATABLE READ", "mysql": "REPEATABLE READ", "mariadb": "REPEATABLE READ"}


def fetch(pull: Pull) -> Iterator[Page | StreamEnd | StreamAgain]:
    """Every stream that has a `request:`, one query after the other, as they stood at one moment where the database
    can hold still. A page is some rows as CSV, all values as text; its position is its number: a query that is cut
    off is asked anew.

    A stream with `changes` and a cursor is asked for what changed since; without, and every so many pulls, whole.
    Raises RetryLater when the database is away or drops the connection, AskVendor for a query without a row,
    FixConfiguration for a login, driver or query that is refused, and for what is not one SELECT.
    """
    asked = [s for s in pull.streams if "request" in s.options and s.name not in pull.ended]
    if not asked:
        return
    with _connected(pull) as connection:
        for stream in asked:
            if stream.name in pull.resume:
                yield StreamAgain(stream.name)
            with _told(pull, f"stream {stream.name}"):
                yield from _stream(pull, stream, connection)


def _stream(pull: Pull, stream: Stream, connection: sa.Connection) -> Iterator[Page | StreamEnd]:
    request, cursor = stream.options["request"], pull.since.get(stream.name)
    pulls = cursor["pulls"] if cursor else 0
    delta = "changes" in request and cursor is not None and pulls < int(request.get("full_every", 7))
    since = _read(cursor) if delta and cursor is not None else None
    newest, total = since, 0
    for batch in _batches(pull, stream, connection, request["changes" if delta else "query"], {"since": since}):
        if "watermark" in request:
            newest = _newest(pull, stream, request["watermark"], batch, newest)
        total += batch.rows
        yield Page(f"{stream.name}/{batch.number:06}.csv", batch.csv(), stream.name, batch.number)
    if not total and not delta and not request.get("may_be_empty"):
        raise AskVendor(
            f"{pull.source}: the query of {stream.name} gave no rows; an empty answer never deletes.",
            "Check the query and the rights of the account; say `may_be_empty: true` where none is possible.",
        )
    if "keys" in request:
        for batch in _batches(pull, stream, connection, request["keys"], {}):
            number = 1_000_000 + batch.number
            yield Page(f"{stream.name}/keys/{batch.number:06}.csv", batch.csv(), stream.name, number)
    cursor = {"pulls": pulls + 1 if delta else 1, **_written(newest)} if "watermark" in request else None
    yield StreamEnd(stream.name, "delta" if delta else "full", cursor)


@dataclass(frozen=True)
class _Rows:
    number: int
    names: tuple[str, ...]
    columns: list[tuple[Any, ...]]

    @property
    def rows(self) -> int:
        return len(self.columns[0])

    def csv(self) -> bytes:
        out = io.BytesIO()
        table = pa.table({name: _texts(name, values) for name, values in zip(self.names, self.columns, strict=True)})
        pa.csv.write_csv(table, out, pa.csv.WriteOptions(quoting_style="needed"))
        return out.getvalue()


def _batches(
    pull: Pull, stream: Stream, connection: sa.Connection, query: str, more: dict[str, Any]
) -> Iterator[_Rows]:
    statement = sa.text(one_select(query, connection.dialect.name, f"{pull.source}, stream {stream.name}"))
    facts = {"year": pull.slice.year, "district": pull.slices.get(pull.slice, pull.slice.district), **more}
    bound = {name: facts[name] for name in statement._bindparams if name in facts}
    unknown = sorted(set(statement._bindparams) - set(facts))
    if unknown:
        raise FixConfiguration(
            f"{pull.source}, stream {stream.name}: the query has a parameter :{unknown[0]} that nothing gives.",
            "Use :year, :district and, in `changes`, :since; write two colons of a cast as CAST(... AS ...).",
        )
    with connection.execution_options(stream_results=True, max_row_buffer=_BATCH).execute(statement, bound) as result:
        names = tuple(result.keys())
        if len(set(names)) < len(names):
            raise FixConfiguration(
                f"{pull.source}, stream {stream.name}: the query gives two columns one name.", "Name each with AS."
            )
        for number, rows in enumerate(iter(lambda: result.fetchmany(_BATCH), []), start=1):
            yield _Rows(number, names, list(zip(*rows, strict=True)))


def _texts(name: str, values: Sequence[Any]) -> Any:
    """A column as text. Its kinds are those of this batch: databases differ in what they hand out."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {str}:
        return pa.array(values, pa.string())
    if kinds in ({bool}, {date}) or (kinds == {int} and all(v is None or -(2**63) <= v < 2**63 for v in values)):
        return pa.array(values).cast(pa.string())
    return pa.array([None if value is None else _text(name, value) for value in values], pa.string())


def _text(name: str, value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        raise FixConfiguration(f"Column {name} of a query is binary.", "Leave it out of the query.")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(value)


def _newest(pull: Pull, stream: Stream, column: str, batch: _Rows, newest: Any) -> Any:
    if column not in batch.names:
        raise FixConfiguration(
            f"{pull.source}, stream {stream.name}: the query does not give its watermark {column}.", "Select it."
        )
    found = [v for v in batch.columns[batch.names.index(column)] if v is not None]
    return max([*found, *([] if newest is None else [newest])], default=None)


def _written(value: Any) -> dict[str, Any]:
    kinds = {datetime: "datetime", date: "date", Decimal: "number"}
    return {"kind": kinds.get(type(value), "plain"), "since": str(value) if type(value) in kinds else value}


def _read(cursor: dict[str, Any]) -> Any:
    kinds: dict[str, Any] = {"datetime": datetime.fromisoformat, "date": date.fromisoformat, "number": Decimal}
    return kinds.get(cursor["kind"], lambda value: value)(cursor["since"])


@contextmanager
def _connected(pull: Pull) -> Iterator[sa.Connection]:
    name = pull.transport["database"]["url_env"]
    address = pull.secret(name, f"sources.{pull.source}.database.url_env")
    timeout = int(pull.transport.get("timeout", 60))
    waits = {"psycopg2": {"connect_timeout": timeout}, "pymysql": {"connect_timeout": timeout, "read_timeout": 3600}}
    try:
        url = sa.make_url(address)
        dialect = url.get_dialect()
        engine = sa.create_engine(
            url, poolclass=sa.NullPool, hide_parameters=True, connect_args=waits.get(dialect.driver, {})
        )
    except (exc.ArgumentError, exc.NoSuchModuleError, ModuleNotFoundError, ValueError):
        raise FixConfiguration(
            f"{pull.source}: {name} holds no address of a database whose driver is installed.",
            "Write it as dialect+driver://user:password@host/database and install the driver.",
        ) from None
    with _told(pull, "the connection"):
        connection = engine.connect()
    try:
        with _told(pull, "the connection"):
            if dialect.name in _SNAPSHOT:
                connection = connection.execution_options(isolation_level=_SNAPSHOT[dialect.name])
            if dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
            elif dialect.name in _READ_ONLY:
                connection.exec_driver_sql(_READ_ONLY[dialect.name])
                if dialect.name != "oracle":
                    connection.rollback()  # it holds for transactions that begin after it
        yield connection
    finally:
        connection.close()
        engine.dispose()


@contextmanager
def _told(pull: Pull, what: str) -> Iterator[None]:
    """Errors of the database in the hub's words: its own text may hold the address or a value."""
    try:
        yield
    except (exc.DBAPIError, OSError) as error:
        raise _error(pull, what, error) from None
    except FixConfiguration as error:
        prefix = "" if error.message.startswith(pull.source) else f"{pull.source}, {what}: "
        raise FixConfiguration(prefix + error.message, error.remedy) from None


def _error(pull: Pull, what: str, error: exc.DBAPIError | OSError) -> HubError:
    original = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    kind = type(original).__name__
    unknown = what == "the connection" and "does not exist" in str(original)  # PostgreSQL, of a role or a database
    if unknown or any(word in str(original) for word in _REFUSED):
        return FixConfiguration(
            f"{pull.source}: the database refuses the login ({kind}).",
            "Check user, password and database in the address.",
        )
    wrong = isinstance(error, exc.ProgrammingError | exc.NotSupportedError | exc.DataError | exc.InternalError)
    number = original.args[0] if original.args else None
    if wrong or number in _WRONG_QUERY or getattr(original, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return FixConfiguration(
            f"{pull.source}, {what}: the database refuses the query ({kind}).",
            "Run it there by hand as the account of the hub: a name, a right or a type is wrong.",
        )
    return RetryLater(
        f"{pull.source}, {what}: the database is away, or the connection was cut ({kind}).",
        "Check that it is up and reachable from here, then sync again.",
    )
