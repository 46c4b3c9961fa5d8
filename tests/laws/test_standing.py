"""Law 9, by row: what was published stays until a delivery that can be read whole no longer holds it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.report.reconcile import reconcile

from .night import (
    ALL,
    DISTRICT,
    PEOPLE,
    RESULTS,
    STUDENTS,
    Hub,
    a_hub,
    a_person,
    a_result,
    a_student,
    as_csv,
    send_all,
    send_sis,
    told,
)

NUMBERS = range(1, 7)
ENTITIES = ("Student", "StudentIdentificationCode", "Assessment", "StudentAssessment", "LocalEducationAgency")
WORDS = ("studentUniqueId", "firstName", "birthDate", "birthSexDescriptor")
#: What can become of the row of a student overnight; after `|` are those by which nobody can tell whose row it was.
READABLE = ("whole", "sex", "birth", "plausible", "twin", "code", "dropped")
UNREADABLE = ("nobody", "long", "ragged")
FATES = st.lists(st.sampled_from((*READABLE, *UNREADABLE, "whole", "dropped")), min_size=6, max_size=6)


def _damaged(number: int, fate: str) -> list[tuple[str, ...]]:
    whole = a_student(number)
    other = a_student(number % len(NUMBERS) + 1)
    return {
        "whole": [whole],
        "sex": [a_student(number, Sex="?")],
        "birth": [a_student(number, Birth="2012-02-31")],
        "plausible": [a_student(number, Birth="1066-10-14")],
        "twin": [whole, a_student(number, First="Eve")],
        "code": [a_student(number, StateID=other[5])],  # ids of two students: what names them goes to review
        "dropped": [],
        "nobody": [a_student(number, StudentID="")],
        "long": [a_student(number, StudentID="S" * 40)],
        "ragged": [whole[:4]],
    }[fate]


@given(FATES, st.sampled_from(["", "lms", "tests"]), st.booleans())
@settings(max_examples=6, deadline=None)
def test_no_damage_ends_a_row_that_is_still_sent(specs: Path, fates: list[str], other: str, again: bool) -> None:
    with TemporaryDirectory() as name:
        hub = a_hub(Path(name), specs, {**ALL, "lms": {"vendor": "mini-lms", "delivery": "full"}})
        send_all(hub, NUMBERS)
        runs = [hub.sync()]
        before = {entity: hub.published(entity, "_key") for entity in ENTITIES}
        said = hub.published("Student", *WORDS)
        rows = [row for number, fate in zip(NUMBERS, fates, strict=True) for row in _damaged(number, fate)]
        send_sis(hub, rows or [a_student(90)])
        if other == "lms":
            hub.send("lms", "people.csv", as_csv(PEOPLE, [a_person(1, Family=""), *map(a_person, NUMBERS[1:])]))
        if other == "tests":
            worse = [a_result(1, Minutes="x"), a_result(2, LocalID="L-3"), a_result(3, Taken="2199-01-01")]
            hub.send("tests", "results.csv", as_csv(RESULTS, [*worse, a_result(4, Score="1")]))
        for _ in range(1 + again):
            runs.append(hub.sync())
        assert told(reconcile(runs[1], runs[:1])) == []
        after = {entity: hub.published(entity, "_key") for entity in ENTITIES}
        gone = {number for number, fate in zip(NUMBERS, fates, strict=True) if fate == "dropped"}
        waits = bool(set(fates) & set(UNREADABLE)) or runs[1].status == "held"
        assert {e for e in ENTITIES if e != "StudentIdentificationCode" and before[e] - after[e]} == set()
        left = {n for (n,) in hub.published("StudentIdentificationCode", "studentUniqueId")}
        assert {f"S{n:04d}" for n in NUMBERS} - left == (set() if waits else {f"S{n:04d}" for n in gone})
        lost = {row[0] for row in said - hub.published("Student", *WORDS)}
        held = {1} if other == "lms" else set()  # its published row stays whole, as the LMS's row of it is held
        assert lost == (set() if waits else {f"S{n:04d}" for n in gone - held})  # what the LMS does not say of them


def test_the_report_says_how_many_rows_stand_and_since_when(hub: Hub) -> None:
    send_all(hub, NUMBERS)
    first = hub.sync()
    send_sis(hub, [a_student(1, Sex="?"), *map(a_student, range(2, 7))])
    second = hub.sync()
    assert [(k.entity, k.source, k.rows, k.since) for k in second.kept] == [("Student", "sis", 1, first.id)]
    assert [c.kept for c in second.changes if c.entity == "Student"] == [1]
    send_sis(hub, [a_student(1, Sex="?"), *map(a_student, range(2, 8))])
    third = hub.sync()
    assert [(k.entity, k.rows, k.since) for k in third.kept] == [("Student", 1, first.id)]
    assert hub.sync().kept == third.kept  # nothing came: the same row still stands
    send_sis(hub, map(a_student, range(1, 8)))
    assert hub.sync().kept == ()


def test_a_row_that_never_could_be_read_keeps_nothing(hub: Hub) -> None:
    """A ragged line that came every night is not the row that left tonight; a new one may be."""
    stray = "S0099,half a row\n"
    send_sis(hub, map(a_student, NUMBERS))
    with (hub.incoming("sis") / "students.csv").open("a") as file:
        file.write(stray)
    hub.sync()
    hub.send("sis", "students.csv", as_csv(STUDENTS, map(a_student, range(1, 6))) + stray)
    run = hub.sync()
    assert (run.kept, len(hub.published("Student", "_key"))) == ((), 5)
    hub.send("sis", "students.csv", as_csv(STUDENTS, map(a_student, range(1, 5))) + stray + "S0005,other\n")
    run = hub.sync()
    assert {k.entity: k.rows for k in run.kept} == {"Student": 1, "StudentIdentificationCode": 2}
    hub.send("sis", "students.csv", as_csv(STUDENTS, map(a_student, range(1, 5))) + stray)
    assert (hub.sync().kept, len(hub.published("Student", "_key"))) == ((), 4)


def test_a_few_rows_of_a_source_that_was_taken_out_wait_for_a_person(hub: Hub) -> None:
    send_all(hub, range(1, 4))
    hub.sync()
    hub.districts = {DISTRICT: {name: ALL[name] for name in ("sis", "lms")}}
    hub.write()
    run = hub.sync()
    assert run.status == "held"
    assert {(b.entity, b.source, b.rows) for b in run.breaches} == {
        ("Assessment", "tests", 1),
        ("StudentAssessment", "tests", 3),
    }
    assert len(hub.published("StudentAssessment", "_key")) == 3


def test_a_held_row_of_an_appending_source_goes_when_a_corrected_one_comes(hub: Hub) -> None:
    send_all(hub, range(1, 4))
    hub.send(
        "tests", "results2.csv", as_csv(RESULTS, [a_result(1, Taken="2026-10-09", Minutes="x"), a_result(2, Test="")])
    )
    assert {h.rule for h in hub.sync().held} == {"type.integer", "required"}
    hub.send("tests", "results3.csv", as_csv(RESULTS, [a_result(1, Taken="2026-10-09", Minutes="50")]))
    run = hub.sync()
    assert [(h.rule, h.rows) for h in run.held if h.entity == "StudentAssessment"] == [("required", 1)]
    assert told(reconcile(run, [])) == []
    gone = {(c.entity, c.held): c.ignored for c in run.counts if c.step == "normalize" and c.source == "tests"}
    assert gone["StudentAssessment", 1] == gone["", 1] == {"key.superseded": 1}
    assert len(hub.published("StudentAssessment", "_key")) == 4
