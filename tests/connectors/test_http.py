"""The HTTP transport against a hostile server: the exact complete list or a clear failure, and not a word told."""

from __future__ import annotations

import json
import logging
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.connectors import Pull, fetch
from hub.connectors.http.paging import Moved, Pager, Position, Sheet
from hub.connectors.http.session import Answer
from hub.errors import AskVendor, FixConfiguration, HubError, RetryLater
from hub.model import Slice, Stream, StreamAgain, StreamEnd
from tests.connectors.hostile import CANARY, FAULTS, Hostile, List, people, serving
from tests.connectors.token_server import CLIENT, SECRET, TokenServer

PATH = "/api/users"
PAGING: dict[str, dict[str, Any]] = {
    "offset": {"kind": "offset", "size": 10, "total": {"header": "X-Total-Count"}},
    "page": {"kind": "page", "size": 10, "total": {"header": "X-Total-Count"}},
    "link": {"kind": "link", "size": 10, "total": {"header": "X-Total-Count"}},
    "token": {"kind": "token", "size": 10, "next": {"body": "nextPageToken"}, "total": {"header": "X-Total-Count"}},
    "none": {"kind": "none"},
}
SECRETS = {"ID": CLIENT, "SECRET": SECRET}
AUTH: dict[str, dict[str, str]] = {
    "oauth2": {"client_id_env": "ID", "client_secret_env": "SECRET", "token_path": "token"},
    "oauth1": {"client_id_env": "ID", "client_secret_env": "SECRET"},
    "bearer": {"token_env": "SECRET"},
    "key": {"key_env": "SECRET"},
    "basic": {"user_env": "ID", "password_env": "SECRET"},
    "none": {},
}


def stream(**request: Any) -> Stream:
    options = {"request": {"path": "users", **request}, "items": "users", "key": ["id"], "paths": {"id": "sourcedId"}}
    return Stream("users", "json", "", "full", ("id",), options)


def pull(server: Hostile, paging: str = "offset", **more: Any) -> Pull:
    words = {
        "kind": "http",
        "url": f"{server.url}/api",
        "paging": PAGING[paging],
        "auth": {"kind": server.auth, **AUTH[server.auth]},
        "retry": {"times": 2, "backoff": 0},
        "per_second": 1000,
        "timeout": 0.5,
        "max_bytes": 1_000_000,
        **more.pop("words", {}),
    }
    asked = more.pop("stream", stream())
    return Pull("sis", Slice("maple-hollow", 2027), words, (asked,), lambda name, key: SECRETS[name], **more)


def taken(given_: Pull) -> tuple[dict[str, dict[str, Any]], list[StreamEnd]]:
    """Rows by id as a reader of the landed pages gets them, the later page winning; and the ends."""
    pages: dict[str, Any] = {}
    ends = []
    for piece in fetch(given_):
        if isinstance(piece, StreamEnd):
            ends.append(piece)
        elif isinstance(piece, StreamAgain):
            pages.clear()
        else:
            pages[piece.name] = json.loads(piece.open().read())
    return {row["sourcedId"]: row for name in sorted(pages) for row in pages[name]["users"]}, ends


@pytest.fixture
def server() -> Iterator[Hostile]:
    with serving(Hostile({PATH: List(people(35), "users")})) as running:
        yield running


@pytest.mark.parametrize("paging", PAGING)
def test_every_kind_of_paging_gives_every_row(server: Hostile, paging: str) -> None:
    server.lists[PATH].paging = paging
    rows, ends = taken(pull(server, paging))
    assert sorted(rows) == [row["sourcedId"] for row in server.lists[PATH].rows]
    assert ends == [StreamEnd("users", "full")]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 12), st.sampled_from(["offset", "page", "link", "token"]))
def test_no_length_size_or_clamp_loses_a_row(count: int, size: int, cap: int, paging: str) -> None:
    with serving(Hostile({PATH: List(people(count), "users", paging, cap=cap)})) as running:
        rows, _ = taken(pull(running, paging, words={"paging": {**PAGING[paging], "size": size}}))
        assert len(rows) == count


@given(st.integers(1, 40), st.integers(2, 12), st.sets(st.integers(2, 9), max_size=3))
@example(25, 10, {2})
def test_an_empty_answer_in_the_middle_of_a_list_ends_no_list(count: int, size: int, empty: set[int]) -> None:
    rows, calls = [f"u{n}" for n in range(count)], 0

    def read(_page: int, params: dict[str, Any], _link: str) -> Sheet:
        nonlocal calls
        calls += 1
        shown = [] if calls in empty else rows[params["offset"] : params["offset"] + params["limit"]]
        return Sheet(Answer(200, {}, b"", {}), {}, shown, None)

    pager = Pager({"kind": "offset", "size": size}, lambda page: f"page {page}", "https://sis.example.org/users")
    try:
        found = {mark for sheet, _ in pager.pages(read, Position()) for mark in sheet.marks}
    except (Moved, HubError):
        return
    assert found == set(rows)


