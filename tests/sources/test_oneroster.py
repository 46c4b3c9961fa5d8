"""What a clean OneRoster package becomes, in both versions, row by row where it matters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hub.pipeline.record import Published, build_record
from hub.standards.specs import load_entities
from tests.sources.oneroster_package import Sent, State, Tables, as_1_2, build, gradebook, opened, roster, rows, write


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> State:
    folder = tmp_path_factory.mktemp("clean")
    return build(folder / "state", [opened(write(roster() | gradebook(), folder / "in"))])


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> State:
    folder = tmp_path_factory.mktemp("newer")
    package = write(as_1_2(roster() | gradebook()), folder / "in", Sent(version="1.2"))
    return build(folder / "state", [opened(package)])


def only(state: State, entity: str, **wanted: Any) -> dict[str, Any]:
    found = [r for r in state.table(entity) if all(r.get(k) == v for k, v in wanted.items())]
    assert len(found) == 1, (entity, wanted, found)
    return found[0]


def code(uri: str) -> str:
    return uri.rpartition("#")[2]


def test_a_clean_package_holds_nothing_and_ignores_with_a_reason(state: State) -> None:
    assert state.held == []
    for count in state.summary.counts:
        assert count.rows_in == count.accepted + count.held + sum(count.ignored.values())
        assert "row.not_mapped" not in count.ignored
    derived = {"id.derived": 1, "oneroster.end_date.same_day": 1, "oneroster.entry_date.derived": 9}
    assert state.summary.repairs == derived


def test_organizations_keep_their_sourced_ids(state: State) -> None:
    school = only(state, "School", schoolId=100101)
    assert school["localEducationAgencyId"] == 1001
    codes = {code(c["educationOrganizationIdentificationSystemDescriptor"]): c["identificationCode"]
             for c in json.loads(school["identificationCodes"])}  # fmt: skip
    assert codes == {"Other": "o-1", "School": "100101"}
    grades = [code(g["gradeLevelDescriptor"]) for g in json.loads(school["gradeLevels"])]
    assert grades == ["First grade", "Ninth grade"]
    birch = next(s for s in state.table("School") if s["nameOfInstitution"] == "Birch School")
    assert birch["schoolId"] > 10**15, "an org without a number gets a lasting one"


def test_sessions_fan_out_to_the_schools_that_teach_in_them(state: State) -> None:
    sessions = {(s["schoolId"] == 100101, s["sessionName"]): s for s in state.table("Session")}
    assert set(sessions) == {(True, "2026-2027 Year"), (True, "Fall"), (False, "Fall"), (False, "Spring")}
    fall = sessions[True, "Fall"]
    assert (fall["beginDate"], fall["endDate"], code(fall["termDescriptor"])) == (
        "2026-08-24", "2027-01-22", "Fall Semester")  # fmt: skip
    periods = {(p["gradingPeriodName"], code(p["gradingPeriodDescriptor"])) for p in state.table("GradingPeriod")}
    assert periods == {("Quarter 1", "First Nine Weeks"), ("Quarter 2", "Second Nine Weeks")}
    assert len(state.table("GradingPeriod")) == 4


def test_grading_periods_are_those_of_each_school(tmp_path: Path) -> None:
    """A primary school of trimesters and a high school of quarters share a year, and the name of a first period."""
    tables = roster()
    for name, parent in (("t1", "p-year"), ("t2", "p-year"), ("t3", "p-year"), ("q3", "s-spring"), ("q4", "s-spring")):
        row = {**tables["academicSessions"][-1], "sourcedId": f"s-{name}", "parentSourcedId": parent}
        tables["academicSessions"].append({**row, "title": {"t1": "Quarter 1"}.get(name, f"Period {name}")})
    primary = {**tables["academicSessions"][0], "sourcedId": "p-year", "title": "Primary"}
    begins = {"t1": "2026-08-24", "t2": "2026-12-01", "t3": "2027-03-01", "q3": "2027-01-23", "q4": "2027-04-01"}
    for row in tables["academicSessions"]:
        row["startDate"] = begins.get(row["sourcedId"].removeprefix("s-"), row["startDate"])
    tables["academicSessions"].append(primary)
    tables["classes"][0]["termSourcedIds"] = "p-year"
    tables["classes"] = tables["classes"][:2]  # a homeroom in the fall would put the primary school into quarters

    state = build(tmp_path / "state", [opened(write(tables, tmp_path / "in"))])

    found: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for period in sorted(state.table("GradingPeriod"), key=lambda p: str(p["beginDate"])):
        found[period["schoolId"] == 100101].append(
            (period["gradingPeriodName"], code(period["gradingPeriodDescriptor"]))
        )
    assert [name for name, _ in found[True]] == ["Quarter 1", "Period t2", "Period t3"]
    assert [of for _, of in found[True]][1:] == ["Second Trimester", "Third Trimester"]
    assert [name for name, _ in found[False]] == ["Quarter 1", "Quarter 2", "Period q3", "Period q4"]
    assert [of for _, of in found[False]][2:] == ["Third Nine Weeks", "Fourth Nine Weeks"]
    assert "academicSessions" not in {held[0] for held in state.held}


def test_a_class_is_a_section_per_term(state: State) -> None:
    sections = {(s["sectionIdentifier"], s["sessionName"], s["localCourseCode"]) for s in state.table("Section")}
    assert sections == {
        ("k-read", "2026-2027 Year", "READ-1"), ("k-math", "Fall", "MATH-9"), ("k-math", "Spring", "MATH-9"),
        ("k-home", "Fall", "c-home"),
    }  # fmt: skip
    math = only(state, "Section", sectionIdentifier="k-math", sessionName="Fall")
    assert [p["classPeriodName"] for p in json.loads(math["classPeriods"])] == ["2", "3"]
    assert {p["classPeriodName"] for p in state.table("ClassPeriod")} == {"1", "2", "3"}
    assert math["classroomIdentificationCode"] == "Room 2"
    assert {o["localCourseCode"] for o in state.table("CourseOffering")} == {"READ-1", "MATH-9", "c-home"}


def test_enrollments_take_their_terms_dates_and_split_over_terms(state: State) -> None:
    seats = {
        (s["studentUniqueId"], s["sectionIdentifier"], s["sessionName"]): (s["beginDate"], s["endDate"])
        for s in state.table("StudentSectionAssociation")
    }
    assert seats == {
        ("1001", "k-read", "2026-2027 Year"): ("2026-08-24", "2027-06-11"),
        ("1002", "k-read", "2026-2027 Year"): ("2026-08-24", "2027-06-11"),
        ("1003", "k-math", "Fall"): ("2026-08-24", "2027-01-22"),
        ("1003", "k-math", "Spring"): ("2027-01-23", "2027-06-11"),
        ("u-dee", "k-math", "Fall"): ("2026-09-01", "2026-11-30"),
        ("1001", "k-home", "Fall"): ("2026-08-24", "2026-08-24"),
    }
    home = only(state, "StudentSectionAssociation", sectionIdentifier="k-home")
    assert home["homeroomIndicator"] is True
    teachers = {(s["staffUniqueId"], s["sessionName"]) for s in state.table("StaffSectionAssociation")}
    assert teachers == {("T1", "2026-2027 Year"), ("T2", "Fall"), ("T2", "Spring")}


def test_students_are_known_by_all_their_ids(state: State) -> None:
    found = {(code(c["studentIdentificationSystemDescriptor"]), c["identificationCode"], c["studentUniqueId"])
             for c in state.table("StudentIdentificationCode")}  # fmt: skip
    assert found == {
        ("sourcedId", "u-ada", "1001"), ("sourcedId", "u-ben", "1002"), ("sourcedId", "u-cam", "1003"),
        ("sourcedId", "u-dee", "u-dee"), ("Local", "1001", "1001"), ("Local", "1002", "1002"),
        ("Local", "1003", "1003"), ("State", "0042", "1001"), ("LMS", "ab-1", "1001"), ("State", "0043", "1002"),
    }  # fmt: skip
    ada = only(state, "Student", studentUniqueId="1001")
    assert (ada["birthDate"], code(ada["birthStateAbbreviationDescriptor"])) == ("2019-05-06", "NY")
    demographic = only(state, "StudentDemographic", studentUniqueId="1003")
    assert demographic["hispanicLatinoEthnicity"] is True
    assert [code(r["raceDescriptor"]) for r in json.loads(demographic["races"])] == ["White"]
    mail = json.loads(only(state, "StudentDirectory", studentUniqueId="1001")["electronicMails"])
    assert mail[0]["electronicMailAddress"] == "ada@maple.example"


def test_the_first_day_at_a_school_is_the_earliest_that_is_known(state: State, newer: State) -> None:
    def days(of: State) -> set[tuple[str, bool, str]]:
        return {(a["studentUniqueId"], a["schoolId"] == 100101, a["entryDate"])
                for a in of.table("StudentSchoolAssociation")}  # fmt: skip

    assert days(state) == {
        ("1001", True, "2026-08-24"), ("1002", True, "2026-08-24"), ("1003", False, "2026-08-24"),
        ("u-dee", False, "2026-09-01"), ("u-dee", True, "2026-08-24"),
    }  # fmt: skip
    assert {day for _, _, day in days(newer)} == {"2026-08-20"}, "1.2: roles.beginDate"
    dee = only(newer, "StudentSchoolAssociation", studentUniqueId="u-dee", schoolId=100101)
    assert dee["primarySchool"] is True


def test_staff_and_contacts(state: State, newer: State) -> None:
    roles = {(a["staffUniqueId"], code(a["staffClassificationDescriptor"]), a["educationOrganizationId"] == 1001)
             for a in state.table("StaffEducationOrganizationAssignmentAssociation")}  # fmt: skip
    assert roles == {("T1", "Teacher", False), ("T2", "Teacher", False), ("A1", "School Administrator", True)}
    boss = only(newer, "StaffEducationOrganizationAssignmentAssociation", staffUniqueId="A1")
    assert code(boss["staffClassificationDescriptor"]) == "LEA Administrator"
    links = {(a["studentUniqueId"], a["contactUniqueId"], code(a["relationDescriptor"]))
             for a in state.table("StudentContactAssociation")}  # fmt: skip
    assert links == {("1001", "P1", "Parent"), ("1002", "P1", "Parent")}, "both directions, each pair once"


def test_gradebook(state: State) -> None:
    essay = only(state, "GradebookEntry", gradebookEntryIdentifier="l-1")
    assert (essay["sectionIdentifier"], essay["sessionName"], essay["gradingPeriodName"]) == (
        "k-read", "2026-2027 Year", "Quarter 1")  # fmt: skip
    lab = only(state, "GradebookEntry", gradebookEntryIdentifier="l-2")
    assert lab["sessionName"] == "Spring", "the term that the due date lies in"
    assert lab["gradebookEntryTypeDescriptor"] == "uri://1edtech.org/oneroster/GradebookEntryTypeDescriptor#Lab"
    marks = {(r["studentUniqueId"], r.get("pointsEarned"), code(r["submissionStatusDescriptor"]))
             for r in state.table("StudentGradebookEntry")}  # fmt: skip
    assert marks == {("1001", 88.0, "Graded"), ("1002", None, "Not Submitted"), ("1003", None, "Exempt")}
    assert {r["namespace"] for r in state.table("StudentGradebookEntry")} == {"uri://1edtech.org/oneroster/sis"}


def test_both_versions_say_the_same(state: State, newer: State) -> None:
    differ = {"StudentSchoolAssociation", "StaffEducationOrganizationAssignmentAssociation"}
    for entity in set(state.rows) - differ:
        assert newer.rows[entity] == state.rows[entity], entity
    assert newer.ignored("roles") == {"oneroster.role.no_place": 1}
    assert newer.held == []


def test_an_option_makes_the_sourced_id_the_unique_id(tmp_path: Path) -> None:
    package = opened(write(roster(), tmp_path / "in"))
    state = build(tmp_path / "state", [package], student_unique_id="sourcedId", end_dates="inclusive")
    assert {s["studentUniqueId"] for s in state.table("Student")} == {"u-ada", "u-ben", "u-cam", "u-dee"}
    assert only(state, "Session", sessionName="Spring")["endDate"] == "2027-06-12"


@pytest.mark.parametrize("listed", [0, 1], ids=["no courses.csv", "a part of it"])
def test_courses_that_no_file_lists_are_made_of_classes_where_the_district_asks(listed: int, tmp_path: Path) -> None:
    tables = roster()
    whole = build(tmp_path / "whole", [opened(write(tables, tmp_path / "all"))])
    kept = tables["courses"][:listed]
    part = {name: rows for name, rows in tables.items() if name != "courses"} | ({"courses": kept} if kept else {})
    package = opened(write(part, tmp_path / "part"))
    by_default = build(tmp_path / "listed", [package])
    assert ("Section", "localCourseCode", "reference.unresolved") in by_default.faults()
    made = build(tmp_path / "made", [package], courses="from_classes")
    assert made.held == []
    named = {row["courseSourcedId"] for row in tables["classes"]}
    codes = {course["courseCode"] for course in made.table("Course")}
    assert named - {row["sourcedId"] for row in kept} <= codes
    assert len(codes) == len(named | {row["sourcedId"] for row in kept})
    sections = {(s["sectionIdentifier"], s["sessionName"]) for s in made.table("Section")}
    assert sections == {(s["sectionIdentifier"], s["sessionName"]) for s in whole.table("Section")}
    assert len(made.table("StudentSectionAssociation")) == len(whole.table("StudentSectionAssociation"))


def test_a_feed_with_all_its_courses_says_the_same_either_way(state: State, tmp_path: Path) -> None:
    package = opened(write(roster() | gradebook(), tmp_path / "in"))
    assert build(tmp_path / "state", [package], courses="from_classes").rows == state.rows


def test_an_lms_that_was_rostered_elsewhere_sends_its_gradebook_alone(tmp_path: Path) -> None:
    tables: Tables = as_1_2(roster() | gradebook())
    alone = {name: tables[name] for name in ("lineItems", "results")}
    for table in alone.values():
        for row in table:
            row |= {"status": "active", "dateLastModified": "2026-09-10T02:00:00.000Z"}
    sent = Sent(version="1.2", modes=dict.fromkeys(alone, "delta"))
    package = opened(write(alone, tmp_path / "in", sent))
    state = build(tmp_path / "state", [package], name="lms", delivery="delta")
    assert state.held == []
    assert {e["sourceSectionIdentifier"] for e in state.table("GradebookEntry")} == {"k-read", "k-math"}
    assert {r["_id.sourcedId"] for r in state.table("StudentGradebookEntry")} == {"u-ada", "u-ben", "u-cam"}
    assert state.summary.missing_files == (
        "academicSessions.csv",
        "categories.csv",
        "classes.csv",
        "orgs.csv",
        "users.csv",
    )


def test_every_reference_resolves_and_the_lms_speaks_of_the_same_students(state: State, tmp_path: Path) -> None:
    tables = as_1_2(roster() | gradebook())
    alone = {name: tables[name] for name in ("lineItems", "results")}
    sent = Sent(version="1.2", modes=dict.fromkeys(alone, "delta"))
    lms = build(tmp_path / "lms", [opened(write(alone, tmp_path / "in", sent))], name="lms", delivery="delta")
    states = {"sis": state.path, "lms": lms.path}
    nothing = Published(known_keys=lambda _: None)
    summary = build_record(states, {"sis": 10, "lms": 20}, load_entities(), nothing, tmp_path / "out")
    assert summary.held == ()
    assert all(c.rows_in == c.accepted + sum(c.ignored.values()) for c in summary.counts)
    marks = pq.read_table(tmp_path / "out" / "record" / "StudentGradebookEntry.parquet").to_pylist()
    assert {(m["_source"], m["studentUniqueId"]) for m in marks} == {
        (source, student) for source in states for student in ("1001", "1002", "1003")
    }


def test_files_that_ed_fi_has_no_place_for_are_named(tmp_path: Path) -> None:
    tables = roster() | {"resources": rows("sourcedId vendorResourceId title", "x-1|v-1|A reader")}
    state = build(tmp_path / "state", [opened(write(tables, tmp_path / "in"))])
    assert state.ignored("resources") == {"oneroster.not_carried": 1}
