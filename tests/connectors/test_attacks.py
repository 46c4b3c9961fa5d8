"""What a server may try on the hub: to be given a login that is another's, to send it elsewhere, to name what is not
its own. What a file may try once it has landed is in tests/landing and tests/hostile."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from connectors.google_server import google, key, key_file
from hypothesis import example, given
from hypothesis import strategies as st

from hub.connectors import Left, Pull, fetch
from hub.connectors.http.paging import Pager, Position, Sheet
from hub.connectors.http.session import Answer
from hub.errors import AskVendor, FixConfiguration, HubError, RetryLater
from hub.model import Slice
from tests.connectors.edfi_server import EdFi
from tests.connectors.hostile import Hostile, List, people, serving
from tests.connectors.loopback import answering
from tests.connectors.s3_server import storing
from tests.connectors.test_google_api import pull as google_pull
from tests.connectors.test_http import pull as over_http

__all__ = ["google", "key", "key_file", "google_pull"]
SLICE = Slice("maple-hollow", 2027)
LOGIN = {"auth": {"token_env": "TOKEN"}, "timeout": 2, "retry": {"times": 0, "backoff": 0}}


class _Sender(BaseHTTPRequestHandler):
    """Sends /file on to `server.to`; says what it was asked with."""

    server: Any

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(302 if self.path == "/file.csv" and self.server.to else 200)
        self.send_header("Location", self.server.to)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"a,b\n")


@contextmanager
def sender(to: str = "") -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sender)
    server.to, server.asked = to, []  # type: ignore[attr-defined]
    with answering(server):
        yield server


def downloaded(port: int) -> bytes:
    words = {"path": f"http://127.0.0.1:{port}/file.csv", **LOGIN}
    (file,) = fetch(Pull("scores", SLICE, words, secret=lambda name, key: "s3cret"))
    with file.open() as body:  # type: ignore[union-attr]
        return body.read()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_login_does_not_follow_to_another_host_or_port(host: str) -> None:
    with sender() as there, sender() as here:
        here.to = f"http://{host}:{there.server_port}/elsewhere.csv"
        assert downloaded(here.server_port) == b"a,b\n"
        assert here.asked == [("/file.csv", "Bearer s3cret")]
        assert there.asked == [("/elsewhere.csv", None)]


@pytest.mark.parametrize(
    "to", ["http://files.example.org/a.csv", "file:///etc/passwd", "ftp://files.example.org/a", "gopher:x"]
)
def test_a_file_is_not_fetched_where_others_could_change_it(to: str) -> None:
    with sender(to) as here, pytest.raises(FixConfiguration, match=r"download\.redirect") as refused:
        downloaded(here.server_port)
    assert "s3cret" not in str(refused.value)
    assert "passwd" not in str(refused.value)


def test_a_server_that_sends_round_in_a_circle_is_left() -> None:
    with sender("/file.csv") as here, pytest.raises(RetryLater, match="TooManyRedirects"):
        downloaded(here.server_port)


def test_an_api_of_google_that_sends_elsewhere_is_not_followed(google: Any, google_pull: Pull) -> None:
    with sender() as there:
        google.to = f"http://localhost:{there.server_port}/v1/courses"
        google.wrong = {0: 302}
        with pytest.raises(FixConfiguration, match="sends the caller elsewhere"):
            list(fetch(google_pull))
        assert there.asked == []


# ---- the next page

_LINKS = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "http://", "https://", "file://", "//", "ftp://", "\\\\", "http:", "javascript:"]),
        st.sampled_from(["", "sis.example.org", "evil.example.org", "sis.example.org@evil.example.org", "[::1", "[x]"]),
        st.sampled_from(["", ":443", ":99999", ":x", ":80", "\\@evil.example.org"]),
        st.sampled_from(["", "/etc/passwd", "/api/users?page=2", "/../..", "?x", "#y"]),
    ),
)


@given(_LINKS)
@example("file:///etc/passwd")
@example("file://sis.example.org/etc/passwd")
@example("http://sis.example.org/api/users")  # no TLS: asked for with it
@example("https://sis.example.org:99999/x")
@example("https://[::1/x")
def test_wherever_a_link_points_only_this_server_is_asked_by_its_own_scheme(link: str) -> None:
    url, asked = "https://sis.example.org/api/users", []

    def read(page: int, _params: dict[str, Any], address: str) -> Sheet | None:
        asked.append(address)
        links = {"next": link} if page == 1 else {"first": url}
        return Sheet(Answer(200, {}, b"", links), {}, [f"row {page}"], None)

    with suppress(AskVendor):
        list(Pager({"kind": "link"}, lambda page: f"page {page}", url).pages(read, Position()))
    for address in asked[1:]:
        assert (urlsplit(address).scheme, urlsplit(address).netloc) == ("https", "sis.example.org")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["rel", "uri", "next", "x"]), inner),
    max_leaves=6,
)


@given(_JSON, st.sampled_from([{"body": "next"}, {"rel": "next"}]), st.sampled_from(["link", "token"]))
def test_whatever_stands_for_the_next_page_the_pull_ends_in_words(said: Any, place: dict[str, str], kind: str) -> None:
    if kind == "token" and "rel" in place:
        return
    body = {"next": said, "links": said}

    def read(page: int, _params: dict[str, Any], _address: str) -> Sheet | None:
        return Sheet(Answer(200, {}, b"", {}), body if page == 1 else {}, [f"row {page}"], None)

    words = {"kind": kind, "next": place}
    try:
        pages = list(Pager(words, lambda page: f"page {page}", "https://sis.example.org/a").pages(read, Position()))
    except HubError:
        return
    for _, position in pages:
        json.dumps(vars(position))


def an_edfi(at: str, said: Any) -> tuple[Hostile, EdFi]:
    """An Ed-Fi API that says this where the path ends so."""
    server, edfi = Hostile({}, auth="oauth2", open=frozenset({"/api/"})), EdFi()

    def own(handler: Any, path: str, query: dict[str, str]) -> bool:
        if not path.endswith(at):
            return edfi.answer(server, handler, path, query)
        handler.say(said)
        return True

    server.own = own
    return server, edfi


ELSEWHERE: list[Any] = [
    {"dataManagementApi": "file:///etc/passwd"}, {"oauth": "https://evil.example.org/token"}, {"dataManagementApi": 7},
    {"changeQueries": "ftp://127.0.0.1/"}, {"dataManagementApi": "http://[::1/"}, {"oauth": ["x"]},
    {"oauth": "https://127.0.0.1/token"},
]  # fmt: skip


@pytest.mark.parametrize("urls", ELSEWHERE, ids=range(len(ELSEWHERE)))
def test_a_discovery_document_sends_no_key_anywhere_else(urls: Any) -> None:
    server, edfi = an_edfi("/api/", {"version": {}, "urls": urls})
    edfi.put("students", {"studentUniqueId": "s1"})
    with serving(server):
        asked = over_http(server, words={"kind": "edfi", "url": f"{server.url}/api", "paging": {}})
        with pytest.raises(FixConfiguration, match=r"http\.foreign_link"):
            list(fetch(asked))
    assert server.asked == [("/api/", {})]


@pytest.mark.parametrize("said", [[], "x", 7, {"urls": []}, {"urls": None}, {}])
def test_a_discovery_document_that_says_nothing_leaves_the_usual_addresses(said: Any) -> None:
    server, edfi = an_edfi("/api/", said)
    edfi.put("users", {"sourcedId": "u1"})
    with serving(server):
        asked = over_http(server, words={"kind": "edfi", "url": f"{server.url}/api", "paging": {}})
        asked.transport["auth"]["token_url"] = f"{server.url}/oauth/token"
        stream = replace(asked.streams[0], options={"request": {"path": "ed-fi/users"}, "items": ""})
        assert [p.stream for p in fetch(replace(asked, streams=(stream,)))] == ["users", "users"]  # type: ignore[union-attr]


@pytest.mark.parametrize("said", [[], [1], {"newestChangeVersion": None}, {"": 1}, {"newestChangeVersion": "x"}])
def test_change_versions_that_are_none_end_the_pull_in_words(said: Any) -> None:
    server, _ = an_edfi("/availableChangeVersions", said)
    with serving(server):
        asked = over_http(server, words={"kind": "edfi", "url": f"{server.url}/api", "paging": {}})
        with pytest.raises(AskVendor, match="has no numbers"):
            list(fetch(asked))


# ---- heads and names


@contextmanager
def heading(head: bytes) -> Iterator[int]:
    """A server that answers everything with this head."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)
                    try:
                        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n{}")
                    except OSError:
                        continue

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


