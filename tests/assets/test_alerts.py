"""Alerts to real sockets on loopback: an SMTP server and an HTTP server of the test's own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from asset_hub import a_run, an_outcome
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Response

from hub.assets.alerts import Alert, alerts_of, crashed, send
from hub.config import Alerts, Email
from hub.model import Breach, HeldCount, Run, Slice

NOW = datetime(2026, 11, 22, 2, 5, tzinfo=UTC)
BAD = a_run(
    status="held",
    sources=(
        an_outcome(
            "refused",
            owner="SIS office",
            message="A column is missing.",
            remedy="Send it again.",
            received=NOW,
        ),
        an_outcome("failed", "map", message="The folder is away.", remedy="Mount it.", received=NOW),
        an_outcome("fresh", "lms", received=NOW),
    ),
    breaches=(Breach("Student", "removed", 300, 0.5, 0.1),),
    held=(HeldCount("sis", "Student", "birthDate", "type.date", 3),),
)


class Box:
    """Keeps what it receives; knows one account."""

    def __init__(self) -> None:
        self.letters: list[Message] = []
        self.accounts: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.letters.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        self.accounts.append((data.login, data.password))
        return AuthResult(success=(data.login, data.password) == (b"hub", b"right"), handled=False)


@pytest.fixture
def box() -> Iterator[tuple[Box, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = Box()
    server = Controller(
        kept,
        hostname="127.0.0.1",
        port=port,
        authenticator=kept.authenticate,
        auth_require_tls=False,
        auth_required=False,
    )
    server.start()
    yield kept, port
    server.stop()


def by_mail(port: int, **more: Any) -> Alerts:
    to = ("it@example.org", "sis@example.org")
    return Alerts(Email("127.0.0.1", port, "hub@example.org", to, **{"starttls": False} | more))


def alerts(run: Run = BAD) -> tuple[Alert, ...]:
    return alerts_of(run, (), NOW, {}, "/state/report.html")


def test_one_message_per_cause_with_owner_and_remedy() -> None:
    found = {a.title: a for a in alerts()}
    assert set(found) == {"The guard waits for a decision", "Delivery refused", "Source failed"}
    refused = found["Delivery refused"]
    assert (refused.owner, refused.source, refused.remedy) == ("SIS office", "sis", "Send it again.")
    assert BAD.id in found["The guard waits for a decision"].command
    assert all(a.remedy and a.owner and a.report for a in found.values())


def test_a_quiet_night_tells_nobody() -> None:
    assert alerts(a_run(sources=(an_outcome(received=NOW),), held=BAD.held)) == ()


def test_mail_arrives_whole(box: tuple[Box, int]) -> None:
    kept, port = box
    assert send(by_mail(port), alerts()) == ()
    assert len(kept.letters) == 3
    letter = next(each for each in kept.letters if "refused" in each["Subject"])
    assert letter["Subject"] == "[hub] maple-hollow 2027: Delivery refused (sis)"
    assert letter["To"] == "it@example.org, sis@example.org"
    text = str(letter.get_payload(decode=True), "utf-8")
    assert "Must act     SIS office" in text
    assert "What to do   Send it again." in text


@given(st.text(max_size=60), st.text(max_size=60))
@hypothesis_settings(max_examples=60, deadline=None)
def test_no_name_can_add_a_header_or_a_line_to_the_subject(source: str, sentence: str) -> None:
    from hub.assets.alerts import _message

    alert = Alert("maple-hollow", 2027, "r", "o", source, "Source failed", sentence, "Do it.")
    letter = _message(by_mail(25).email, alert)  # type: ignore[arg-type]
    again = message_from_bytes(letter.as_bytes(), policy=default)
    assert set(again.keys()) == set(letter.keys())
    assert str(again["Subject"]).startswith("[hub] maple-hollow 2027: Source failed")
    assert "\n" not in alert.subject


@pytest.mark.parametrize(("password", "letters"), [("right", 3), ("wrong", 0)])
def test_the_account_comes_from_the_environment(
    password: str, letters: int, box: tuple[Box, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, port = box
    monkeypatch.setenv("HUB_TEST_USER", "hub")
    monkeypatch.setenv("HUB_TEST_PASSWORD", password)
    not_sent = send(by_mail(port, user_env="HUB_TEST_USER", password_env="HUB_TEST_PASSWORD"), alerts())
    assert len(kept.letters) == letters
    assert bool(not_sent) == (letters == 0)
    assert password not in "".join(not_sent)


def test_mail_is_never_sent_in_clear_where_tls_was_asked_for(box: tuple[Box, int]) -> None:
    kept, port = box
    (sentence,) = send(by_mail(port, starttls=True), alerts())
    assert "SMTPNotSupportedError" in sentence
    assert not kept.letters


def test_a_mail_server_that_is_away_is_said(unused: int) -> None:
    (sentence,) = send(by_mail(unused), alerts())
    assert "alerts.email" in sentence


@pytest.fixture
def unused() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def hook(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Alerts:
    monkeypatch.setenv("HUB_TEST_WEBHOOK", httpserver.url_for("/hook/t0ken"))
    return Alerts(webhook_url_env="HUB_TEST_WEBHOOK")


def test_the_webhook_gets_one_message_per_cause(hook: Alerts, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook/t0ken", method="POST").respond_with_data("ok")
    assert send(hook, alerts()) == ()
    bodies = [request.get_json() for request, _ in httpserver.log]
    assert [b["title"] for b in bodies] == [a.title for a in alerts()]
    assert all(b["owner"] in b["text"] and b["remedy"] in b["text"] for b in bodies)


def test_a_busy_webhook_is_asked_again(hook: Alerts, httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/hook/t0ken").respond_with_response(Response(status=503))
    httpserver.expect_ordered_request("/hook/t0ken").respond_with_response(
        Response(status=429, headers={"Retry-After": "0"})
    )
    httpserver.expect_ordered_request("/hook/t0ken").respond_with_data("ok")
    assert send(hook, alerts()[:1]) == ()
    assert len(httpserver.log) == 3


@pytest.mark.parametrize(
    "answer", [Response(status=404), Response(status=302, headers={"Location": "http://127.0.0.1:1/"})]
)
def test_a_webhook_that_refuses_is_said_without_its_address(
    answer: Response, hook: Alerts, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/hook/t0ken").respond_with_response(answer)
    (sentence,) = send(hook, alerts())
    assert f"HTTP {answer.status_code}" in sentence
    assert "t0ken" not in sentence
    assert len(httpserver.log) == 1


def test_a_webhook_that_is_away_is_said_without_its_address(unused: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TEST_WEBHOOK", f"http://127.0.0.1:{unused}/t0ken")
    (sentence,) = send(Alerts(webhook_url_env="HUB_TEST_WEBHOOK"), alerts())
    assert "ConnectionError" in sentence
    assert "t0ken" not in sentence


def test_without_the_secret_of_one_way_the_other_still_goes(
    box: tuple[Box, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, port = box
    monkeypatch.delenv("HUB_TEST_WEBHOOK", raising=False)
    both = Alerts(by_mail(port).email, "HUB_TEST_WEBHOOK")
    (sentence,) = send(both, [crashed(Slice("maple-hollow", 2027), "r", "Killed.")])
    assert "HUB_TEST_WEBHOOK" in sentence
    assert [letter["Subject"] for letter in kept.letters] == ["[hub] maple-hollow 2027: The run stopped"]
