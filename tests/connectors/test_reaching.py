"""Private authorities and forwarding proxies for real: each transport proves its server over TLS, or says why not."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from connectors.google_server import google, key, key_file

from hub.connectors import Pull, fetch, google_api
from hub.errors import FixConfiguration, HubError, RetryLater
from hub.model import Slice, Stream
from hub.standards.vendors.sources import load_source
from tests.connectors.edfi_server import EdFi
from tests.connectors.hostile import Hostile, List, people, serving
from tests.connectors.test_edfi import student
from tests.connectors.test_http import PATH, SECRETS
from tests.connectors.test_http import pull as over_http
from tests.connectors.wire import PASSWORD, USER, Authority, Wire, wired

__all__ = ["google", "key", "key_file"]
LOGIN = {"PROXY_USER": USER, "PROXY_PASSWORD": PASSWORD}

#: What asks a server at an address: the pull of one transport.
Ask = Callable[[str], Pull]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with wired() as running:
        yield running


@pytest.fixture
def server() -> Iterator[Hostile]:
    with serving(Hostile({PATH: List(people(12), "users")}, auth="oauth2")) as running:
        yield running


@pytest.fixture(params=["http", "download", "edfi", "google"])
def way(request: pytest.FixtureRequest, server: Hostile) -> tuple[int, Ask]:
    """A server's port, and how a transport asks it at another address."""

    def by_http(url: str) -> Pull:
        return over_http(server, words={"url": f"{url}/api", "timeout": 5})

    def by_download(url: str) -> Pull:
        return Pull("sis", Slice("birch", 2027), {"path": f"{url}{PATH}", "retry": {"times": 1, "backoff": 0}})

    def by_edfi(url: str) -> Pull:
        edfi = EdFi()
        edfi.put("students", student(1))
        server.open, server.url = frozenset({"/api/"}), url
        server.own = lambda handler, path, query: edfi.answer(server, handler, path, query)
        words = over_http(server).transport | {"kind": "edfi", "url": f"{url}/api", "paging": {}, "timeout": 5}
        asked = Stream("Student", "json", "", "full", (), {"request": {"path": "ed-fi/students"}, "items": ""})
        return replace(over_http(server), transport=words, streams=(asked,))

    if request.param == "google":
        running, file = request.getfixturevalue("google"), request.getfixturevalue("key_file")
        request.getfixturevalue("monkeypatch").setattr(google_api, "_RETRIES", 0)

        def by_google(url: str) -> Pull:
            account = json.loads(file.read_text()) | {"token_uri": f"{url}/token"}
            file.write_text(json.dumps(account))
            vendor = load_source("google-classroom")
            words = {**vendor.transport, "url": url, "auth": {"key_file": str(file), "subject": "a@example.org"}}
            return Pull("sis", Slice("birch", 2027), words, vendor.streams)

        return running.server_address[1], by_google
    if request.param == "download":
        server.auth = "none"
    asks: dict[str, Ask] = {"http": by_http, "download": by_download, "edfi": by_edfi}
    return int(server.url.rpartition(":")[2]), asks[request.param]


def said(pull: Pull, **words: Any) -> int:
    """How many bytes came."""
    secrets = SECRETS | LOGIN
    asked = replace(pull, transport=pull.transport | words, secret=lambda name, key: secrets[name])
    total = 0
    for piece in fetch(asked):
        if hasattr(piece, "open"):
            with piece.open() as body:
                total += len(body.read())
    return total


def refused(kind: type[HubError], pull: Pull, **words: Any) -> str:
    with pytest.raises(kind) as error:
        said(pull, **words)
    assert error.value.message.startswith("sis: ")
    assert error.value.remedy.endswith(".")
    assert not any(word in f"{error.value}{error.value.__cause__}" for word in (PASSWORD, "c%40nary", "s3cret"))
    return str(error.value)


def test_a_private_authority_is_trusted_where_hub_yaml_names_it_and_nowhere_else(
    way: tuple[int, Ask], wire: Wire, authority: Authority, tmp_path: Path
) -> None:
    port, ask = way
    mine = ask(wire.front(port, authority.issue()).url)
    told = refused(FixConfiguration, mine)
    assert "is not trusted" in told
    assert "tls: {ca: FILE}" in told
    assert said(mine, tls={"ca": str(authority.file)}) > 0
    assert "is not trusted" in refused(FixConfiguration, mine, tls={"ca": str(Authority(tmp_path / "other").file)})
    for off in (False, "", None):  # nothing switches the check off
        assert "is not trusted" in refused(FixConfiguration, mine, tls={"ca": off, "verify": False})
    (tmp_path / "no.pem").write_text("no certificate")
    for nothing in ("no.pem", "gone.pem"):
        assert "tls.ca" in refused(FixConfiguration, mine, tls={"ca": str(tmp_path / nothing)})


