"""Identity, as in the test of the nearest public tool, which gave 100 of 900 scores to the wrong student."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.night import DISTRICT, PEOPLE, RESULTS, SLICE, Hub, a_person, a_result, a_student, as_csv, rows_of, send_sis

from hub import store
from hub.engine import connect
from hub.pipeline import replay
from hub.unify.identity import resolve

HUNDREDS = 10


@dataclass
class Sent:
    """The rows of the assessment file; `whose` says who really took each test, by kind of damage."""

    rows: list[tuple[str, ...]] = field(default_factory=list)
    whose: dict[str, dict[str, str]] = field(default_factory=dict)  # kind -> score, which names the row -> student

    def add(self, kind: str, number: int, **ids: str) -> None:
        score = f"{len(self.rows):04d}"
        self.rows.append(a_result(number, Score=score, **ids))
        self.whose.setdefault(kind, {})[score] = f"S{number:04d}"


def a_file(students: int) -> Sent:
    """20 % with leading zeros lost, 10 % without a state id, 10 % with another student's local id, 10 % without ids."""
    sent, order = Sent(), list(range(1, students + 1))
    random.Random(20261122).shuffle(order)
    part = students // HUNDREDS
    for place, n in enumerate(order):
        match place // part:
            case 0 | 1:
                sent.add("zeros lost", n, StateID=str(n))
            case 2:
                sent.add("no state id", n, StateID="")
            case 3:
                sent.add("typo", n, LocalID=f"L-{n % students + 1}")
            case 4:
                sent.add("no id", n, StateID="", LocalID="")
            case _:
                sent.add("whole", n)
    return sent


@pytest.fixture
def night(hub: Hub) -> tuple[Hub, Sent]:
    sent = a_file(1000)
    send_sis(hub, [a_student(n) for n in range(1, 1001)])
    hub.send("tests", "results.csv", as_csv(RESULTS, sent.rows))
    hub.empty("lms")
    return hub, sent


def scores(hub: Hub) -> dict[str, str]:
    """score -> student, as published."""
    import json

    rows = hub.published("StudentAssessment", "scoreResults", "studentUniqueId")
    return {json.loads(results)[0]["result"]: student for results, student in rows}


def test_a_thousand_results_and_no_wrong_student(night: tuple[Hub, Sent]) -> None:
    hub, sent = night
    run = hub.sync()
    found, truth = scores(hub), {k: v for kind in sent.whose.values() for k, v in kind.items()}
    assert [score for score, student in found.items() if truth[score] != student] == []
    assert {kind: len(rows.keys() & found.keys()) for kind, rows in sent.whose.items()} == {
        "whole": 500,
        "zeros lost": 200,
        "no state id": 100,
        "typo": 0,
        "no id": 0,
    }
    held = {h.rule: h.rows for h in run.held if h.source == "tests"}
    assert held == {"identity.conflict": 100, "identity.blank": 100}
    repairs = next(o.repairs for o in run.sources if o.source == "tests")
    assert repairs == {"identity.zero_restored": 200}
    assert len(store.reviews(hub.store())) == 100


def test_an_answer_is_remembered_the_next_night(night: tuple[Hub, Sent]) -> None:
    hub, sent = night
    hub.sync()
    typos = dict(list(sent.whose["typo"].items())[:2])
    places = {int(score) + 1: student for score, student in typos.items()}
    asked = {r.row: r for r in store.reviews(hub.store())}
    (one, who), (other, _) = places.items()
    store.decide_review(hub.store(), asked[one].id, who, "Grace")
    store.decide_review(hub.store(), asked[other].id, None, "Grace")
    run = replay(hub.settings, SLICE)
    assert [(c.added, c.changed, c.removed) for c in run.changes if c.entity == "StudentAssessment"] == [(1, 0, 0)]
    assert scores(hub)[f"{one - 1:04d}"] == who
    assert {h.rule: h.rows for h in run.held}["identity.reviewed"] == 1
    # The same ids come again with another result: nobody is asked again.
    ids = {RESULTS[i]: v for i, v in enumerate(sent.rows[one - 1]) if RESULTS[i] in ("StateID", "LocalID")}
    hub.send("tests", "results2.csv", as_csv(RESULTS, [a_result(1, Score="2222", Taken="2026-10-08", **ids)]))
    assert hub.sync().status == "published"
    assert scores(hub)["2222"] == who
    assert len(store.reviews(hub.store())) == 98


def test_an_answer_changes_what_is_published_on_an_ordinary_night(hub: Hub) -> None:
    send_sis(hub, [a_student(1), a_student(2)])
    hub.send("tests", "results.csv", as_csv(RESULTS, [a_result(1, LocalID="L-2")]))
    assert hub.sync().held[0].rule == "identity.conflict"
    (review,) = store.reviews(hub.store())
    store.decide_review(hub.store(), review.id, "S0001", "Grace")
    assert hub.sync().status == "published"
    assert hub.published("StudentAssessment", "studentUniqueId") == {("S0001",)}
    store.decide_review(hub.store(), review.id, "S0002", "Grace")
    hub.sync()
    assert hub.published("StudentAssessment", "studentUniqueId") == {("S0002",)}
    assert hub.sync().status == "unchanged"


