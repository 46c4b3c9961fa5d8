"""Google's own client library against a server on loopback that answers as Google does, and as it should not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from connectors.google_server import COURSES, WORK, address, google, key, key_file

from hub.connectors import Pull, fetch
from hub.errors import AskVendor, FixConfiguration, RetryLater
from hub.model import Slice, StreamEnd
from hub.standards.vendors.sources import load_source

__all__ = ["google", "key", "key_file"]


@pytest.fixture
def pull(google: Any, key_file: Path) -> Pull:
    vendor = load_source("google-classroom")
    auth = {"key_file": str(key_file), "subject": "admin@example.org"}
    words = {**vendor.transport, "url": address(google), "auth": auth}
    return Pull("classroom", Slice("birch", 2027), words, vendor.streams)


def items(pieces: list[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for piece in pieces:
        if not isinstance(piece, StreamEnd):
            body = json.loads(piece.open().read())
            found.setdefault(piece.stream, []).extend(
                item["id"] for rows in body.values() for item in rows if isinstance(rows, list)
            )
    return found


ALL = [work for course in COURSES for work in WORK[course]]
WHOLE = {"courses": COURSES, "aliases": [], "courseWork": ALL, "submissions": ALL}


def test_every_page_of_every_course_comes_and_each_stream_ends(google: Any, pull: Pull) -> None:
    pieces = list(fetch(pull))
    assert items(pieces) == WHOLE
    assert [p for p in pieces if isinstance(p, StreamEnd)] == [StreamEnd(s.name, "full") for s in pull.streams]
    names = [p.name for p in pieces if not isinstance(p, StreamEnd)]
    assert len(set(names)) == len(names)
    assert "courseWork/701/000002.json" in names


@pytest.mark.parametrize("wrong", [429, 500, 503])
def test_what_passes_is_asked_again(google: Any, pull: Pull, wrong: int) -> None:
    google.wrong = {2: wrong, 9: wrong}
    assert items(list(fetch(pull))) == WHOLE


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({0: 500}, RetryLater, "answers 500 each time"),
        ({0: 429}, RetryLater, "answers 429 each time"),
        ({4: 404}, RetryLater, "answers 404"),
        ({3: 403}, FixConfiguration, "refuses this account"),
        ({0: "cut"}, RetryLater, "no whole answer came"),
        ({3: b"<html>canary-body</html>"}, RetryLater, "no JSON"),
        ({3: b'{"error": {"message": "canary-body"}}'}, AskVendor, "an error and no page"),
        ({3: b"[]"}, AskVendor, "an error and no page"),
        ({2: b'{"courses": [], "nextPageToken": "2"}'}, RetryLater, "the same page comes again"),
        ({1: b"{}"}, AskVendor, "http.empty"),
        ({1: b'{"courses": [], "warnings": ["canary-body"]}'}, AskVendor, "has no list courses"),
        ({2: b'{"courses": {"id": "canary-body"}}'}, AskVendor, "has no list courses"),
        ({2: b'{"courses": [], "nextPageToken": ["canary-body"]}'}, AskVendor, "has no list courses"),
        ({"token": 1}, FixConfiguration, "gives this account no access"),
    ],
)
def test_what_stays_wrong_ends_the_pull_and_names_no_value(
    google: Any, pull: Pull, wrong: dict[Any, Any], error: type[Exception], said: str
) -> None:
    google.wrong = wrong
    with pytest.raises(error, match=said) as found:
        list(fetch(pull))
    text = f"{found.value} {found.value.__cause__}"
    assert not any(word in text for word in ("canary", "pageToken", "127.0.0.1"))


@pytest.mark.parametrize("cut_after", range(1, 24, 3))
def test_a_pull_that_was_cut_off_asks_for_no_page_again(google: Any, pull: Pull, cut_after: int) -> None:
    first, resume, ended = [], {}, set()
    for piece in fetch(pull):
        first.append(piece)
        if isinstance(piece, StreamEnd):
            ended.add(piece.stream)
        else:
            resume[piece.stream] = json.loads(json.dumps(piece.position))
        if len(first) == cut_after:
            break
    asked = len(google.asked)
    whole = list(fetch(pull))
    again = len(google.asked) - asked
    google.asked.clear()
    rest = list(fetch(Pull(**{**vars(pull), "resume": resume, "ended": frozenset(ended)})))
    assert len(google.asked) == again - asked
    assert [p for p in first + rest if isinstance(p, StreamEnd)] == [p for p in whole if isinstance(p, StreamEnd)]
    assert items(first + rest) == items(whole)