HEADS = {
    "a line without an end": b"X-Long: " + b"a" * 2_000_000 + b"\r\n",
    "lines without an end": b"X-Many: a\r\n" * 20_000,
    "a length that is none": b"Content-Length: -7x\r\n",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 900\r\n",
}


@pytest.mark.parametrize("kind", ["http", "download", "edfi", "google"])
@pytest.mark.parametrize("head", HEADS)
def test_a_head_that_is_out_of_measure_ends_in_words(head: str, kind: str, request: pytest.FixtureRequest) -> None:
    with heading(HEADS[head]) as port:
        words: dict[str, Any] = {"url": f"http://127.0.0.1:{port}", "retry": {"times": 0, "backoff": 0}}
        if kind == "google":
            made: Callable[..., Any] = request.getfixturevalue("google_pull")
            asked: Any = Pull(**{**vars(made), "transport": {**vars(made)["transport"], **words}})
        else:
            asked = over_http(Hostile({"/users": List(people(1), "users")}, url=words["url"]), words=words)
            words = {**asked.transport, "kind": kind}
            words = {"path": f"{words['url']}/a.csv", **LOGIN} if kind == "download" else words
            asked = Pull("sis", SLICE, words, asked.streams, lambda name, key: "s3cret")
        with pytest.raises(HubError) as refused:
            [piece.open() for piece in fetch(asked) if hasattr(piece, "open")]
    assert refused.value.remedy
    assert "aaaa" not in str(refused.value)


def test_keys_of_a_store_that_are_no_path_are_told_and_never_asked_for() -> None:
    with storing() as store:
        names = ["a.csv", "../../b.csv", "/etc/passwd", "x/../c.csv", "new\nline.csv", "tab\t.csv"]
        store.objects = {f"out/{name}": b"x" for name in names}
        words: dict[str, Any] = {"path": "s3://drop/out", "url": f"http://127.0.0.1:{store.server_port}"}
        words |= {"auth": {"access_key_env": "A", "secret_key_env": "B"}, "recursive": True}
        found = list(fetch(Pull("scores", SLICE, words, secret=lambda name, key: "s3cret")))
    assert [f.name for f in found if not isinstance(f, Left)] == ["a.csv"]  # type: ignore[union-attr]
    told = {f.name for f in found if isinstance(f, Left)}
    assert told == {"../../b.csv", "/etc/passwd", "x/../c.csv", "new\\nline.csv", "tab\\t.csv"}
    assert all(f.why == "has a name that is no plain path" for f in found if isinstance(f, Left))