@pytest.mark.parametrize(
    ("issued", "why"), [({"days": -1}, "has expired"), ({"host": "sis.example.org"}, "is for another host")]
)
def test_a_certificate_that_proves_nothing_is_told(
    way: tuple[int, Ask], wire: Wire, authority: Authority, issued: dict[str, Any], why: str
) -> None:
    port, ask = way
    mine = ask(wire.front(port, authority.issue(**issued)).url)
    assert why in refused(FixConfiguration, mine, tls={"ca": str(authority.file)})


def test_a_token_server_proves_its_name_too(server: Hostile, wire: Wire, authority: Authority, tmp_path: Path) -> None:
    port = int(server.url.rpartition(":")[2])
    other = Authority(tmp_path / "other").issue()
    token = f"{wire.front(port, other).url}/api/token"
    mine = over_http(server, words={"url": f"{wire.front(port, authority.issue()).url}/api"})
    mine.transport["auth"]["token_url"] = token
    told = refused(FixConfiguration, mine, tls={"ca": str(authority.file)})
    assert told.startswith("sis: the token: the certificate of the server is not trusted")
    assert server.asked == []


@pytest.mark.parametrize("login", [False, True])
def test_what_is_asked_goes_through_the_proxy_and_no_other_way(
    way: tuple[int, Ask], wire: Wire, authority: Authority, login: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, ask = way
    front, proxy = wire.front(port, authority.issue()), wire.proxy(login=login)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the environment is not asked
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    mine, trusted = ask(front.url), {"ca": str(authority.file)}
    assert said(mine, tls=trusted) > 0
    assert proxy.asked == []
    front.peers.clear()
    names = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"} if login else {}
    assert said(mine, tls=trusted, proxy={"url": proxy.url, **names} if login else proxy.url) > 0
    assert set(proxy.asked) == {f"CONNECT 127.0.0.1:{front.port}"}
    assert front.peers
    assert front.peers <= proxy.peers


REFUSALS = [(407, FixConfiguration, "refuses the login"), (403, FixConfiguration, "lets nobody through"),
            (502, RetryLater, "does not get through"), (0, RetryLater, "cannot be reached")]  # fmt: skip


@pytest.mark.parametrize(("status", "kind", "why"), REFUSALS)
def test_a_proxy_that_refuses_is_named_without_its_login(
    way: tuple[int, Ask], wire: Wire, authority: Authority, status: int, kind: type[HubError], why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    port, ask = way
    front, proxy = wire.front(port, authority.issue()), wire.proxy(status=status)
    url = proxy.url if status else "http://127.0.0.1:9"
    names = {"url": url, "user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    told = refused(kind, ask(front.url), tls={"ca": str(authority.file)}, proxy=names)
    assert f"the proxy {url.removeprefix('http://')} {why}" in told
    assert front.peers == set()
    assert status != 407 or len(proxy.asked) == 1, "a login that is refused is not tried again"
    assert PASSWORD not in caplog.text
    assert "c%40nary" not in caplog.text


def test_what_goes_to_this_machine_in_clear_goes_through_the_proxy_too(server: Hostile, wire: Wire) -> None:
    proxy = wire.proxy()
    server.auth = "none"
    assert said(over_http(server), proxy=proxy.url) > 0
    assert all(line.startswith(f"GET {server.url}/api/users") for line in proxy.asked)
    assert "the proxy" in refused(FixConfiguration, over_http(server), proxy=wire.proxy(status=407).url)


@pytest.mark.parametrize("path", ["sftp://maple@127.0.0.1/out", "/srv/drop"])
def test_a_transport_that_knows_no_proxy_says_so(path: str) -> None:
    with pytest.raises(FixConfiguration, match="has no use for proxy and tls"):
        said(Pull("sis", Slice("birch", 2027), {"path": path, "proxy": "http://p.example.org:3128", "tls": {}}))
