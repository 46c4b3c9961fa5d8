"""What the fictional district promises: same bytes, right counts, ids that resolve, nights that differ a little."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.demo import map_growth
from hub.demo.district import CONSORTIUM, DEMO, SOURCES, Plan, copies, write_night, write_nightly, write_standing
from hub.demo.layouts import MAP_GROWTH, ONEROSTER_1_1, ONEROSTER_1_2
from hub.demo.plan import GRADES, PERIODS
from hub.demo.roster import places, roster

from .reading import Rows, column, files, folder, only, package, rows

plans = st.builds(
    Plan,
    students=st.integers(1, 300),
    schools=st.integers(1, 5),
    seed=st.integers(0, 9),
    district=st.sampled_from(["maple-hollow", "fern-creek"]),
)
nights = st.integers(1, 4)


@pytest.fixture(scope="module")
def night_1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("night1")
    assert write_night(DEMO, out, 1) == {name: out / name for name in SOURCES}
    return out


@pytest.fixture(scope="module")
def night_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("night2")
    write_night(DEMO, out, 2)
    return out


@given(plans, nights)
@settings(max_examples=4, deadline=None)
def test_same_plan_and_night_give_the_same_bytes(plan: Plan, night: int) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        write_night(plan, Path(one), night)
        write_night(plan, Path(two), night)
        assert files(Path(one)) == files(Path(two))


@given(plans, nights)
@settings(max_examples=6, deadline=None)
def test_every_id_resolves_within_its_package(plan: Plan, night: int) -> None:
    with tempfile.TemporaryDirectory() as out:
        write_night(plan, Path(out), night)
        sis = package(Path(out) / "sis" / "oneroster.zip")
        lms = package(Path(out) / "lms" / "oneroster.zip")
    for tables in (sis, lms):
        ids = {name: column(table, "sourcedId") for name, table in tables.items() if name != "manifest"}
        for name, values in ids.items():
            assert len(set(values)) == len(values), name
        for name, field, target in REFERENCES:
            for value in column(tables.get(name, []), field) if name in tables and field in first(tables[name]) else []:
                assert set(filter(None, value.split(","))) <= set(ids[target]), (name, field)
    places_ = {(row["classSourcedId"], row["userSourcedId"]) for row in lms["enrollments"]}
    assert {(row["classSourcedId"], row["studentSourcedId"]) for row in lms["results"]} <= places_


REFERENCES = (
    ("academicSessions", "parentSourcedId", "academicSessions"),
    ("orgs", "parentSourcedId", "orgs"),
    ("courses", "schoolYearSourcedId", "academicSessions"),
    ("courses", "orgSourcedId", "orgs"),
    ("classes", "courseSourcedId", "courses"),
    ("classes", "schoolSourcedId", "orgs"),
    ("classes", "termSourcedIds", "academicSessions"),
    ("users", "orgSourcedIds", "orgs"),
    ("users", "primaryOrgSourcedId", "orgs"),
    ("users", "agentSourcedIds", "users"),
    ("roles", "userSourcedId", "users"),
    ("roles", "orgSourcedId", "orgs"),
    ("demographics", "sourcedId", "users"),
    ("enrollments", "classSourcedId", "classes"),
    ("enrollments", "schoolSourcedId", "orgs"),
    ("enrollments", "userSourcedId", "users"),
    ("lineItems", "classSourcedId", "classes"),
    ("lineItems", "categorySourcedId", "categories"),
    ("lineItems", "gradingPeriodSourcedId", "academicSessions"),
    ("lineItems", "academicSessionSourcedId", "academicSessions"),
    ("lineItems", "schoolSourcedId", "orgs"),
    ("results", "lineItemSourcedId", "lineItems"),
    ("results", "studentSourcedId", "users"),
    ("results", "classSourcedId", "classes"),
)


def first(table: Rows) -> dict[str, str]:
    return table[0] if table else {}


@given(plans, nights)
@settings(max_examples=30, deadline=None)
def test_a_student_sits_once_in_each_subject_of_the_level(plan: Plan, night: int) -> None:
    now = roster(plan, night)
    student, subject, group = places(now, night)
    assert len(np.unique(student * 16 + subject)) == len(student)
    assert set(np.unique(student)) == set(np.flatnonzero(now.active))
    expected = np.array(PERIODS)[now.level[now.active]].sum()
    assert len(student) == expected
    assert (now.group_school[group] == now.school[student]).all()
    assert (now.group_grade[group] == now.grade[student]).all()


def test_counts_follow_the_plan(night_1: Path) -> None:
    sis = package(night_1 / "sis" / "oneroster.zip")
    roles = Counter(column(sis["users"], "role"))
    assert roles["student"] == DEMO.students == len(sis["demographics"])
    assert roles["administrator"] == DEMO.schools == len(sis["orgs"]) - 1
    contacts = roles["parent"] + roles["guardian"] + roles["relative"]
    assert contacts == pytest.approx(1.8 * DEMO.students, rel=0.05)
    assert Counter(column(sis["enrollments"], "role"))["teacher"] == len(sis["classes"])
    assert set(column(sis["users"], "grades")) == {*GRADES, ""}


def test_the_consortium_has_the_published_volumes() -> None:
    now = roster(CONSORTIUM, 1)
    assert len(now.enrollments[0]) == pytest.approx(959_000, rel=0.01)
    assert len(now.classes[0]) == pytest.approx(38_400, rel=0.01)


def test_headers_are_in_the_order_of_the_standard(night_1: Path) -> None:
    for source, layout in (("sis", ONEROSTER_1_1), ("lms", ONEROSTER_1_2)):
        tables = package(night_1 / source / "oneroster.zip")
        for name, table in tables.items():
            if name != "manifest":
                assert tuple(table[0]) == layout[name], name
        modes = {row["propertyName"]: row["value"] for row in tables["manifest"]}
        present = {f"file.{name}" for name in tables if name != "manifest"}
        assert {name for name, mode in modes.items() if mode == "bulk"} == present
    assert tuple(rows(only(night_1 / "map").read_bytes())[0]) == MAP_GROWTH


def test_bulk_leaves_status_blank_and_ends_after_it_begins(night_1: Path) -> None:
    for row in package(night_1 / "sis" / "oneroster.zip")["enrollments"]:
        assert row["status"] == row["dateLastModified"] == ""
        assert row["beginDate"] < row["endDate"]


def test_students_carry_the_same_ids_everywhere(night_1: Path) -> None:
    users = package(night_1 / "sis" / "oneroster.zip")["users"]
    state = {row["identifier"]: row["userIds"] for row in users if row["role"] == "student"}
    assert len(set(state.values())) == DEMO.students
    assert any("{State:0" in value for value in state.values())
    seen = [(row["StudentID"], row["Student_StateID"]) for row in rows(only(night_1 / "map").read_bytes())]
    for table in package(night_1 / "iready" / "iready_diagnostics.zip").values():
        seen += [(row["Student ID"], row["Student State ID"]) for row in table]
    for name, table in folder(night_1 / "sat").items():
        assert table, name
        seen += [(row["SECONDARY_ID"], row["STATE_STUDENT_ID"]) for row in table]
    for local_id, state_id in seen:
        assert state[local_id] == f"{{State:{state_id}}}"


def test_the_second_night_is_a_small_difference(night_1: Path, night_2: Path) -> None:
    before, after = (package(out / "sis" / "oneroster.zip") for out in (night_1, night_2))
    changed = {name: changes(before[name], after[name]) for name in before if name != "manifest"}
    for name in ("orgs", "academicSessions", "courses", "classes", "categories", "lineItems"):
        assert changed[name] == (0, 0, 0), name
    for name in ("users", "enrollments", "demographics", "results"):
        added, altered, removed = changed[name]
        assert removed == 0
        assert 0 < added + altered < 0.05 * len(before[name]), name
    assert changed["users"][0] > 0
    assert changed["demographics"][1] == 2
    fields = {field for row, old in pairs(before["users"], after["users"]) for field in row if row[field] != old[field]}
    assert fields == {"enabledUser", "grades"}
    ended = [row for row, old in pairs(before["enrollments"], after["enrollments"]) if row["endDate"] != old["endDate"]]
    assert {row["endDate"] for row in ended} == {str(DEMO.day(2))}
    begun = {row["classSourcedId"] for row in after["enrollments"] if row["beginDate"] == str(DEMO.day(2))}
    assert begun - {row["classSourcedId"] for row in ended}, "a schedule change opens a place in another class"
    assert files(night_1 / "attendance").keys().isdisjoint(files(night_2 / "attendance"))


def pairs(before: Rows, after: Rows) -> list[tuple[dict[str, str], dict[str, str]]]:
    old = {row["sourcedId"]: row for row in before}
    return [(row, old[row["sourcedId"]]) for row in after if row["sourcedId"] in old]


def changes(before: Rows, after: Rows) -> tuple[int, int, int]:
    common = pairs(before, after)
    return len(after) - len(common), sum(row != old for row, old in common), len(before) - len(common)


def test_two_districts_share_local_ids_and_nothing_else() -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        write_night(DEMO, Path(one))
        write_night(Plan(DEMO.students, DEMO.schools, district="fern-creek"), Path(two))
        here, there = (package(Path(out) / "sis" / "oneroster.zip")["users"] for out in (one, two))
    ours, theirs = ({row["identifier"]: row for row in users if row["role"] == "student"} for users in (here, there))
    assert ours.keys() == theirs.keys()
    for field in ("sourcedId", "userIds", "email"):
        assert {row[field] for row in ours.values()}.isdisjoint({row[field] for row in theirs.values()}), field


def test_attendance_is_one_row_per_day_and_section(night_1: Path) -> None:
    marks = rows(only(night_1 / "attendance").read_bytes())
    classes = set(column(package(night_1 / "sis" / "oneroster.zip")["classes"], "sourcedId"))
    days = [row for row in marks if not row["section_id"]]
    assert len({row["student_number"] for row in days}) == len(days) == DEMO.students
    assert len({(row["student_number"], row["section_id"]) for row in marks}) == len(marks)
    assert {row["section_id"] for row in marks} - {""} <= classes
    away = {row["student_number"] for row in days if row["code"] in "AE"}
    assert all(row["code"] in "AE" for row in marks if row["student_number"] in away)
    assert 0.02 < len([row for row in days if row["code"] != "P"]) / len(days) < 0.14


def test_standing_and_nightly_are_the_same_district() -> None:
    with tempfile.TemporaryDirectory() as out:
        standing = folder(write_standing(DEMO, Path(out) / "standing")["sis"])
        new = write_nightly(DEMO, Path(out) / "new", 2)
        results, tests = folder(new["lms"])["results"], rows(only(new["map"]).read_bytes())
        again = write_nightly(DEMO, Path(out) / "again", 2)
        assert files(new["map"]) == files(again["map"])
    users = {row["sourcedId"] for row in standing["users"]}
    newcomers = {row["studentSourcedId"] for row in results} - users
    assert len(newcomers) <= 2
    assert {row["status"] for row in results} == {"active"}
    assert len(tests) == len({row["StudentID"] for row in tests}) == pytest.approx(0.634 * DEMO.students, abs=1)
    assert len(results) == pytest.approx(0.4 * len(roster(DEMO, 1).enrollments[0]), rel=0.2)


def test_copies_have_distinct_students_and_tests(
    night_1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_growth, "BATCH", 1_300)
    source = only(night_1 / "map")
    blown = rows(copies(source, 3_000, tmp_path / "blown.csv").read_bytes())
    assert len(blown) == 3_000
    for field in ("StudentID", "Student_StateID", "TestID"):
        assert len(set(column(blown, field))) == 3_000, field
    original = rows(source.read_bytes())[0]
    same = [field for field in MAP_GROWTH if blown[0][field] == original[field]]
    assert len(same) >= len(MAP_GROWTH) - 3
