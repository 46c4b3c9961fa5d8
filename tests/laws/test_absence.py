"""Law 9: a row that did not come means deleted only where the delivery was complete."""

from __future__ import annotations

import shutil

import pytest

from hub.errors import Stop
from hub.pipeline import approve, replay, states
from hub.standards.states.source_state import Work
from hub.standards.states.summary import StateSummary

from .night import (
    ALL,
    DISTRICT,
    PEOPLE,
    RESULTS,
    SLICE,
    STUDENTS,
    Hub,
    a_person,
    a_result,
    a_student,
    as_csv,
    send_all,
    send_sis,
)


def students(hub: Hub) -> set[str]:
    return {row[0] for row in hub.published("Student", "studentUniqueId")}


def test_full_deletes_and_append_does_not(hub: Hub) -> None:
    send_all(hub, range(1, 5))
    hub.empty("lms")
    hub.sync()
    assert len(hub.published("StudentAssessment", "_key")) == 4
    send_sis(hub, [a_student(1), a_student(2)])
    hub.empty("tests")
    hub.send("tests", "results2.csv", as_csv(RESULTS, [a_result(1, Taken="2026-10-09")]))
    run = hub.sync()
    assert {c.entity: (c.added, c.removed) for c in run.changes if c.added or c.removed} == {
        "Student": (0, 2),
        "StudentIdentificationCode": (0, 4),
        "StudentAssessment": (1, 0),
    }


def test_hub_yaml_may_say_that_a_source_only_appends(tmp_path, specs) -> None:  # type: ignore[no-untyped-def]
    hub = Hub(tmp_path, specs, {DISTRICT: {"sis": {"vendor": "mini-sis", "delivery": "append"}}})
    send_sis(hub, [a_student(1), a_student(2)])
    hub.sync()
    hub.send("sis", "students.csv", as_csv(STUDENTS, [a_student(2, First="Eve"), a_student(3)]))
    run = hub.sync()
    assert students(hub) == {"S0001", "S0002", "S0003"}
    assert [(c.added, c.changed, c.removed) for c in run.changes if c.entity == "Student"] == [(1, 1, 0)]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (as_csv(STUDENTS, []), "csv.header_only"),
        ("", "csv.empty"),
        (as_csv(("A", "B"), [("1", "2")]), "missing_column"),
    ],
)
def test_a_file_without_rows_never_deletes(hub: Hub, content: str, rule: str) -> None:
    send_all(hub)
    hub.sync()
    before = hub.digest()
    hub.send("sis", "students.csv", content)
    hub.send("tests", "results2.csv", as_csv(RESULTS, [a_result(1, Taken="2026-10-09")]))
    run = hub.sync()
    refused = next(o for o in run.sources if o.source == "sis")
    assert (refused.status, rule in refused.message, bool(refused.remedy)) == ("refused", True, True)
    assert hub.digest()["Student"] == before["Student"]
    assert len(hub.published("StudentAssessment", "_key")) == 9  # the others went on


def test_a_stream_that_is_left_out_keeps_its_rows(hub: Hub) -> None:
    send_all(hub)
    hub.sync()
    (hub.incoming("sis") / "students.csv").unlink()
    hub.send("sis", "agencies.csv", as_csv(("Agency", "Name"), [("255901", "Renamed")]))
    hub.sync()
    assert len(students(hub)) == 8
    assert hub.published("LocalEducationAgency", "nameOfInstitution") == {("Renamed",)}


def test_a_source_that_fails_keeps_its_rows_even_when_work_was_cleared(hub: Hub) -> None:
    send_all(hub)
    hub.sync()
    before = hub.digest()
    shutil.rmtree(hub.incoming("sis"))
    shutil.rmtree(hub.state / "work")
    hub.send("lms", "people2.csv", as_csv(PEOPLE, [a_person(1, Preferred="Countess")]))
    run = hub.sync()
    assert {o.source: o.status for o in run.sources}["sis"] == "failed"
    after = hub.digest()
    assert {e for e in before if before[e] != after[e]} == {"Student"}
    assert [(c.changed, c.removed) for c in run.changes if c.entity == "Student"] == [(1, 0)]


def test_rows_that_cannot_be_made_again_are_not_taken_for_deleted(hub: Hub) -> None:
    send_all(hub)
    hub.sync()
    before = hub.digest()
    shutil.rmtree(hub.state / "work" / SLICE.district / str(SLICE.year) / "sis")
    hub.send("lms", "people2.csv", as_csv(PEOPLE, [a_person(1, Preferred="Countess")]))
    with pytest.raises(Stop, match=r"rows of source sis are gone.*hub held replay"):
        hub.sync(only={"lms"})
    assert hub.digest() == before
    replay(hub.settings, SLICE)
    assert hub.sync(only={"lms"}).status in ("published", "unchanged")
    assert len(students(hub)) == 8


