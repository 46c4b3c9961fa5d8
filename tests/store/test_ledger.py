from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import get_args, get_type_hints

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import FixConfiguration
from hub.model import Breach, Change, Run, SourceOutcome
from hub.store import (
    Candidate,
    GuardLimits,
    Review,
    add_reviews,
    decide_review,
    decisions,
    judge,
    record_run,
    reviews,
    run_from_json,
    run_to_json,
    runs,
)

from .conftest import Opener

INSTANTS = st.datetimes(timezones=st.just(UTC))
SHARES = st.floats(0, 1)
RUNS = st.builds(
    Run,
    started=INSTANTS,
    finished=st.none() | INSTANTS,
    sources=st.lists(st.builds(SourceOutcome, received=st.none() | INSTANTS), max_size=2).map(tuple),
    breaches=st.lists(st.builds(Breach, share=SHARES, limit=SHARES), max_size=2).map(tuple),
)


@settings(max_examples=20, deadline=None)
@given(RUNS)
def test_a_run_survives_json(run: Run) -> None:
    assert run_from_json(json.loads(json.dumps(run_to_json(run)))) == run


def test_a_run_of_a_newer_hub_can_be_read() -> None:
    plain = run_to_json(Run("r", "d", 2027, datetime.now(UTC), None, "failed"))
    assert run_from_json(plain | {"weather": "fine"}).id == "r"


def test_every_status_can_be_recorded_and_is_replaced(new_store: Opener) -> None:
    store = new_store()
    received = datetime(2026, 11, 22, 1, tzinfo=UTC)
    for status in get_args(get_type_hints(Run)["status"]):
        outcome = SourceOutcome("sis", "oneroster", "fresh", received=received, state="s")
        run = Run("20261122T020000Z-abcdef", store.district, 2027, received, None, status, (outcome,))
        record_run(store, run)
        assert runs(store) == [run]


CHANGES = st.builds(
    lambda before, added, changed, removed: Change(
        "Student", before, added, min(changed, before), min(removed, before)
    ),
    *[st.integers(0, 200)] * 4,
)


@given(CHANGES, st.floats(0, 1), st.floats(0, 1), st.integers(0, 100))
def test_the_guard_holds_exactly_what_is_over_its_limits(
    change: Change, removed: float, changed: float, rows: int
) -> None:
    breaches = {breach.kind: breach for breach in judge([change], GuardLimits(removed, changed, rows))}
    judged = change.before > 0 and (change.before >= rows or change.after == 0)
    assert ("removed" in breaches) == (judged and change.removed > removed * change.before)
    assert ("changed" in breaches) == (judged and change.changed > changed * change.before)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (Change("Student", 0, 5000, 0, 0), []),  # first publish
        (Change("Student", 19, 0, 0, 18), []),  # too few to judge
        (Change("Student", 19, 0, 0, 19), ["removed"]),  # but nothing would remain
        (Change("Student", 20, 0, 0, 2), []),  # at the limit
        (Change("Student", 20, 0, 0, 3), ["removed"]),
        (Change("Student", 100, 0, 51, 11), ["removed", "changed"]),
    ],
)
def test_the_guard_by_example(change: Change, kinds: list[str]) -> None:
    assert [breach.kind for breach in judge([change], GuardLimits())] == kinds


ONE = Candidate("k1", "sis", "students.csv", 2)


def test_a_review_is_asked_once_and_its_answer_remembered(new_store: Opener) -> None:
    store = new_store()
    first = Review(2027, "lms", "d1", "users.csv", 7, (ONE, Candidate("k2", "sis", "students.csv", 3)))
    second = Review(2027, "lms", "d2", "users.csv", 9, (ONE,))
    assert add_reviews(store, [first, second, first]) == 2
    assert add_reviews(store, []) == 0
    assert {review.id for review in reviews(store)} == {first.id, second.id}
    assert reviews(store)[0].candidates in (first.candidates, second.candidates)
    decide_review(store, first.id, "0042", "registrar")
    decide_review(store, second.id, None, "registrar")
    assert reviews(store) == []
    assert add_reviews(store, [Review(2028, "lms", "d1", "new.csv", 1)]) == 0
    (decided,) = (review for review in reviews(store, open_only=False) if review.id == first.id)
    assert (decided.student_unique_id, decided.decided_by) == ("0042", "registrar")
    assert decided.decided_at is not None
    assert decided.decided_at.tzinfo is not None
    found = {row["ids_digest"]: row["student_unique_id"] for row in pq.read_table(decisions(store)).to_pylist()}
    assert found == {"d1": "0042", "d2": None}
    with pytest.raises(FixConfiguration, match="nosuch"):
        decide_review(store, "nosuch", "1", "registrar")
