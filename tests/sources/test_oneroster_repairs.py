"""Real packages are clean nowhere: what is mended is counted by rule, what is not clear is held, nothing vanishes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.errors import AskVendor
from hub.standards.rules import load_rules
from tests.sources.oneroster_package import Sent, State, Tables, as_1_2, build, gradebook, opened, roster, rows, write

DELTA = "2026-11-02T02:00:00.000Z"


def one(tables: Tables, name: str, sourced_id: str) -> dict[str, str]:
    return next(r for r in tables[name] if r["sourcedId"] == sourced_id)


def code(uri: str) -> str:
    return uri.rpartition("#")[2]


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> State:
    """One package with everything that can be mended."""
    folder = tmp_path_factory.mktemp("mended")
    tables = roster() | gradebook()
    for session in tables["academicSessions"]:
        session["schoolYear"] = {"s-year": "2026-2027", "s-fall": "2026", "s-q1": "2026/27", "s-q2": ""}.get(
            session["sourcedId"], "2027"
        )
    one(tables, "academicSessions", "s-year")["parentSourcedId"] = "s-year"
    one(tables, "academicSessions", "s-fall")["startDate"] = "2026-08-24T00:00:00.000Z"
    one(tables, "academicSessions", "s-spring")["endDate"] = "06/13/2027"
    for name in ("orgs", "users", "enrollments"):
        for row in tables[name]:
            row["status"] = "Active"
    one(tables, "orgs", "o-1")["type"] = "School"
    one(tables, "users", "u-ada")["grades"] = "1"
    one(tables, "users", "u-ben")["grades"] = "First grade,02"
    one(tables, "users", "u-cam")["grades"] = "K"
    one(tables, "users", "u-dee")["grades"] = "-1"
    one(tables, "users", "u-tom")["role"] = "Professor"
    one(tables, "users", "u-ann")["role"] = "principal"
    one(tables, "users", "u-boss")["role"] = "Administrator"
    one(tables, "users", "u-ada")["email"] = "NULL"
    one(tables, "users", "u-cam")["userIds"] = " 1003"
    one(tables, "demographics", "u-ada")["sex"] = "Female"
    one(tables, "demographics", "u-cam")["hispanicOrLatinoEthnicity"] = "TRUE"
    tables["users"].append(one(tables, "users", "u-ada") | {"sourcedId": "u-ada-2", "orgSourcedIds": "o-2"})
    one(tables, "enrollments", "e-4")["userSourcedId"] = "u-ada-2"
    tables["courses"].append(one(tables, "courses", "c-math") | {"sourcedId": "c-math-2"})
    package = write(tables, folder / "in", Sent(encoding="utf-8-sig", newline="\r\n"))
    manifest = package / "manifest.csv"
    text = manifest.read_text(encoding="utf-8-sig").replace("manifest.version,1.0", "manifest.version,1")
    text = text.replace("file.orgs,bulk", "file.orgs,Bulk").replace("file.categories,bulk\n", "")
    text += "file.coursessent\n"  # names no file of the standard: counted, nothing to refuse
    manifest.write_text(text.replace("file.results,bulk", "file.results,absent"), encoding="utf-8")
    return build(folder / "state", [opened(package)])


def test_all_that_can_be_mended_is_and_is_counted(mended: State) -> None:
    assert mended.held == []
    assert mended.summary.repairs == {
        "id.derived": 1,
        "oneroster.bulk.status_filled": 3 + 9 + 7,
        "oneroster.course_code.shared": 2,
        "oneroster.date.form": 2,
        "oneroster.end_date.same_day": 1,
        "oneroster.entry_date.derived": 10,
        "oneroster.grade.crosswalked": 6,
        "oneroster.grade.several": 1,
        "oneroster.manifest.mismatch": 6,
        "oneroster.person.again": 1,
        "oneroster.role.crosswalked": 1,
        "oneroster.session.own_parent": 1,
        "oneroster.user_ids.identifier": 1,
        "oneroster.value.case": 3 + 9 + 7 + 1 + 1 + 1 + 1,
        "oneroster.year.derived": 1,
        "oneroster.year.range": 2,
        "oneroster.year.start": 1,
    }


def test_every_rule_and_reason_is_in_the_library(mended: State) -> None:
    rules = load_rules()
    reasons = {r for c in mended.summary.counts for r in c.ignored}
    assert (set(mended.summary.repairs) | reasons) - set(rules) == set()


def test_what_was_mended_is_what_was_meant(mended: State) -> None:
    places = mended.table("StudentSchoolAssociation")
    grades = {a["studentUniqueId"]: code(a["entryGradeLevelDescriptor"]) for a in places}
    assert grades == {"1001": "First grade", "1002": "First grade", "1003": "Kindergarten",
                      "u-dee": "Preschool/Prekindergarten"}  # fmt: skip
    staff = {a["staffUniqueId"]: code(a["staffClassificationDescriptor"])
             for a in mended.table("StaffEducationOrganizationAssignmentAssociation")}  # fmt: skip
    assert staff == {"T1": "Teacher", "T2": "Principal", "A1": "School Administrator"}
    assert {s["schoolYear"] for s in mended.table("Session")} == {2027}
    spring = next(s for s in mended.table("Session") if s["sessionName"] == "Spring")
    assert spring["endDate"] == "2027-06-12"
    assert {c["courseCode"] for c in mended.table("Course")} == {"READ-1", "c-math", "c-math-2", "c-home"}


def test_one_person_with_two_users_is_one_person_with_two_ids(mended: State) -> None:
    assert len([s for s in mended.table("Student") if s["studentUniqueId"] == "1001"]) == 1
    ids = {c["identificationCode"] for c in mended.table("StudentIdentificationCode") if c["studentUniqueId"] == "1001"}
    assert {"u-ada", "u-ada-2"} <= ids
    assert len([a for a in mended.table("StudentSchoolAssociation") if a["studentUniqueId"] == "1001"]) == 2
    assert len([s for s in mended.table("StudentSectionAssociation") if s["studentUniqueId"] == "1001"]) == 3


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> State:
    """One package with everything that cannot be mended."""
    folder = tmp_path_factory.mktemp("broken")
    tables = roster() | gradebook()
    one(tables, "users", "u-ben")["grades"] = "grade one-ish"
    one(tables, "users", "u-boss")["role"] = "wizard"
    one(tables, "users", "u-dee")["orgSourcedIds"] = "o-9"
    one(tables, "users", "u-cam")["userIds"] = "4711"
    one(tables, "users", "u-tom")["status"] = "inactive"
    one(tables, "users", "u-pat")["agentSourcedIds"] = "u-gone"
    one(tables, "demographics", "u-ada")["birthDate"] = "05/06/2019"
    tables["demographics"] += rows("sourcedId sex", "u-gone|female", "u-ann|female")
    one(tables, "courses", "c-home")["orgSourcedId"] = "o-9"
    tables["classes"] += rows(
        "sourcedId title courseSourcedId classType schoolSourcedId termSourcedIds",
        "k-lost|Lost|c-gone|scheduled|o-1|s-gone",
        "k-none|No term|c-read|scheduled|o-1|",
    )
    tables["enrollments"] += rows(
        "sourcedId classSourcedId schoolSourcedId userSourcedId role beginDate",
        "e-20|k-gone|o-1|u-ada|student|2026-08-24",
        "e-21|k-read|o-1|u-gone|student|2026-08-24",
        "e-22|k-read|o-1|u-ada|dean|2026-08-24",
        "e-23|k-read|o-1|u-ada|student|2026-02-30",
    )
    tables["orgs"] += rows(
        "sourcedId name type",
        "o-8|Art Department|department",
        "o-7|Twin|school",
        "o-7|Twin B|school",
        "o-2|Birch School|school",
    )
    one(tables, "orgs", "o-2")["parentSourcedId"] = ""
    tables["lineItems"] += rows("sourcedId title assignDate dueDate classSourcedId categorySourcedId",
                                "l-9|Lost|2026-09-01|2026-09-02|k-gone|g-gone")  # fmt: skip
    tables["results"] += rows("sourcedId lineItemSourcedId studentSourcedId scoreStatus score scoreDate",
                              "r-9|l-1|u-gone|graded|A+|2026-09-09")  # fmt: skip
    tables["users"].append({"sourcedId": "", "role": "student", "givenName": "No", "familyName": "Id"})
    return build(folder / "state", [opened(write(tables, folder / "in"))])


def test_what_cannot_be_mended_is_held_with_its_true_reason(broken: State) -> None:
    expected = {
        ("users", 2, "StudentSchoolAssociation", "entryGradeLevelDescriptor", "code.unknown"),
        ("users", 7, "Staff", "role", "code.unknown"),
        ("users", 4, "StudentSchoolAssociation", "schoolId", "reference.unresolved"),
        ("users", 3, "StudentIdentificationCode", "userIds", "pattern"),
        ("users", 5, "", "", "value.unknown"),
        ("users", 8, "StudentContactAssociation", "studentUniqueId", "reference.unresolved"),
        ("users", 9, "", "", "required"),
        ("demographics", 1, "StudentDemographic", "birthDate", "type.date"),
        ("demographics", 3, "StudentDemographic", "studentUniqueId", "reference.unresolved"),
        ("courses", 3, "Course", "educationOrganizationId", "reference.unresolved"),
        ("classes", 4, "Section", "localCourseCode", "reference.unresolved"),
        ("classes", 4, "Section", "sessionName", "reference.unresolved"),
        ("classes", 5, "Section", "sessionName", "required"),
        ("enrollments", 8, "StudentSectionAssociation", "sessionName", "reference.unresolved"),
        ("enrollments", 9, "StudentSectionAssociation", "studentUniqueId", "reference.unresolved"),
        ("enrollments", 10, "StaffSectionAssociation", "classroomPositionDescriptor", "code.unknown"),
        ("enrollments", 11, "StudentSectionAssociation", "enrollment.beginDate", "type.date"),
        ("orgs", 5, "", "", "key.duplicate"),
        ("orgs", 6, "", "", "key.duplicate"),
        ("lineItems", 3, "GradebookEntry", "sectionIdentifier", "reference.unresolved"),
        ("lineItems", 3, "GradebookEntry", "categorySourcedId", "reference.unresolved"),
        ("results", 4, "StudentGradebookEntry", "studentUniqueId", "reference.unresolved"),
        ("results", 4, "StudentGradebookEntry", "submissionStatusDescriptor", "code.unknown"),
        ("results", 4, "StudentGradebookEntry", "pointsEarned", "type.number"),
    }
    assert expected - set(broken.held) == set()


def test_nothing_vanishes_beside_what_is_held(broken: State) -> None:
    for count in broken.summary.counts:
        assert count.rows_in == count.accepted + count.held + sum(count.ignored.values())
        assert "row.not_mapped" not in count.ignored
    assert broken.ignored("orgs") == {"oneroster.org_type.not_carried": 1, "key.duplicate_identical": 1}
    assert broken.ignored("demographics") == {"oneroster.demographics.not_student": 1}
    ada = next(s for s in broken.table("Student") if s["studentUniqueId"] == "1001")
    assert "birthDate" not in ada, "the student is published without the date that means two days"
    grades = next(s for s in broken.table("School") if s["nameOfInstitution"] == "Alder School")["gradeLevels"]
    assert [code(g["gradeLevelDescriptor"]) for g in json.loads(grades)] == ["First grade"]


def test_files_of_another_year_and_files_that_are_missing(tmp_path: Path) -> None:
    tables = roster() | gradebook()
    tables["academicSessions"] += rows("sourcedId title type startDate endDate schoolYear",
                                       "s-old|2025-2026|schoolYear|2025-08-24|2026-06-12|2026")  # fmt: skip
    one(tables, "classes", "k-home")["termSourcedIds"] = "s-old"
    one(tables, "classes", "k-math")["termSourcedIds"] = "s-old,s-fall"
    del tables["courses"]
    state = build(tmp_path / "state", [opened(write(tables, tmp_path / "in"))])
    assert state.ignored("academicSessions") == {"oneroster.other_year": 1, "oneroster.session.unused": 1}
    assert state.ignored("classes") == {"oneroster.other_year": 1}
    assert state.ignored("enrollments") == {"oneroster.other_year": 1}
    assert {s["sessionName"] for s in state.table("Session")} == {"2026-2027 Year", "Fall"}
    assert state.summary.missing_files == ("courses.csv",)
    assert state.faults() >= {("Section", "localCourseCode", "reference.unresolved")}


def test_headers_of_another_case_and_of_version_1_0_are_read(tmp_path: Path) -> None:
    old = {"grades": "grade", "orgSourcedIds": "orgSourcedId", "termSourcedIds": "TERMSOURCEDID"}

    def header(columns: list[str]) -> list[str]:
        return [old.get(c, c.upper() if c == "title" else c) for c in columns if c != "middleName"] + ["extra"]

    names: Tables = {
        name: [{old.get(k, "TITLE" if k == "title" else k): v for k, v in row.items()} for row in table]
        for name, table in roster().items()
    }
    for course in names["courses"]:
        course["orgSourcedId"] = course.pop("orgSourcedId")
    plain = build(tmp_path / "a", [opened(write(roster(), tmp_path / "plain"))])
    sent = Sent(header=header, manifest=False, name=lambda n: f"{n.upper()}.CSV")
    state = build(tmp_path / "b", [opened(write(names, tmp_path / "in", sent))])
    assert state.rows == plain.rows
    assert state.summary.repairs["csv.header.renamed_column"] == 3 + 2 + 2 + 1
    assert state.summary.repairs["csv.header.unknown_column"] == 7
    assert state.summary.repairs["oneroster.manifest.missing"] == 1


def test_roles_that_1_2_lacks_are_taken_from_the_enrollments(tmp_path: Path) -> None:
    tables = as_1_2(roster())
    del tables["roles"]
    state = build(tmp_path / "state", [opened(write(tables, tmp_path / "in", Sent(version="1.2")))])
    assert state.summary.repairs["oneroster.role.derived"] == 6
    assert state.ignored("users") == {"oneroster.user.no_role": 2}
    assert {s["staffUniqueId"] for s in state.table("Staff")} == {"T1", "T2"}


def refusal(tmp_path: Path, tables: Tables, **changes: bytes) -> str:
    folder = write(tables, tmp_path / "in")
    for name, content in changes.items():
        (folder / f"{name}.csv").write_bytes(content)
    with pytest.raises(AskVendor) as caught:
        build(tmp_path / "state", [opened(folder)])
    assert caught.value.remedy.endswith(".")
    assert not (tmp_path / "state").exists(), "nothing is left of a state that was refused"
    return str(caught.value)


def test_a_header_without_rows_refuses_the_package(tmp_path: Path) -> None:
    tables = roster()
    tables["users"] = []
    assert "csv.header_only" in refusal(tmp_path, tables)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"propertyName,value\nfile.orgs,full\n", "none of bulk, delta, absent"),
        (b"propertyName,value\nfile.orgs,\xff\xfe\n", "cannot be read"),
        (b"", "cannot be read"),
        (b"propertyName,value\nfile.orgs,de\x00lta\n", "cannot be read"),
        (b"propertyName,value\nfile.orgs,full\nfile.orgs,bulk\n", "none of bulk, delta, absent"),
        (b"propertyName,value\nfile.categories,bulk\n", "promises categories.csv"),
        (b"propertyName,value\nfile.orgs,delta\n", "no bulk orgs.csv has ever come"),
    ],
)
def test_manifests_that_cannot_be_followed_refuse_the_package(tmp_path: Path, manifest: bytes, words: str) -> None:
    assert words in refusal(tmp_path, roster(), manifest=manifest)


def test_other_faults_of_a_file_refuse_the_package_with_the_remedy(tmp_path: Path) -> None:
    header = b"sourcedId,name,kind\no-1,Alder School,school\n"
    assert "'type'" in refusal(tmp_path, roster(), orgs=header)


def test_a_package_of_last_year_is_refused(tmp_path: Path) -> None:
    tables = roster()
    for row in tables["enrollments"]:
        row["beginDate"], row["endDate"] = "2025-08-24", "2026-06-12"
    said = refusal(tmp_path, tables)
    assert "file.wrong_year" in said
    assert "most of them in 2025-2026" in said


def test_a_package_of_another_year_without_begin_dates_is_told_by_its_sessions(tmp_path: Path) -> None:
    tables = roster()
    for row in tables["enrollments"]:
        row["beginDate"] = row["endDate"] = ""
    build(tmp_path / "this", [opened(write(tables, tmp_path / "in"))])
    for row in tables["academicSessions"]:
        row["schoolYear"] = "2026"
        for end in ("startDate", "endDate"):
            row[end] = f"{int(row[end][:4]) - 1}{row[end][4:]}"
    assert "file.wrong_year" in refusal(tmp_path, tables)


def test_a_package_that_was_refused_does_not_stand_in_the_way_of_the_next(tmp_path: Path) -> None:
    tables = roster()
    first = opened(write(tables, tmp_path / "1"), 1)
    bad = opened(write({"users": [], "orgs": tables["orgs"][:1]}, tmp_path / "2"), 2)
    torn = opened(write({"orgs": tables["orgs"][:1]}, tmp_path / "3", Sent(modes={"users": "bulk"})), 3)
    del tables["users"][-1]
    last = opened(write({"users": tables["users"]}, tmp_path / "4"), 4)
    state = build(tmp_path / "state", [first, bad, torn, last])
    assert len(state.table("School")) == 2
    assert state.table("Contact") == []


def test_deltas_fold_into_the_bulk_and_an_empty_delta_changes_nothing(tmp_path: Path) -> None:
    tables = roster()
    gone = one(tables, "users", "u-pat") | {"status": "tobedeleted", "dateLastModified": DELTA}
    moved = one(tables, "users", "u-ben") | {"status": "active", "dateLastModified": DELTA, "grades": "02"}
    sent = Sent(modes={"users": "delta", "enrollments": "delta"})
    night = opened(write({"users": [gone, moved], "enrollments": []}, tmp_path / "2", sent), 2)
    state = build(tmp_path / "state", [opened(write(tables, tmp_path / "1")), night])
    assert state.ignored("users") == {"oneroster.superseded": 2, "oneroster.status.tobedeleted": 1}
    assert state.table("Contact") == []
    ben = next(a for a in state.table("StudentSchoolAssociation") if a["studentUniqueId"] == "1002")
    assert code(ben["entryGradeLevelDescriptor"]) == "Second grade"
    assert len(state.table("StudentSectionAssociation")) == 6
    assert state.summary.through == 2