def test_identity_and_authority_of_hub_yaml_count_from_the_next_night_on(hub: Hub) -> None:
    send_sis(hub, [a_student(1)])
    hub.send("lms", "people.csv", as_csv(PEOPLE, [a_person(1, Family="Byron")]))
    hub.send("tests", "results.csv", as_csv(RESULTS, [a_result(1, StateID="", LocalID="S0001")]))
    assert [h.rule for h in hub.sync().held] == ["identity.unknown"]
    said = json.loads((hub.root / "hub.yaml").read_text())
    district = said["districts"][DISTRICT]
    district["identity"] = {"Local": "studentUniqueId"}
    (hub.root / "hub.yaml").write_text(json.dumps(said))
    assert hub.sync().held == ()
    assert hub.published("StudentAssessment", "studentUniqueId") == {("S0001",)}
    assert hub.published("Student", "lastSurname") == {("Lovelace1",)}
    district["sources"]["sis"]["authority"] = 90
    (hub.root / "hub.yaml").write_text(json.dumps(said))
    hub.sync()
    assert hub.published("Student", "lastSurname") == {("Byron",)}
    assert hub.sync().status == "unchanged"


def test_a_review_shows_whom_it_may_be_by_place_and_a_number_decides(hub: Hub) -> None:
    send_sis(hub, [a_student(1), a_student(2)])
    hub.send("tests", "results.csv", as_csv(RESULTS, [a_result(1, LocalID="L-2")]))
    hub.sync()
    (review,) = store.reviews(hub.store())
    assert sorted((c.source, c.row) for c in review.candidates) == [("sis", 1), ("sis", 2)]
    plain = hashlib.sha256(b"Local=L-2|State=0000001").hexdigest()
    assert plain != review.ids_digest  # who has the digests alone cannot try all ids
    rows = {store.student_of(hub.store(), c.key): c.row for c in review.candidates}
    assert rows == {"S0001": 1, "S0002": 2}


def test_a_student_who_left_keeps_results_and_a_code_given_on_counts_for_the_new_one(hub: Hub) -> None:
    send_sis(hub, [a_student(1), a_student(2)])
    hub.send("tests", "results.csv", as_csv(RESULTS, [a_result(1), a_result(2)]))
    hub.sync()
    send_sis(hub, [a_student(2), a_student(3, StateID="0000099", LocalID="L-1")])
    for night in ("2026-10-07", "2026-10-08"):
        sent = [a_result(1, StateID="", LocalID="L-1", Taken=night), a_result(1, LocalID="", Taken=night)]
        hub.send("tests", f"results{night}.csv", as_csv(RESULTS, sent))
        run = hub.sync()
        # Its old row names student 1 by the state id and student 3 by a code that was given on: a person must look.
        assert {h.rule: h.rows for h in run.held} == {"identity.conflict": 1}
    dates = hub.published("StudentAssessment", "studentUniqueId", "administrationDate")
    assert {(student, when[:10]) for student, when in dates} == {
        ("S0001", "2026-10-01"),  # in review, so it stays as it was
        ("S0002", "2026-10-01"),
        ("S0003", "2026-10-07"),
        ("S0001", "2026-10-07"),
        ("S0003", "2026-10-08"),
        ("S0001", "2026-10-08"),
    }


CODE = st.sampled_from(["1", "01", "001", "10", "2", "02", "A", "0A", "0", "00"])
SYSTEMS = ("Local", "State")


@given(
    st.lists(st.tuples(st.sampled_from(SYSTEMS), CODE, st.sampled_from("xyz")), max_size=8),
    st.lists(st.tuples(*[st.none() | CODE] * 2), min_size=1, max_size=6),
)
@settings(max_examples=30, deadline=None)
def test_nobody_is_guessed(roster: list[tuple[str, str, str]], asked: list[tuple[str | None, str | None]]) -> None:
    """A row is given to a student only if every system that knows the id says so, and no other student."""
    con = connect()
    words = ("system", "code", "studentUniqueId")
    con.create_table(
        "crosswalk", pa.table({w: pa.array([r[i] for r in roster], pa.string()) for i, w in enumerate(words)})
    )
    ids = {f"_id.{s}": pa.array([a[i] for a in asked], pa.string()) for i, s in enumerate(SYSTEMS)}
    con.create_table("rows", pa.table(ids))
    people = resolve(con, con.table("rows"), con.table("crosswalk").distinct(), None, "t")
    said = {r["_ids"]: r for r in con.to_pyarrow(people).to_pylist()}
    for pair_of_ids in asked:
        row = said["|".join(f"{s}={v}" for s, v in zip(SYSTEMS, pair_of_ids, strict=True) if v)]
        exact = [
            {u for s, c, u in roster if (s, c) == pair} for pair in zip(SYSTEMS, pair_of_ids, strict=True) if pair[1]
        ]
        bare = [
            {u for s, c, u in roster if s == pair[0] and c.lstrip("0") == (pair[1] or "").lstrip("0")}
            for pair in zip(SYSTEMS, pair_of_ids, strict=True)
            if pair[1]
        ]
        known = [e or b for e, b in zip(exact, bare, strict=True) if e or b]
        people_meant = set().union(*known)
        if len(people_meant) == 1:
            assert (row["studentUniqueId"], row["rule"]) == (people_meant.pop(), "")
        else:
            assert row["studentUniqueId"] is None
            assert row["rule"] == (
                "identity.blank"
                if pair_of_ids == (None, None)
                else "identity.unknown"
                if not known
                else "identity.ambiguous"
                if any(len(k) > 1 for k in known)
                else "identity.conflict"
            )
    con.disconnect()


def test_reviews_hold_no_id(hub: Hub) -> None:
    send_sis(hub, [a_student(1), a_student(2)])
    hub.send("tests", "results.csv", as_csv(RESULTS, [a_result(1, LocalID="L-2")]))
    run = hub.sync()
    (row,) = rows_of(hub.state / "runs" / run.district / str(run.year) / run.id / "reviews.parquet")
    assert "L-2" not in repr(row)
    assert "0000001" not in repr(row)
