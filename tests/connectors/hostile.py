"""A real HTTP server on loopback that hands out lists like a SIS or LMS, and misbehaves where it is told to."""

from __future__ import annotations

import base64
import json
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.connectors.loopback import answering
from tests.connectors.token_server import CLIENT, SECRET, TokenServer, signed

CANARY = "Canarywhistle"  # a pupil's name that no log, error or report may hold

#: How it can misbehave. Each is (what it is told, which page it befalls).
FAULTS = (
    "429", "429-later", "429-forever", "500", "500-forever", "slow", "cut", "cut-forever", "repeated", "grows",
    "shrinks", "clamps", "html", "error", "warning", "envelope", "relative", "foreign", "expired", "charset", "latin",
    "huge", "total-more", "total-less", "no-total", "redirect", "refused", "dropped", "nan", "torn",
)  # fmt: skip
#: Those that take long, each with a test of its own.
COSTLY = ("drip", "bomb", "429-date")


@dataclass
class List:
    """One list: rows, the key of its envelope ("" for none) and how it is handed out."""

    rows: list[dict[str, Any]]
    envelope: str = ""
    paging: str = "offset"  # offset, page, link, token, none
    cap: int = 1000
    key: str = "sourcedId"

    def shown(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """The rows that a query asks for."""
        return self.rows


@dataclass
class Hostile:
    """`faults` maps a path to (fault, the page from 1 that it befalls). `asked` is every request, as (path, query)."""

    lists: dict[str, List]
    auth: str = "none"  # oauth2, oauth1, bearer, key, basic
    faults: dict[str, tuple[str, int]] = field(default_factory=dict)
    tokens: TokenServer = field(default_factory=TokenServer)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    own: Callable[[Any, str, dict[str, str]], bool] | None = None  # routes of another kind of server
    open: frozenset[str] = frozenset()  # paths that nobody needs a key for
    url: str = ""

    def misbehave(self, path: str, fault: str, page: int = 1) -> None:
        assert fault in FAULTS + COSTLY
        if fault == "bomb":
            bomb()  # while nobody waits for it
        self.faults[path] = (fault, page)
        self.seen.clear()


@contextmanager
def serving(hostile: Hostile) -> Iterator[Hostile]:
    class Handler(_Handler):
        plan = hostile

    server = _Server(("127.0.0.1", 0), Handler)
    hostile.url = f"http://127.0.0.1:{server.server_port}"
    with answering(server):
        yield hostile


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that has heard enough hangs up."""


class _Handler(BaseHTTPRequestHandler):
    plan: Hostile
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        if path.endswith("/token"):
            status, said = self.plan.tokens.token(self.plan.url + self.path, body, self.headers)
            return self.say(said, status)
        return self._answer(json.loads(body or b"{}"))

    def do_GET(self) -> None:
        self._answer({})

    def _answer(self, _body: Any) -> None:
        parts = urlsplit(self.path)
        query = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        self.plan.asked.append((parts.path, query))
        self.plan.times.append(time.monotonic())
        if parts.path not in self.plan.open and not self._allowed():
            return self.say({"message": "who are you?"}, 401)
        if self.plan.own is not None and self.plan.own(self, parts.path, query):
            return None
        found = self.plan.lists.get(parts.path)
        if found is None:
            return self.say({"message": "nothing here"}, 404)
        page = self.plan.seen[parts.path] = self.plan.seen.get(parts.path, 0) + 1
        fault, at = self.plan.faults.get(parts.path, ("", 0))
        forever = fault.endswith("-forever") and page >= at
        return self._list(parts.path, query, found, fault if page == at or forever else "")

    def _allowed(self) -> bool:
        said, kind = self.headers.get("Authorization", ""), self.plan.auth
        if kind == "oauth2":
            return self.plan.tokens.knows(said)
        if kind == "oauth1":
            return signed(self.plan.url + self.path, {"Authorization": said})
        if kind == "bearer":
            return said == f"Bearer {SECRET}"
        if kind == "key":
            return self.headers.get("X-API-Key") == SECRET
        if kind == "basic":
            return said == "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        return True

    def _list(self, path: str, query: dict[str, str], found: List, fault: str) -> None:
        if fault in ("grows", "shrinks"):
            found.rows[:] = (
                [{**found.rows[0], found.key: "new-row"}, *found.rows] if fault == "grows" else found.rows[1:]
            )
        asked = int(query.get("limit", found.cap))
        size = min(asked, found.cap, 3 if fault == "clamps" else asked)
        start = self._start(found, query, size)
        if fault == "repeated":
            start = max(0, start - size)
        shown = found.shown(query)
        rows = shown[start:] if found.paging == "none" else shown[start : start + size]
        total = len(shown) + {"total-more": 7, "total-less": -7}.get(fault, 0)
        headers = {} if fault == "no-total" else {"X-Total-Count": str(total)}
        body: Any = {found.envelope: rows} if found.envelope else rows
        after = start + len(rows)
        if after < len(shown) and found.paging == "token":
            body = {**body, "nextPageToken": f"t{after}"}
        if after < len(shown) and found.paging == "link":
            link = f"{path}?{urlencode({'limit': asked, 'bookmark': after})}"
            whole = {"relative": link, "foreign": f"https://elsewhere.example.org{link}"}.get(
                fault, self.plan.url + link
            )
            headers["Link"] = f'<{whole}>; rel="next", <{self.plan.url}{path}>; rel="first"'
        elif found.paging == "link":
            headers["Link"] = f'<{self.plan.url}{path}>; rel="first"'
        self._misbehave(fault, body, headers)

    def _start(self, found: List, query: dict[str, str], size: int) -> int:
        if found.paging == "page":
            return (int(query.get("page", 1)) - 1) * size
        if found.paging == "token":
            return int(query.get("pageToken", "t0")[1:])
        return int(query.get("bookmark", 0)) if found.paging == "link" else int(query.get("offset", 0))

    def _misbehave(self, fault: str, body: Any, headers: dict[str, str]) -> None:
        whole = json.dumps(body).encode()
        if fault.startswith("429"):
            date = formatdate(time.time() + 2, usegmt=True)  # of whole seconds: one at least is waited
            later = {"429-later": {"Retry-After": "9999"}, "429-date": {"Retry-After": date}}.get(fault, {})
            return self.say({"name": CANARY}, 429, later)
        if fault.startswith("500"):
            return self.say({"name": CANARY}, 500)
        if fault == "drip":  # a byte now and then: no read of it ever takes too long
            self._head(200, {**headers, "Content-Length": str(len(whole))})
            for at in range(len(whole)):
                self.wfile.write(whole[at : at + 1])
                time.sleep(0.05)
            return None
        if fault == "bomb":
            return self._raw(bomb(), {**headers, "Content-Encoding": "gzip"}, "application/json")
        if fault == "slow":
            time.sleep(0.6)
        if fault.startswith("cut"):
            self._head(200, {**headers, "Content-Length": str(len(whole))})
            self.wfile.write(whole[: len(whole) // 2])
            self.close_connection = True
            return None
        if fault == "torn":  # cut off where nothing tells how long it should be
            self._head(200, {**headers, "Connection": "close"})
            self.wfile.write(whole[: len(whole) // 2])
            self.close_connection = True
            return None
        if fault == "dropped":
            self.connection.close()
            return None
        if fault == "expired":
            self.plan.tokens.expire()
            return self.say({"message": "expired"}, 401)
        if fault == "refused":
            return self.say({"name": CANARY}, 403)
        if fault == "redirect":
            return self.say({}, 302, {"Location": "https://elsewhere.example.org/login"})
        if fault == "html":
            return self._raw(f"<html>Welcome back, {CANARY}</html>".encode(), headers, "text/html")
        if fault == "error":
            body = {"exception": "access_exception", "errorcode": CANARY, **(body if isinstance(body, dict) else {})}
        if fault == "warning":
            body = {**{k: [] for k in body}, "warnings": [{"item": CANARY}]}
        if fault == "envelope":
            body = {"something_else": body}
        if fault == "latin":
            text = json.dumps(body, ensure_ascii=False).replace("a", "ä")
            return self._raw(text.encode("latin-1", "replace"), headers, "application/json")
        if fault == "charset":
            return self._raw(json.dumps(body, ensure_ascii=False).encode(), headers, "application/json; charset=utf-16")
        if fault == "huge":
            return self._raw(b'{"padding": "' + b"x" * 3_000_000 + b'"}', headers, "application/json")
        if fault == "nan":
            return self._raw(b'{"users": [NaN]}', headers, "application/json")
        return self.say(body, 200, headers)

    def say(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._raw(json.dumps(body).encode(), headers or {}, "application/json", status)

    def _raw(self, body: bytes, headers: dict[str, str], kind: str, status: int = 200) -> None:
        self._head(status, {"Content-Type": kind, **headers, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@cache
def bomb() -> bytes:
    """200 MB of nothing, packed."""
    squeeze = zlib.compressobj(1, wbits=31)
    return b"".join([*(squeeze.compress(bytes(1_000_000)) for _ in range(200)), squeeze.flush()])


def people(count: int) -> list[dict[str, Any]]:
    """Rows of pupils who do not exist, in the order of their ids."""
    return [{"sourcedId": f"u{n:05}", "givenName": CANARY, "familyName": f"Bird {n}"} for n in range(count)]