def test_a_source_taken_out_of_hub_yaml_takes_its_rows_along_through_the_guard(hub: Hub) -> None:
    send_all(hub, range(1, 31))
    hub.sync()
    hub.districts = {DISTRICT: {name: ALL[name] for name in ("sis", "lms")}}
    hub.write()
    run = hub.sync()
    assert (run.status, [(b.entity, b.kind) for b in run.breaches]) == (
        "held",
        [
            ("Assessment", "removed"),
            ("StudentAssessment", "removed"),
        ],
    )
    assert len(hub.published("StudentAssessment", "_key")) == 30
    approve(hub.settings, SLICE, run.id, "Grace")
    assert hub.published("StudentAssessment", "_key") == set()
    assert len(students(hub)) == 30


def test_a_bad_file_costs_the_night_it_came_not_the_source(hub: Hub) -> None:
    send_all(hub)
    hub.sync()
    good = (hub.incoming("sis") / "students.csv").read_bytes()
    for name, bad in (("students.csv", b"nonsense\n1\n"), ("more.zip", b"PK\x03\x04 broken")):
        hub.send("sis", name, bad)
        hub.send("tests", f"results-{name}.csv", as_csv(RESULTS, []))
        run = hub.sync()
        assert {o.source: o.status for o in run.sources} == {"sis": "refused", "lms": "unchanged", "tests": "refused"}
        assert {o.source: o.status for o in hub.sync().sources}["sis"] == "refused"  # told until it is mended
        (hub.incoming("sis") / name).unlink()
    hub.send("sis", "students.csv", good.replace(b"Ada1", b"Eve1"))
    hub.send("tests", "results9.csv", as_csv(RESULTS, [a_result(1, Taken="2026-10-09")]))
    run = hub.sync()
    assert {o.source: o.status for o in run.sources} == {"sis": "fresh", "lms": "unchanged", "tests": "fresh"}
    assert {c.entity: (c.added, c.changed, c.removed) for c in run.changes if c.added or c.changed or c.removed} == {
        "Student": (0, 1, 0),
        "StudentAssessment": (1, 0, 0),
    }


def test_a_replay_does_not_hide_what_went_wrong_with_the_last_pull(hub: Hub) -> None:
    send_all(hub)
    hub.sync()
    hub.send("sis", "students.csv", b"nonsense\n1\n")
    shutil.rmtree(hub.incoming("lms"))
    slept, replayed = hub.sync(), replay(hub.settings, SLICE)
    told = {o.source: (o.status, o.message, o.remedy) for o in slept.sources}
    assert {name: status for name, (status, *_) in told.items()} == {
        "sis": "refused",
        "lms": "failed",
        "tests": "unchanged",
    }
    assert {o.source: (o.status, o.message, o.remedy) for o in replayed.sources} == told


def test_a_held_row_does_not_end_the_good_one_that_was_published(hub: Hub) -> None:
    send_all(hub)
    hub.sync()
    hub.empty("lms")
    send_sis(hub, [a_student(1, Sex="?"), *(a_student(n) for n in range(2, 9))])
    hub.sync()
    assert len(hub.published("StudentIdentificationCode", "_key")) == 16
    assert ("S0001", "uri://ed-fi.org/SexDescriptor#Female") in hub.published(
        "Student", "studentUniqueId", "birthSexDescriptor"
    )


def test_a_defect_in_one_source_is_told_by_place_and_the_others_go_on(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_all(hub, range(1, 4))
    hub.sync()
    real = states.build_state

    def stumbles(work: Work, *more: object) -> StateSummary:
        return [][len("Lovelace")] if work.name == "sis" else real(work, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(states, "build_state", stumbles)
    send_sis(hub, [a_student(n, First="Eve") for n in range(1, 4)])
    hub.send("tests", "results2.csv", as_csv(RESULTS, [a_result(1, Taken="2026-10-09")]))
    run = hub.sync()
    sis = next(o for o in run.sources if o.source == "sis")
    assert (run.status, sis.status) == ("published", "failed")
    assert "IndexError at test_absence.py:" in sis.message
    assert len(hub.published("StudentAssessment", "_key")) == 4
    assert hub.published("Student", "firstName") == {("Ada1",), ("Ada2",), ("Ada3",)}
