"""Sources that hand out lists, and misbehave on the second page of a night or, where they have no pages, all night."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.connectors import Left, Pull, fetch
from hub.landing import deliveries, land
from hub.landing.blobs import find_blob
from hub.model import Slice, Stream
from tests.connectors.edfi_server import EdFi
from tests.connectors.hostile import CANARY, Hostile, List, people, serving
from tests.connectors.test_http import pull as over_http

SLICE = Slice("maple-hollow", 2027)
NIGHT = datetime(2026, 11, 22, tzinfo=UTC)


class Lists:
    """One source, night by night: `there` is what it has, `night` lands it, `last` is what the last good night had."""

    there: set[str]

    def __init__(self, state: Path, pull: Pull) -> None:
        self.state, self.pull = state, pull

    def misbehave(self, fault: str) -> None:
        raise NotImplementedError

    def behave(self) -> None:
        raise NotImplementedError

    def add(self) -> None:
        raise NotImplementedError

    def night(self) -> set[str]:
        """The ids that came. Raises HubError."""
        pieces = (piece for piece in fetch(self.pull) if not isinstance(piece, Left))
        land(self.state, SLICE, self.pull.source, pieces, NIGHT)
        return self.last()

    def last(self) -> set[str]:
        found: set[str] = set()
        for file in deliveries(self.state, SLICE, self.pull.source)[-1].files:
            body = find_blob(self.state, SLICE.district, file.name, file.sha256, file.size).read_bytes()
            found |= self.ids(body)
        return found

    def ids(self, body: bytes) -> set[str]:
        said = json.loads(body)
        return {row["sourcedId"] for row in said["users"]}


class _Http(Lists):
    path = "/api/users"

    def __init__(self, state: Path, server: Hostile) -> None:
        super().__init__(state, over_http(server, server.lists[self.path].paging))
        self.server = server

    @property
    def there(self) -> set[str]:  # type: ignore[override]
        return {row["sourcedId"] for row in self.server.lists[self.path].rows}

    def add(self) -> None:
        self.server.lists[self.path].rows.append({"sourcedId": "z-new", "givenName": CANARY})

    def misbehave(self, fault: str) -> None:
        self.server.misbehave(self.path, fault, 2)

    def behave(self) -> None:
        self.server.faults.clear()


@contextmanager
def http(tmp_path: Path, **_: Any) -> Iterator[Lists]:
    with serving(Hostile({_Http.path: List(people(25), "users", "link")}, auth="oauth2")) as server:
        yield _Http(tmp_path, server)


class _EdFi(Lists):
    """Students by offset, ten a page; `calls` counts the pages of a night."""

    fault, calls = "", 0

    def __init__(self, state: Path, edfi: EdFi, server: Hostile) -> None:
        words = {"kind": "edfi", "url": f"{server.url}/api", "paging": {"size": 10}}
        stream = Stream("Student", "json", "", "full", (), {"request": {"path": "ed-fi/students"}, "items": ""})
        made = over_http(server, words=words)
        made.transport["auth"]["token_url"] = f"{server.url}/oauth/token"
        super().__init__(state, replace(made, streams=(stream,)))
        self.edfi, self.server = edfi, server

    @property
    def there(self) -> set[str]:  # type: ignore[override]
        return {item["id"] for _, item in self.edfi.rows["students"]}

    def add(self) -> None:
        self.edfi.put("students", {"studentUniqueId": "new", "firstName": CANARY})

    def misbehave(self, fault: str) -> None:
        self.fault, self.calls = fault, 0

    def behave(self) -> None:
        self.fault = ""

    def ids(self, body: bytes) -> set[str]:
        return {row["id"] for row in json.loads(body)}

    def own(self, handler: Any, path: str, query: dict[str, str]) -> bool:
        self.calls += path.endswith("/students")
        rows = [item for _, item in self.edfi.rows["students"]]
        if not self.fault or self.calls != 2 or not path.endswith("/students"):
            return self.edfi.answer(self.server, handler, path, query)
        start = int(query["offset"])
        if self.fault == "grows":
            self.edfi.rows["students"].insert(0, (0, {"id": "first", "studentUniqueId": "first"}))
        elif self.fault == "shrinks":
            self.edfi.rows["students"].pop(0)
        elif self.fault in ("repeated", "clamps"):
            handler.say(rows[:10] if self.fault == "repeated" else rows[start : start + 3])
            return True
        elif self.fault == "warning":
            handler.say([], 200, {"Warning": f'199 - "{CANARY}"'})
            return True
        else:
            handler._misbehave(self.fault, rows[start : start + 10], {})
            return True
        return self.edfi.answer(self.server, handler, path, query)


@contextmanager
def edfi(tmp_path: Path, **_: Any) -> Iterator[Lists]:
    server, api = Hostile({}, auth="oauth2", open=frozenset({"/api/"})), EdFi(version="7.1", cap=10)
    for number in range(25):
        api.put("students", {"studentUniqueId": f"s{number}", "firstName": CANARY})
    with serving(server):
        stage = _EdFi(tmp_path, api, server)
        server.own = stage.own
        yield stage


class _Google(Lists):
    def __init__(self, state: Path, server: Any, pull: Pull) -> None:
        super().__init__(state, replace(pull, streams=pull.streams[:1], transport={**pull.transport, "timeout": 0.3}))
        self.server = server

    @property
    def there(self) -> set[str]:  # type: ignore[override]
        return {row["id"] for row in self.server.lists["courses"]}

    def add(self) -> None:
        self.server.lists["courses"].append({"id": "new", "name": CANARY})

    def ids(self, body: bytes) -> set[str]:
        return {row["id"] for row in json.loads(body).get("courses", [])}

    def behave(self) -> None:
        self.server.wrong = {}

    def misbehave(self, fault: str) -> None:
        self.server.asked.clear()
        rows = self.server.lists["courses"]
        first, second = rows[:2], rows[2:4]
        whole = {"courses": second, "nextPageToken": "4"}
        said: dict[str, Any] = {
            "429": 429, "429-later": 429, "500": 500, "expired": 401, "cut": "cut", "slow": lambda: time.sleep(0.6),
            "grows": lambda: rows.insert(0, {"id": "first"}), "html": f"<html>{CANARY}</html>".encode(),
            "repeated": {"courses": first, "nextPageToken": "4"},
            "clamps": {"courses": second[:1], "nextPageToken": "3"}, "error": {"error": {"message": CANARY}},
            "warning": {"courses": [], "warnings": [CANARY]}, "envelope": {"something_else": second},
            "charset": json.dumps({**whole, "x": "ä"}, ensure_ascii=False).encode("latin-1"),
            "huge": json.dumps(whole).encode() + b" " * 3_000_000,
        }  # fmt: skip
        wrong = said[fault]
        self.server.wrong = {2: json.dumps(wrong).encode() if isinstance(wrong, dict) else wrong}


@contextmanager
def google(tmp_path: Path, google: Any, google_pull: Pull, **_: Any) -> Iterator[Lists]:
    yield _Google(tmp_path / "state", google, google_pull)


class _Sql(Lists):
    def __init__(self, folder: Path) -> None:
        self.path, self.number = folder / "sis.db", 5
        stream = Stream("s", "csv", "", "full", ("id",), {"request": {"query": "SELECT id, name FROM t ORDER BY id"}})
        words = {"kind": "sql", "database": {"url_env": "SIS"}}
        super().__init__(folder / "state", Pull("sis", SLICE, words, (stream,), lambda *_: f"sqlite:///{self.path}"))
        self.behave()

    @property
    def there(self) -> set[str]:  # type: ignore[override]
        return {str(n) for n in range(self.number)}

    def add(self) -> None:
        self.number += 1
        self.behave()

    def ids(self, body: bytes) -> set[str]:
        return {row["id"] for row in csv.DictReader(io.StringIO(body.decode()))}

    def behave(self) -> None:
        self.path.unlink(missing_ok=True)
        rows = ", ".join(f"({n}, '{CANARY}')" for n in range(self.number))
        self._run("CREATE TABLE t (id INTEGER, name TEXT)", f"INSERT INTO t VALUES {rows}")

    def misbehave(self, fault: str) -> None:
        if fault == "500":
            self.path.write_bytes(b"no database any more")
        elif fault == "cut":
            body = self.path.read_bytes()
            self.path.write_bytes(body[: len(body) // 2])
        else:
            self._run(
                {
                    "warning": "DELETE FROM t",
                    "envelope": "ALTER TABLE t RENAME COLUMN name TO nom",
                    "charset": "UPDATE t SET name = CAST(x'4ae4' AS TEXT)",
                    "huge": "UPDATE t SET name = hex(zeroblob(60000)) WHERE id = 3",
                }[fault]
            )

    def _run(self, *statements: str) -> None:
        engine = sa.create_engine(f"sqlite:///{self.path}", poolclass=sa.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def sql(tmp_path: Path, **_: Any) -> Iterator[Lists]:
    yield _Sql(tmp_path)


STAGES = {"http": http, "edfi": edfi, "google-api": google, "sql": sql}
