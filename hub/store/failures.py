"""What a database's failure asks of a person. Driver errors carry values in their text (a failed COPY quotes the line),
so only their kind passes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from hub.errors import FixConfiguration, HubError, RetryLater, Stop, full_disk

#: How long a writer waits for another one, in seconds.
PATIENCE = 60
_ADDRESS = "the address in the environment variable that store: url_env names in hub.yaml"
#: What a PostgreSQL server says of an address it answers but does not let in; it has no code for them at that point.
_NOT_LET_IN = ("password authentication failed", "no password supplied", "pg_hba.conf", "does not exist")
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
_FULL, _MAY_NOT, _READ_ONLY, _LOCKED = "53100", "42501", "25006", "55P03"
#: Classes: connection exception, operator intervention (shut down, cancelled, starting up).
_GONE = ("08", "57")


@contextmanager
def translated(district: str, place: str) -> Iterator[None]:
    """The errors of SQLite (its file is `place`) and of PostgreSQL (`place` is "") as ours.

    Raises RetryLater for a database that is away, busy or full, FixConfiguration for one that does not let the hub in
    or write, Stop for one that is damaged or refuses.
    """
    import psycopg2  # type: ignore[import-untyped]

    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        origin = error.orig if isinstance(error, DBAPIError) else error
        known = _sqlite(origin, district, place) if place else _postgresql(origin, district)
        raise known or Stop(
            f"The store of {district} refused ({type(origin).__name__}); nothing was changed.",
            "Run `hub sync` again; if it repeats, keep the run's directory and report it.",
        ) from None


def _busy(district: str) -> HubError:
    return RetryLater(
        f"Another process has been writing to the store of {district} for {PATIENCE} seconds.",
        "Try again when it is done; `hub runs` shows which run it is.",
    )


def _sqlite(error: BaseException | None, district: str, place: str) -> HubError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code; https://www.sqlite.org/rescode.html
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _busy(district)
    if code == sqlite3.SQLITE_FULL:
        return full_disk(place)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return FixConfiguration(
            f"The store {place} may not be opened or written by this account; what is published is as it was.",
            "Give the account that runs the hub write access to that file and its folder.",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Stop(
            f"The store {place} is damaged.",
            "Check the disk, move the file away, then `hub store rebuild` makes it again from what landed.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return RetryLater(
            f"The disk of {place} fails or is full; what is published is as it was.",
            "Check its free space and that it works, then run the command again.",
        )
    return None


def _postgresql(error: BaseException | None, district: str) -> HubError | None:
    from psycopg2 import InterfaceError, OperationalError

    code, said = getattr(error, "pgcode", None), str(error)
    if code == _LOCKED:
        return _busy(district)
    if code == _FULL:
        return RetryLater(
            f"The disk of the database of {district} is full; what is published is as it was.",
            "Free space on the database's machine, then run the command again.",
        )
    if code in (_MAY_NOT, _READ_ONLY):
        return FixConfiguration(
            f"The database of {district} does not let the hub write ({type(error).__name__}).",
            f"Give its account the right to create schemas and tables there, or change {_ADDRESS}.",
        )
    if not isinstance(error, OperationalError | InterfaceError):  # the latter of a connection that is already gone
        return None
    if code is None and any(words in said for words in _NOT_LET_IN):
        return FixConfiguration(
            f"The database of {district} answers, but does not let the hub in.",
            f"Check the account, password and database in {_ADDRESS}.",
        )
    if code is not None and code[:2] not in _GONE:
        return RetryLater(
            f"The database of {district} broke off ({type(error).__name__}); what is published is as it was.",
            "Look at the database's own log, then run the command again.",
        )
    return RetryLater(
        f"The database of {district} does not answer; what is published is as it was.",
        f"See that it runs and can be reached from here; the hub uses {_ADDRESS}.",
    )
