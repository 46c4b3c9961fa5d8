"""A real Kolibri as a source: what it says of classes, people, quizzes and lessons, and how its sessions end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.connectors import Pull, fetch
from hub.errors import AskVendor, FixConfiguration
from hub.model import Slice, StreamEnd
from hub.standards.vendors.sources import load_source
from tests.connectors.kolibri_server import PASSWORD, Kolibri, kolibri
from tests.sources.building import pulled

GRADED, WAITING, SENT = (
    f"uri://ed-fi.org/SubmissionStatusDescriptor#{word}" for word in ("Graded", "Not Submitted", "Submitted")
)


@pytest.fixture(scope="module")
def real() -> Iterator[Kolibri]:
    with kolibri() as found:
        yield found


def pull(real: Kolibri, user: str = "admin", password: str = PASSWORD, **auth: Any) -> Pull:
    source = load_source("kolibri")
    auth = {**source.transport["auth"], "user_env": "USER", "password_env": "PASSWORD", **auth}
    words = {**source.transport, "url": real.url, "auth": auth, "per_second": 1000}
    secrets = {"USER": user, "PASSWORD": password}
    return Pull("lms", Slice("birch", 2027), words, source.streams, secret=lambda name, _: secrets[name])


def test_quizzes_lessons_and_what_came_of_them_are_read(real: Kolibri, tmp_path: Path) -> None:
    pieces = list(fetch(pull(real)))
    state = pulled("kolibri", 2027, pieces, tmp_path)
    given = {r["gradebookEntryIdentifier"]: r for r in state.rows["GradebookEntry"]}
    assert given.keys() == {real.quiz, real.lesson}
    assert given[real.quiz]["sourceSectionIdentifier"] == real.classes["Algebra 1 A"]
    assert float(given[real.quiz]["maxPoints"]) == 4
    assert "maxPoints" not in given[real.lesson]
    marks = sorted(
        (r["gradebookEntryIdentifier"] == real.quiz, r.get("submissionStatusDescriptor"), r.get("pointsEarned"))
        for r in state.rows["StudentGradebookEntry"]
    )
    assert [(q, s, p if p is None else float(p)) for q, s, p in marks] == [
        (False, SENT, None),
        (True, GRADED, 3.0),
        (True, WAITING, None),
    ]
    assert not state.held
    for count in state.summary.counts:
        assert count.rows_in == count.accepted + count.held + sum(count.ignored.values())


def test_a_session_that_ends_in_mid_pull_is_begun_anew(real: Kolibri, tmp_path: Path) -> None:
    whole = pulled("kolibri", 2027, fetch(pull(real)), tmp_path / "whole")
    pieces = []
    for piece in fetch(pull(real)):
        pieces.append(piece)
        if isinstance(piece, StreamEnd) and piece.stream == "users":
            real.sessions_end()  # what is left are the classes' summaries
    assert values(pulled("kolibri", 2027, pieces, tmp_path / "ended")) == values(whole)


def test_a_list_that_is_empty_since_the_session_ended_is_not_taken_for_one(real: Kolibri) -> None:
    reading = fetch(pull(real))
    for piece in reading:
        if isinstance(piece, StreamEnd):
            break
    real.sessions_end()
    with pytest.raises(AskVendor, match=r"http\.empty"):
        list(reading)
    again = fetch(pull(real, lasts=0))  # so short that each request signs in
    ends = 0
    for piece in again:
        real.sessions_end()
        ends += isinstance(piece, StreamEnd)
    assert ends == 3


@pytest.mark.parametrize(
    ("user", "password", "said"),
    [
        ("admin", "wr0ng canary", "does not let this account in"),
        ("nobody canary", PASSWORD, "does not let this account in"),
        ("dove", PASSWORD, "sees a part only"),
        ("wren", PASSWORD, "sees a part only"),
    ],
)
def test_who_may_not_see_the_whole_school_is_refused(real: Kolibri, user: str, password: str, said: str) -> None:
    with pytest.raises(FixConfiguration, match=said) as refused:
        list(fetch(pull(real, user, password)))
    assert "canary" not in str(refused.value)
    assert PASSWORD not in str(refused.value)


def values(state: Any) -> Any:
    return {
        name: sorted(str(sorted((k, v) for k, v in r.items() if k[0] != "_")) for r in rows)
        for name, rows in state.rows.items()
    }
