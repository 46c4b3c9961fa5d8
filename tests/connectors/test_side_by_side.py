"""Streams that are asked for side by side: never more at once than said, none lost, and a kill costs a page of each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.connectors import Pull, fetch
from hub.connectors.side_by_side import side_by_side
from hub.errors import RetryLater
from hub.landing import deliveries
from hub.model import Slice, StreamAgain, StreamEnd
from tests.connectors.hostile import Hostile, List, people, serving
from tests.connectors.test_http import pull as over_http
from tests.connectors.test_http import stream

NAMES = [f"list{n}" for n in range(6)]
ROWS = 35


class Busy:
    """Keeps each request for a while, and counts how many there are at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now, self.most, self._one = seconds, 0, 0, threading.Lock()

    def __call__(self, handler: Any, path: str, query: dict[str, str]) -> bool:
        with self._one:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self._one:
            self.now -= 1
        return False


@pytest.fixture
def server() -> Iterator[Hostile]:
    lists = {f"/api/{name}": List(people(ROWS), "users") for name in NAMES}
    with serving(Hostile(lists, auth="oauth2")) as running:
        yield running


def asked(server: Hostile, at_once: int, **words: Any) -> Pull:
    streams = tuple(replace(stream(path=name), name=name) for name in NAMES)
    given_ = over_http(server, words={"concurrency": at_once, "timeout": 5, **words})
    return replace(given_, streams=streams)


def taken(pull: Pull) -> tuple[dict[str, int], list[str]]:
    """How many rows each list gave, and the streams that ended in their order."""
    rows: dict[str, set[str]] = {}
    ends: list[str] = []
    for piece in fetch(pull):
        if isinstance(piece, StreamEnd):
            ends.append(piece.stream)
        elif not isinstance(piece, StreamAgain):
            page = json.loads(piece.open().read())["users"]  # type: ignore[union-attr]
            rows.setdefault(piece.stream, set()).update(row["sourcedId"] for row in page)  # type: ignore[union-attr]
    return {name: len(ids) for name, ids in rows.items()}, ends


@given(
    st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 4), max_size=7),
    st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from("abcdefg"), max_size=3),
    st.integers(1, 5),
    st.integers(0, 30),
)
@settings(max_examples=60, deadline=None)
def test_every_piece_of_every_stream_comes_once_and_in_its_order(
    lengths: dict[str, int], after: dict[str, str], at_once: int, stop: int
) -> None:
    reads = {name: lambda name=name, length=length: ((name, n) for n in range(length))
             for name, length in lengths.items()}  # fmt: skip
    found = list(side_by_side(reads, after, at_once))
    assert sorted(found) == sorted((name, n) for name, length in lengths.items() for n in range(length))
    for name in lengths:
        mine = [at for at, (who, _) in enumerate(found) if who == name]
        assert [found[at] for at in mine] == [(name, n) for n in range(lengths[name])]
    half = side_by_side(reads, after, at_once)
    for _ in range(stop):
        next(half, None)
    half.close()  # type: ignore[attr-defined]  # and whoever stops half-way waits for nobody


def test_an_error_of_one_stream_ends_all_and_none_goes_on_behind_it() -> None:
    asked_for: list[str] = []

    def endless(name: str) -> Iterator[str]:
        while True:
            asked_for.append(name)
            yield name

    def broken() -> Iterator[str]:
        yield "broken"
        raise RetryLater("the server is away")

    pieces = side_by_side({"a": lambda: endless("a"), "broken": broken, "b": lambda: endless("b")}, {}, 3)
    with pytest.raises(RetryLater, match="away"):
        list(pieces)
    before = len(asked_for)
    time.sleep(0.05)
    assert len(asked_for) == before


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_server_is_asked_for_as_many_lists_at_once_as_it_is_said_to_bear(server: Hostile, at_once: int) -> None:
    server.own = busy = Busy(0.02)
    rows, ends = taken(asked(server, at_once))
    assert rows == dict.fromkeys(NAMES, ROWS)
    assert sorted(ends) == NAMES
    assert busy.most == at_once
    assert server.tokens.issued == 1


def test_a_slow_server_takes_the_less_time_the_more_it_bears(server: Hostile) -> None:
    took = []
    server.own = Busy(0.05)
    for at_once in (1, 6):
        began = time.monotonic()
        taken(asked(server, at_once))
        took.append(time.monotonic() - began)
    assert took[1] < took[0] / 2


def test_the_rate_is_kept_over_all_lists_and_an_expired_token_is_asked_for_once(server: Hostile) -> None:
    server.misbehave("/api/list2", "expired", 2)
    rows, _ = taken(asked(server, 6, per_second=20))
    assert rows == dict.fromkeys(NAMES, ROWS)
    assert server.tokens.issued <= 3, "the one that was dropped, and one for who was asking as it was"
    times = sorted(server.times)
    assert max(sum(1 for t in times if start <= t < start + 0.9) for start in times) <= 22


def test_a_list_for_each_row_waits_for_the_rows(server: Hostile) -> None:
    for number in range(ROWS):
        server.lists[f"/api/u{number:05}/marks"] = List([{"sourcedId": f"m{number}"}], "users")
    given_ = asked(server, 4)
    child = replace(stream(path="{each}/marks", each={"stream": "list0"}), name="marks")
    parent = replace(stream(path="list0", id="sourcedId"), name="list0")
    rows, _ = taken(replace(given_, streams=(child, parent, *given_.streams[1:])))
    assert rows == dict.fromkeys([*NAMES, "marks"], ROWS)


_PULL = """
import json, sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from hub.connectors import Pull, fetch
from hub.landing import journal, land
from hub.model import Slice, Stream
words, names, state, now = json.loads(sys.argv[1]), sys.argv[2].split(), Path(sys.argv[3]), datetime.now(UTC)
options = {"items": "users", "key": ["id"], "paths": {"id": "sourcedId"}}
streams = tuple(Stream(n, "json", "", "full", ("id",), {**options, "request": {"path": n}}) for n in names)
pull = Pull("sis", Slice("maple-hollow", 2027), words, streams)
with journal(state, pull.slice, "sis", "", now) as kept:
    def told(pieces):
        for piece in pieces:
            yield piece
            print("landed", flush=True)
    asks = replace(pull, resume=dict(kept.positions), ended=frozenset(kept.ends))
    land(state, pull.slice, "sis", told(fetch(asks)), now, journal=kept)
"""


def test_a_pull_that_is_killed_asks_again_for_a_page_of_each_list_at_most(server: Hostile, tmp_path: Path) -> None:
    server.own, server.auth = Busy(0.02), "none"
    words = {**asked(server, 3).transport, "auth": {}, "paging": {"kind": "page", "size": 5}}
    for one in server.lists.values():
        one.paging = "page"
    command = [sys.executable, "-c", _PULL, json.dumps(words), " ".join(NAMES), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(20):
        assert process.stdout.readline() == "landed\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert deliveries(tmp_path, Slice("maple-hollow", 2027), "sis") == []
    subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
    (delivery,) = deliveries(tmp_path, Slice("maple-hollow", 2027), "sis")
    pages = ROWS // 5
    assert [f.name for f in delivery.files] == [f"{n}/{page:06}.json" for n in NAMES for page in range(1, pages + 1)]
    assert sorted(delivery.streams) == NAMES
    for name in NAMES:
        requests = sum(path == f"/api/{name}" for path, _ in server.asked)
        assert requests <= pages + 1 + 1, "each page, the empty one at the end, and one again"
