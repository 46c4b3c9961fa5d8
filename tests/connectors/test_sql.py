"""Rows of real databases: exactly what the SELECT gives, read only, or a clear reason."""

from __future__ import annotations

import csv
import gc
import io
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from mariadb_server import mariadb
from sqlalchemy.dialects import mssql, oracle

from hub.connectors import Pull, fetch, sql
from hub.connectors.queries import one_select
from hub.errors import AskVendor, FixConfiguration, HubError, RetryLater
from hub.model import Slice, Stream, StreamAgain, StreamEnd
from hub.standards.vendors.sources import load_source

SLICE = Slice("maple-hollow", 2026)
CANARY = "Zqcanary"


@pytest.fixture(scope="module")
def maria() -> Iterator[str]:
    with mariadb() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres), "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sis.db"
    name = "maria" if request.param == "mariadb" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def table(url: str) -> Iterator[sa.Table]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    made = sa.Table(
        f"t_{uuid.uuid4().hex[:8]}",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(200)),
        sa.Column("born", sa.Date),
        sa.Column("changed", sa.DateTime),
        sa.Column("score", sa.Numeric(12, 3)),
        sa.Column("passed", sa.Boolean),
    )
    made.create(engine)
    made.info["engine"] = engine
    yield made
    made.drop(engine)
    engine.dispose()


def put(table: sa.Table, *rows: dict[str, Any]) -> None:
    with table.info["engine"].begin() as connection:
        connection.execute(table.insert(), list(rows))


def row(n: int, **changes: Any) -> dict[str, Any]:
    made = {"id": n, "name": f"n{n}", "born": date(2015, 3, 4), "changed": datetime(2026, 10, 1, 8, n % 60)}
    return {**made, "score": Decimal("1.500"), "passed": True, **changes}


def asked(url: str, request: dict[str, Any], **words: Any) -> Pull:
    stream = Stream("s", "csv", "", "full", ("id",), {"request": request})
    transport = {"kind": "sql", "database": {"url_env": "SIS"}, "timeout": 5}
    return Pull("sis", SLICE, transport, (stream,), lambda name, key: url, slices={SLICE: 4410}, **words)


def rows_of(pieces: list[Any], keys: bool = False) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for piece in pieces:
        if not isinstance(piece, StreamEnd | StreamAgain) and ("/keys/" in piece.name) is keys:
            found += csv.DictReader(io.StringIO(piece.open().read().decode(), newline=""))
    return found


def test_every_value_comes_as_text(url: str, table: sa.Table) -> None:
    put(table, row(1, name='Zoë, "x"\nÁ'), row(2, name=None, born=None, changed=None, score=None, passed=None))
    found = rows_of(list(fetch(asked(url, {"query": f"SELECT * FROM {table.name} ORDER BY id"}))))
    exact = "sqlite" not in url
    truth = "true" if "postgresql" in url else "1"
    assert found[0]["name"] == 'Zoë, "x"\nÁ'
    assert (found[0]["id"], found[0]["born"], found[0]["passed"]) == ("1", "2015-03-04", truth)
    assert found[0]["score"] == ("1.500" if exact else "1.5")
    assert datetime.fromisoformat(found[0]["changed"]) == datetime(2026, 10, 1, 8, 1)
    assert [v for k, v in found[1].items() if k != "id"] == [""] * 5


def test_parameters_are_bound(url: str, table: sa.Table) -> None:
    put(table, row(2026), row(4410), row(7))
    query = f"SELECT id FROM {table.name} WHERE id IN (:year, :district) ORDER BY id"
    assert [r["id"] for r in rows_of(list(fetch(asked(url, {"query": query}))))] == ["2026", "4410"]
    with pytest.raises(FixConfiguration, match="parameter :nobody that nothing gives"):
        list(fetch(asked(url, {"query": f"SELECT id FROM {table.name} WHERE id = :nobody"})))


