"""One file from a web server that misbehaves: the exact bytes, or a reason."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hub.connectors import Pull, fetch
from hub.errors import FixConfiguration, HubError, RetryLater
from hub.model import Slice
from tests.connectors.loopback import answering

BODY = bytes(range(256)) * 4000
RETRY = {"times": 2, "backoff": 0.05}
SECRETS = {"TOKEN": "s3cret-token", "USER": "feeds", "PASSWORD": "correct horse"}


class _Server(ThreadingHTTPServer):
    mode, asked = "", 0


class _Files(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked += 1
        mode, at = self.server.mode, 0
        allowed = self.headers.get("Authorization", "") in ("Bearer s3cret-token", "Basic ZmVlZHM6Y29ycmVjdCBob3JzZQ==")
        if mode == "login" and not allowed:
            return self._short(401)
        if mode.isdecimal():
            return self._short(int(mode))
        if mode == "busy" and self.server.asked < 3:
            return self._short(503)
        if self.headers.get("Range") and self.headers.get("If-Range") == '"v1"' and mode != "changes":
            at = int(self.headers["Range"][6:-1])
        self.send_response(206 if at else 200)
        self.send_header("Content-Type", "text/html" if mode == "page" else "application/zip")
        self.send_header("Content-Length", str(len(BODY) - at))
        if mode != "no tag":
            self.send_header("ETag", '"v1"')
        self.end_headers()
        cut = (mode in ("cut once", "changes", "no tag") and self.server.asked == 1) or mode == "cut always"
        self.wfile.write(BODY[at : at + (0 if mode == "cut always" else 300_000)] if cut else BODY[at:])
        if cut:
            self.wfile.flush()
            self.connection.close()
        self.close_connection = True
        return None

    def _short(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def server() -> Iterator[_Server]:
    found = _Server(("127.0.0.1", 0), _Files)
    with answering(found):
        yield found


def got(server: _Server, mode: str = "", host: str = "127.0.0.1", **words: Any) -> bytes:
    server.mode, server.asked = mode, 0
    address = f"http://{host}:{server.server_port}/out/{{year}}/scores.zip?sig=s3cret-token"
    transport = {"path": address, "timeout": 5, "retry": RETRY, **words}
    (file,) = fetch(Pull("scores", Slice("maple-hollow", 2027), transport, secret=lambda name, key: SECRETS[name]))
    assert (file.name, file.size) == ("scores.zip", None)  # type: ignore[union-attr]
    with file.open() as stream:  # type: ignore[union-attr]
        return stream.read()


@pytest.mark.parametrize(("mode", "asked"), [("", 1), ("busy", 3), ("cut once", 2)])
def test_the_file_comes_whole(server: _Server, mode: str, asked: int) -> None:
    assert got(server, mode) == BODY
    assert server.asked == asked


@pytest.mark.parametrize("auth", [{"token_env": "TOKEN"}, {"user_env": "USER", "password_env": "PASSWORD"}])
def test_ways_to_log_in(server: _Server, auth: dict[str, str]) -> None:
    assert got(server, "login", auth=auth) == BODY


REFUSED = [
    ("login", FixConfiguration, "login is refused (status 401)"),
    ("403", FixConfiguration, "login is refused (status 403)"),
    ("404", RetryLater, "there is no file (status 404)"),
    ("500", RetryLater, "status 500"),
    ("page", FixConfiguration, "a web page came in place of the file"),
    ("cut always", RetryLater, "did not come whole"),
    ("changes", RetryLater, "cannot be asked for from there on"),
    ("no tag", RetryLater, "cannot be asked for from there on"),
]


@pytest.mark.parametrize(("mode", "kind", "why"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_does_not_come_whole_says_why(server: _Server, mode: str, kind: type[HubError], why: str) -> None:
    with pytest.raises(kind) as error:
        got(server, mode)
    assert why in error.value.message
    assert error.value.message.startswith("scores: 127.0.0.1/out/2027/scores.zip: ")
    assert error.value.remedy.endswith(".")
    assert "s3cret" not in str(error.value)


def test_neither_a_login_nor_a_file_goes_over_an_open_line_beyond_this_machine(server: _Server) -> None:
    for auth in ({"token_env": "TOKEN"}, {}):
        with pytest.raises(FixConfiguration, match="over an open line"):
            got(server, host="example.org", auth=auth)
    with pytest.raises(FixConfiguration, match="password_env is missing"):
        got(server, auth={"user_env": "USER"})


def test_a_server_that_is_away_is_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        transport = {"path": f"http://127.0.0.1:{free.getsockname()[1]}/scores.zip", "timeout": 1, "retry": RETRY}
    (file,) = fetch(Pull("scores", Slice("maple-hollow", 2027), transport))
    with pytest.raises(RetryLater, match="did not come whole"):
        file.open()  # type: ignore[union-attr]