#: What must come of each misbehaviour: "whole" for every row, else the error. What is not named must be either.
OUTCOMES: dict[str, Any] = {
    "429": "whole", "500": "whole", "cut": "whole", "dropped": "whole", "slow": "whole", "expired": "whole",
    "relative": "whole", "charset": "whole", "grows": "whole", "total-less": "whole",
    "no-total": "whole",
    "429-later": RetryLater, "429-forever": RetryLater, "500-forever": RetryLater, "cut-forever": RetryLater,
    "html": RetryLater, "torn": RetryLater, "error": AskVendor, "warning": AskVendor, "envelope": AskVendor,
    "latin": AskVendor, "huge": AskVendor, "refused": FixConfiguration, "redirect": FixConfiguration, "nan": RetryLater,
}  # fmt: skip


@pytest.mark.parametrize("page", [1, 2, 4])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("paging", ["offset", "page", "link", "token"])
def test_a_misbehaviour_costs_the_pull_or_nothing(
    server: Hostile, paging: str, fault: str, page: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.auth = "oauth2"
    server.lists[PATH].paging = paging
    before = {row["sourcedId"] for row in server.lists[PATH].rows}
    server.misbehave(PATH, fault, page)
    wanted = OUTCOMES.get(fault)
    raised: HubError | None = None
    rows: dict[str, Any] = {}
    try:
        rows, _ = taken(pull(server, paging))
    except HubError as error:
        raised = error
    logged = [r.getMessage() for r in caplog.records if not r.name.startswith(("authlib", "asyncio"))]  # the server's
    said = "\n".join([str(raised), *logged])
    assert not [word for word in (CANARY, SECRET, "canary", "limit=") if word in said]
    if raised is not None:
        assert raised.remedy
        assert wanted is None or isinstance(raised, wanted), raised
    else:
        after = {row["sourcedId"] for row in server.lists[PATH].rows}
        assert wanted in (None, "whole")
        assert before & after <= rows.keys() <= before | after  # what was there throughout, nothing that never was


@pytest.mark.parametrize("auth", AUTH)
def test_every_way_to_ask_is_let_in_and_a_wrong_secret_is_told(server: Hostile, auth: str) -> None:
    server.auth = auth
    assert len(taken(pull(server))[0]) == 35
    if auth != "none":
        wrong = replace(pull(server), secret=lambda name, key: "wrong-canary")
        with pytest.raises(FixConfiguration) as refused:
            taken(wrong)
        assert "canary" not in str(refused.value)


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256"])
def test_a_signature_covers_every_parameter(server: Hostile, method: str) -> None:
    server.auth = "oauth1"
    asked = stream(
        params={"filter": "dateLastModified>='2026-11-01T00:00:00.000Z' AND status='active'", "b": "x+y&z=1"}
    )
    words = {"auth": {"kind": "oauth1", **AUTH["oauth1"], "signature": method}}
    assert len(taken(pull(server, stream=asked, words=words))[0]) == 35


def test_a_secret_may_go_in_the_body(server: Hostile) -> None:
    server.auth, server.tokens = "oauth2", TokenServer("client_secret_post")
    words = {"auth": {"kind": "oauth2", "send": "body", **AUTH["oauth2"]}}
    assert len(taken(pull(server, words=words))[0]) == 35


def test_a_token_that_expires_in_mid_pull_is_renewed_and_no_page_asked_twice(server: Hostile) -> None:
    server.auth = "oauth2"
    server.misbehave(PATH, "expired", 3)
    assert len(taken(pull(server))[0]) == 35
    assert server.tokens.issued == 2


def test_secrets_never_go_over_an_open_line(server: Hostile) -> None:
    with pytest.raises(FixConfiguration, match="open line"):
        taken(pull(server, words={"url": "http://sis.example.org/api", "auth": {"kind": "bearer", **AUTH["bearer"]}}))


def test_words_that_nobody_reads_are_refused(server: Hostile) -> None:
    with pytest.raises(FixConfiguration, match="pagging"):
        taken(pull(server, words={"pagging": {}}))
    assert server.asked == []


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
@pytest.mark.parametrize("paging", ["offset", "page", "link", "token"])
def test_a_pull_that_was_cut_off_goes_on_behind_its_last_page(server: Hostile, paging: str, stop: int) -> None:
    server.lists[PATH].paging = paging
    given_ = pull(server, paging)
    had, pages = None, []
    for number, piece in enumerate(fetch(given_), start=1):
        assert not isinstance(piece, StreamEnd | StreamAgain)
        pages.append(json.loads(piece.open().read())["users"])
        had = json.loads(json.dumps(piece.position))
        if number == stop:
            break
    before = len(server.asked)
    rows, ends = taken(replace(given_, resume={"users": had}))
    assert rows.keys() | {r["sourcedId"] for page in pages for r in page} == {f"u{n:05}" for n in range(35)}
    assert len(server.asked) - before <= 4 - stop + 1
    assert len(ends) == 1
    assert taken(replace(given_, ended=frozenset({"users"}))) == ({}, [])


def test_changes_are_asked_for_from_before_the_last_pull_began_and_all_of_it_once_a_week(server: Hostile) -> None:
    changing = stream(since={"param": "filter", "as": "dateLastModified>='{since}'"})
    _, (first,) = taken(pull(server, stream=changing))
    assert first.scope == "full"
    asks = pull(server, stream=changing, since={"users": first.cursor}, words={"changes": {"use": True}})
    server.asked.clear()
    _, (second,) = taken(asks)
    assert second.scope == "delta"
    assert server.asked[0][1]["filter"] == f"dateLastModified>='{first.cursor['since']}'"
    assert second.cursor["full"] == first.cursor["full"]
    old = {**second.cursor, "full": "2026-01-01T00:00:00+00:00"}
    assert taken(replace(asks, since={"users": old}))[1][0].scope == "full"
    untrusting = replace(asks, transport={**asks.transport, "changes": {}})
    assert taken(untrusting)[1][0].scope == "full"


def test_an_empty_list_deletes_nobody_unless_the_vendor_says_that_it_may_be_empty(server: Hostile) -> None:
    server.lists[PATH].rows.clear()
    with pytest.raises(AskVendor, match=r"http\.empty"):
        taken(pull(server))
    assert taken(pull(server, stream=stream(may_be_empty=True)))[1] == [StreamEnd("users", "full")]


def test_a_list_for_each_row_of_another(server: Hostile) -> None:
    for number in range(35):
        server.lists[f"/api/users/u{number:05}/marks"] = List([{"sourcedId": f"m{number}"}], "users")
    parent = stream()
    child = replace(stream(path="users/{each}/marks", each={"stream": "users"}), name="marks")
    parent = replace(parent, options={**parent.options, "request": {"path": "users", "id": "sourcedId"}})
    given_ = replace(pull(server), streams=(parent, child))
    pieces = [p for p in fetch(given_) if not isinstance(p, StreamEnd | StreamAgain)]
    assert [p.name for p in pieces if p.stream == "marks"][:2] == [
        "marks/u00000/000001.json",
        "marks/u00001/000001.json",
    ]
    half = next(p for p in pieces if p.name == "marks/u00020/000001.json")
    last = [p for p in pieces if p.stream == "users"][-1]
    server.asked.clear()
    kept = {"users": last.position, "marks": half.position}
    rest = list(fetch(replace(given_, ended=frozenset({"users"}), resume=kept)))
    assert [getattr(p, "name", "") for p in rest[:1]] == ["marks/u00021/000001.json"]
    assert len(rest) == 15
    assert not any(path == PATH for path, _ in server.asked)
    # Cut off inside the list of users: those whose pages were had before are asked for too.
    first = next(p for p in pieces if p.stream == "users")
    rest = [p for p in fetch(replace(given_, resume={"users": first.position})) if not isinstance(p, StreamEnd)]
    assert [p.name for p in rest if p.stream == "marks"] == [p.name for p in pieces if p.stream == "marks"]


def test_a_server_that_asks_to_wait_is_waited_for(server: Hostile) -> None:
    server.misbehave(PATH, "429", 1)
    taken(pull(server, words={"retry": {"times": 2, "backoff": 0.2}, "per_second": 5}))
    assert len(server.asked) > 5


def test_an_answer_that_drips_is_given_up(server: Hostile) -> None:
    server.misbehave(PATH, "drip", 2)
    started = time.monotonic()
    with pytest.raises(RetryLater, match="takes more than 2 seconds"):
        taken(pull(server, words={"timeout": 0.2}))
    assert time.monotonic() - started < 10


def test_an_answer_that_unpacks_to_far_too_much_is_not_unpacked(server: Hostile) -> None:
    server.misbehave(PATH, "bomb", 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(AskVendor, match=r"http\.too_large"):
        taken(pull(server))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 100_000, "of 200 MB"


def test_a_server_that_says_by_the_clock_when_to_come_again_is_waited_for(server: Hostile) -> None:
    server.misbehave(PATH, "429-date", 2)
    assert len(taken(pull(server))[0]) == 35
    assert server.times[2] - server.times[1] > 0.8