def test_rows_come_in_batches_and_none_is_lost(url: str, table: sa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "_BATCH", 7)
    put(table, *[row(n) for n in range(1, 24)])
    pieces = list(fetch(asked(url, {"query": f"SELECT id FROM {table.name} ORDER BY id"})))
    assert [getattr(p, "name", "end") for p in pieces] == [*(f"s/{n:06}.csv" for n in range(1, 5)), "end"]
    assert [int(r["id"]) for r in rows_of(pieces)] == list(range(1, 24))


def test_changes_then_all_again(url: str, table: sa.Table) -> None:
    put(table, row(1), row(2))
    request = {
        "query": f"SELECT * FROM {table.name} ORDER BY id",
        "changes": f"SELECT * FROM {table.name} WHERE changed >= :since ORDER BY id",
        "keys": f"SELECT id FROM {table.name} ORDER BY id",
        "watermark": "changed",
        "full_every": 2,
    }
    if url.startswith("sqlite"):  # it keeps a moment as text
        request["changes"] = request["changes"].replace(":since", "substr(:since, 1)")
    since: dict[str, Any] = {}
    told = []
    for night in range(4):
        put(table, row(10 + night))
        pieces = list(fetch(asked(url, request, since=since)))
        (end,) = (p for p in pieces if isinstance(p, StreamEnd))
        since = {"s": end.cursor}
        told.append((end.scope, [int(r["id"]) for r in rows_of(pieces)], len(rows_of(pieces, keys=True))))
    assert told[0] == ("full", [1, 2, 10], 3)
    assert told[1] == ("delta", [10, 11], 4)
    assert told[2] == ("full", [1, 2, 10, 11, 12], 5)
    assert told[3] == ("delta", [12, 13], 6)


NOT_A_SELECT = [
    "DELETE FROM x", "UPDATE x SET a = 1", "INSERT INTO x VALUES (1)", "SELECT 1; DROP TABLE x", "DROP TABLE x", "",
    "SELECT * INTO y FROM x", "WITH d AS (DELETE FROM x RETURNING *) SELECT * FROM d", "SELECT * FROM x FOR UPDATE",
    "CALL f()", "SET a = 1", "COPY x TO '/tmp/x'", "TRUNCATE TABLE x", f"SELECT '{CANARY}",
    "EXPLAIN ANALYZE DELETE FROM x",
    "GRANT ALL ON x TO y", "PRAGMA query_only = OFF", "BEGIN", "ATTACH 'x' AS y",
    "SELECT * FROM x INTO OUTFILE '/tmp/y'", "SELECT 1 /*! INTO OUTFILE '/tmp/y' */", "SELECT 1 /*!50000 FOR UPDATE*/",
    "/*M!100000 DELETE FROM x; */ SELECT 1",
]  # fmt: skip


@pytest.mark.parametrize("query", NOT_A_SELECT)
@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite", "mssql", "oracle"])
def test_only_one_select_is_asked(query: str, dialect: str) -> None:
    with pytest.raises(FixConfiguration, match="is not one SELECT") as refused:
        one_select(query, dialect, "sis")
    assert CANARY not in str(refused.value)


def test_the_transaction_cannot_write(url: str, table: sa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    put(table, row(1))
    monkeypatch.setattr(sql, "one_select", lambda query, dialect, where: query)
    with pytest.raises(HubError):
        list(fetch(asked(url, {"query": f"DELETE FROM {table.name}"})))
    with table.info["engine"].connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() == 1


@pytest.mark.parametrize(
    ("change", "kind", "why"),
    [
        ({"query": "SELECT * FROM t_none"}, FixConfiguration, "refuses the query"),
        ({"query": "SELECT id, renamed FROM {}"}, FixConfiguration, "refuses the query"),
        ({"query": "SELECT id FROM {} WHERE id > 99"}, AskVendor, "gave no rows"),
        ({"query": "SELECT id, id FROM {}"}, FixConfiguration, "two columns one name"),
        ({"query": "SELECT id FROM {}", "watermark": "changed"}, FixConfiguration, "does not give its watermark"),
    ],
)
def test_what_cannot_be_asked_says_why(
    url: str, table: sa.Table, change: dict[str, str], kind: type[HubError], why: str
) -> None:
    put(table, row(1, name=CANARY))
    request = {key: value.format(table.name) for key, value in change.items()}
    with pytest.raises(HubError, match=why) as refused:
        list(fetch(asked(url, request)))
    assert isinstance(refused.value, kind)
    assert refused.value.message.startswith("sis")
    assert refused.value.remedy.endswith(".")
    assert CANARY not in str(refused.value)


def test_a_binary_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FixConfiguration, match="sis, stream s: Column b of a query is binary"):
        list(fetch(asked(f"sqlite:///{tmp_path}/x.db", {"query": "SELECT x'00ff' AS b"})))


@pytest.mark.parametrize("address", ["nonsense", "nodb://x", f"mysql+nodriver://u:{CANARY}@h/d"])
def test_an_address_that_is_none_is_never_repeated(address: str) -> None:
    with pytest.raises(FixConfiguration, match="SIS holds no address") as refused:
        list(fetch(asked(address, {"query": "SELECT 1"})))
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("driver", ["postgresql+psycopg2", "mysql+pymysql"])
def test_a_database_that_is_away_is_tried_again(driver: str) -> None:
    with pytest.raises(RetryLater, match="away, or the connection was cut") as refused:
        list(fetch(asked(f"{driver}://u:{CANARY}@127.0.0.1:1/d", {"query": "SELECT 1"})))
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres), "mariadb"])
def test_a_database_that_is_not_there_says_so(kind: str, request: pytest.FixtureRequest) -> None:
    address = sa.make_url(request.getfixturevalue("maria" if kind == "mariadb" else "postgres_url"))
    with pytest.raises(FixConfiguration, match="refuses the login") as refused:
        list(fetch(asked(str(address.set(database="nowhere")), {"query": "SELECT 1"})))
    assert "database in the address" in refused.value.remedy


def test_a_wrong_password_says_so(maria: str) -> None:
    wrong = maria.replace("root@", f"root:{CANARY}@")
    with pytest.raises(FixConfiguration, match="refuses the login") as refused:
        list(fetch(asked(wrong, {"query": "SELECT 1"})))
    assert CANARY not in str(refused.value)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres), "mariadb"])
def test_a_connection_that_drops_in_mid_stream_gives_no_end(kind: str, request: pytest.FixtureRequest) -> None:
    url = str(request.getfixturevalue("maria" if kind == "mariadb" else "postgres_url"))
    many = {
        "postgresql": "SELECT n, repeat('x', 100) AS t FROM generate_series(1, 400000) AS g(n)",
        "mariadb": "SELECT seq AS n, repeat('x', 100) AS t FROM seq_1_to_400000",
    }[kind]
    killing = {
        "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'FETCH%'",
        "mariadb": "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT seq AS n%'",
    }[kind]
    pieces = fetch(asked(url, {"query": many}))
    next(pieces)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as other:
        for (found,) in other.exec_driver_sql(killing.replace("%", "%%")).fetchall():
            if kind == "mariadb":
                other.exec_driver_sql(f"KILL CONNECTION {found}")
    engine.dispose()
    with pytest.raises(RetryLater, match="the connection was cut"):
        list(pieces)
    del pieces
    gc.collect()  # PyMySQL's cursor stumbles over its lost connection when it is swept away


def test_a_query_that_was_cut_off_starts_anew(url: str, table: sa.Table) -> None:
    put(table, row(1))
    query = {"query": f"SELECT id FROM {table.name}"}
    assert isinstance(next(iter(fetch(asked(url, query, resume={"s": 3})))), StreamAgain)
    assert list(fetch(asked(url, query, ended=frozenset({"s"})))) == []


@pytest.mark.parametrize("dialect", [mssql.dialect(), oracle.dialect()], ids=["mssql", "oracle"])
def test_the_example_is_understood_by_other_databases(dialect: sa.Dialect) -> None:
    for stream in load_source("sis-sql").streams:
        for word in ("query", "changes", "keys"):
            if word in stream.options["request"]:
                query = one_select(stream.options["request"][word], dialect.name, "sis")
                assert "school_year" in str(sa.text(query).compile(dialect=dialect))
