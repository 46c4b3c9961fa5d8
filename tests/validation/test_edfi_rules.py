"""Every rule of Ed-Fi documents: a clean delivery broken in exactly that way yields exactly that finding."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from edfi_delivery import CLEAN, CODE, ED, NS, interchange, student, write

from hub.standards import validate
from hub.standards.rules import load_rules
from hub.standards.validation.edfi import validate_edfi
from hub.standards.validation.findings import Validation

VALUE = "Tern"  # stands for a student's value: never in a finding

#: rule -> (file, text, what stands there instead, row, column)
BROKEN: dict[str, tuple[str, str, str, int | None, str]] = {
    "edfi.syntax.malformed": ("students.xml", "</Interchange", "<oops></Interchange", None, ""),
    "edfi.syntax.doctype": ("students.xml", "<InterchangeStudent ", "<!DOCTYPE a><InterchangeStudent ", None, ""),
    "edfi.syntax.not_interchange": ("calendar.xml", NS, "http://example.org/x", None, ""),
    "edfi.shape.namespace": ("calendar.xml", "5.2.0", "5.1.0", None, ""),
    "edfi.shape.unknown_interchange": (
        "students.xml", "InterchangeStudent", "InterchangePupil", None, "InterchangePupil",
    ),
    "edfi.shape.unknown_record": ("students.xml", "</InterchangeStudent>", "<Pupil/></InterchangeStudent>", 3, "Pupil"),
    "edfi.shape.unknown_element": ("students.xml", "</Name>", "<Nick>Tern</Nick></Name>", 1, "Student/Name/Nick"),
    "edfi.shape.order": (
        "students.xml", "<FirstName>Wren</FirstName>\n<LastSurname>Alder</LastSurname>",
        "<LastSurname>Alder</LastSurname>\n<FirstName>Wren</FirstName>", 1, "Student/Name/LastSurname",
    ),
    "edfi.shape.too_many": (
        "students.xml", "<FirstName>Wren</FirstName>", "<FirstName>Wren</FirstName><FirstName>Tern</FirstName>", 1,
        "Student/Name/FirstName",
    ),
    "edfi.shape.missing": ("students.xml", "<LastSurname>Alder</LastSurname>", "", 1, "Student/Name/LastSurname"),
    "edfi.shape.empty": ("students.xml", ">2022-05-04<", "><", 1, "Student/BirthData/BirthDate"),
    "edfi.shape.type": ("students.xml", ">2022-05-04<", ">Tern<", 1, "Student/BirthData/BirthDate"),
    "edfi.shape.too_long": ("students.xml", ">Wren<", f">{'Tern' * 30}<", 1, "Student/Name/FirstName"),
    "edfi.shape.too_short": (
        "codes.xml", "uri://hilltop.example/AttendanceEventCategoryDescriptor", "u", 1,
        "AttendanceEventCategoryDescriptor/Namespace",
    ),
    "edfi.shape.range": ("calendar.xml", ">70<", ">-1<", 1, "Session/TotalInstructionalDays"),
    "edfi.shape.digits": (
        "attendance.xml", "</AttendanceEventCategory>", "</AttendanceEventCategory><EventDuration>0.12345</EventDuration>",  # noqa: E501
        1, "StudentSchoolAttendanceEvent/AttendanceEvent/EventDuration",
    ),
    "edfi.shape.enumeration": (
        "attendance.xml", "2029-2030", "2030",
        1, "StudentSchoolAttendanceEvent/SessionReference/SessionIdentity/SchoolYear",
    ),
    "edfi.shape.attribute": ("students.xml", "<Name>", "<Name kind='Tern'>", 1, "Student/Name"),
    "edfi.shape.text": ("students.xml", "<Name>", "<Name>Tern", 1, "Student/Name"),
    "edfi.shape.nested": ("students.xml", ">Wren<", "><b/>Tern<", 1, "Student/Name/FirstName"),
    "edfi.key.duplicate": ("students.xml", ">S2<", ">S1<", 1, "Student"),
    "edfi.key.blank": ("students.xml", ">S2<", "><", 2, "Student"),
    "edfi.reference.unresolved": (
        "enrollment.xml", ">S1<", ">Tern<", 1, "StudentSchoolAssociation/StudentReference",
    ),
    "edfi.reference.id": (
        "enrollment.xml", "</ExitWithdrawDate>", '</ExitWithdrawDate><NextYearSchoolReference ref="Tern"/>', 1,
        "StudentSchoolAssociation/NextYearSchoolReference",
    ),
    "edfi.vocabulary.malformed": ("students.xml", f"{ED}/SexDescriptor#Female", "Tern", 1, "Student/BirthData/BirthSex"),  # noqa: E501
    "edfi.vocabulary.type": (
        "students.xml", "SexDescriptor#Female", "TermDescriptor#Fall Semester", 1, "Student/BirthData/BirthSex",
    ),
    "edfi.vocabulary.unknown": ("students.xml", "#Female", "#Tern", 1, "Student/BirthData/BirthSex"),
    "edfi.vocabulary.open": (
        "students.xml", f"{ED}/SexDescriptor", "uri://tern.example/SexDescriptor", 1, "Student/BirthData/BirthSex",
    ),
    "edfi.semantic.key_unification": (
        "attendance.xml", "<SchoolYear>2029-2030</SchoolYear>\n<SchoolReference><SchoolIdentity><SchoolId>255001",
        "<SchoolYear>2029-2030</SchoolYear>\n<SchoolReference><SchoolIdentity><SchoolId>255002", 1,
        "StudentSchoolAttendanceEvent/SessionReference/SessionIdentity/SchoolReference/SchoolIdentity/SchoolId",
    ),
    "edfi.semantic.order": (
        "enrollment.xml", "2030-06-14", "2029-06-14", 1, "StudentSchoolAssociation/ExitWithdrawDate",
    ),
}  # fmt: skip

#: What a rule cannot help to bring along: a session that is not read cannot be referred to.
BESIDES: dict[str, set[str]] = {
    "edfi.syntax.not_interchange": set(),
    "edfi.shape.enumeration": {"edfi.key.blank"},
    "edfi.shape.too_short": {"edfi.vocabulary.open"},
    "edfi.semantic.key_unification": {"edfi.reference.unresolved"},
}


def check(folder: Path, files: dict[str, Any], **options: Any) -> Validation:
    return validate_edfi([write(folder, files)], **options)


@pytest.mark.parametrize("profile", ["strict", "lenient"])
def test_the_clean_delivery_has_no_finding(tmp_path: Path, profile: str) -> None:
    result = check(tmp_path, CLEAN, profile=profile)
    assert result.findings == ()
    assert result.conforms
    assert {f.name: f.rows for f in result.files} == {n: 2 if n == "students.xml" else 1 for n in CLEAN}
    assert (result.standard, result.version) == ("Ed-Fi", "5.2")


@pytest.mark.parametrize("rule", BROKEN)
@pytest.mark.parametrize("profile", ["strict", "lenient"])
def test_a_rule_is_told_where_it_is_broken(rule: str, profile: str, tmp_path: Path) -> None:
    file, old, new, row, column = BROKEN[rule]
    assert old in CLEAN[file]
    result = check(
        tmp_path, {**CLEAN, file: CLEAN[file].replace(old, new, -1 if "Interchange" in old else 1)}, profile=profile
    )
    found = {f.rule for f in result.findings}
    assert found == {rule} | BESIDES.get(rule, set())
    first = next(f for f in result.findings if f.rule == rule)
    assert (first.file, first.row, first.column) == (file, row, column)
    entry = load_rules()[rule]
    assert first.severity == ((profile == "strict" and entry.strict) or entry.severity)
    assert first.line is not None
    assert first.clause
    assert first.remedy == entry.remedy
    assert VALUE not in repr(result)


def test_what_of_a_zip_is_not_read_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "feed.zip", "w") as archive:
        for name, body in CLEAN.items():
            archive.writestr(f"north/{name}", body)
        archive.writestr("south/students.xml", CLEAN["students.xml"])
        archive.writestr("../students.xml", CLEAN["students.xml"])
    found = validate([tmp_path / "feed.zip"])
    assert [(f.rule, f.file) for f in found.findings] == [
        ("edfi.package.unsafe", f"file {len(CLEAN) + 2} of the zip"),
        ("edfi.package.duplicate_file", "south/students.xml"),
    ]
    assert {f.name: f.rows for f in found.files}["north/students.xml"] == 2


def test_required_text_of_white_space_is_empty(tmp_path: Path) -> None:
    for said in ("<LastSurname> </LastSurname>", "<LastSurname>\n\t\n</LastSurname>", "<LastSurname></LastSurname>"):
        files = {**CLEAN, "students.xml": CLEAN["students.xml"].replace("<LastSurname>Alder</LastSurname>", said, 1)}
        [found] = check(tmp_path, files, profile="lenient").findings
        assert (found.rule, found.column, found.row) == ("edfi.shape.empty", "Student/Name/LastSurname", 1)
        assert found.severity == "error"


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        ("edfi.package.versions", {"later.xml": CLEAN["students.xml"].replace("5.2.0", "6.1.0").replace(">S", ">T")}),
        ("edfi.syntax.empty", {"empty.xml": ""}),
        ("edfi.shape.no_record", {"none.xml": interchange("Student")}),
        ("edfi.package.unknown_file", {"notes.txt": "Tern"}),
        ("edfi.key.duplicate", {"twice.xml": interchange("Descriptors", CODE)}),
        (
            "edfi.key.duplicate_id",
            {"ids.xml": interchange("Student", *(student(n).replace("<Student>", "<Student id='a'>") for n in "XY"))},
        ),
    ],
)
def test_a_file_added_breaks_a_rule(rule: str, files: dict[str, str], tmp_path: Path) -> None:
    assert {f.rule for f in check(tmp_path, {**CLEAN, **files}).findings} == {rule}


def test_one_fault_does_not_hide_another(tmp_path: Path) -> None:
    body = student("S1" * 20).replace("<Name>", "<Nick/><Name>").replace("2022-05-04", "04.05.2022")
    body = body.replace("<LastSurname>Alder</LastSurname>", "").replace("#Female", "#Tern")
    files = {**CLEAN, "more.xml": interchange("Student", "<Pupil/>", body, student("S3").replace(">2022-", ">x-"))}
    found = [(f.rule, f.row) for f in check(tmp_path, files).findings if f.file == "more.xml"]
    assert sorted(found) == [
        ("edfi.shape.missing", 2),
        ("edfi.shape.too_long", 2),
        ("edfi.shape.type", 2),
        ("edfi.shape.type", 3),
        ("edfi.shape.unknown_element", 2),
        ("edfi.shape.unknown_record", 1),
        ("edfi.vocabulary.unknown", 2),
    ]


def test_counts_are_exact_and_places_are_not_more_than_asked_for(tmp_path: Path) -> None:
    many = interchange("Student", *(student(f"M{n}").replace("2022-05-04", VALUE) for n in range(250)))
    result = check(tmp_path, {**CLEAN, "many.xml": many}, max_per_rule=7)
    assert [f.count for f in result.findings] == [250] * 7
    assert [f.row for f in result.findings] == [*range(1, 8)]
    assert [f.line for f in result.findings] == [3 + 11 * n + 7 for n in range(7)]
    assert result.errors == 250


def test_values_are_shown_only_when_asked_for(tmp_path: Path) -> None:
    files = {**CLEAN, "students.xml": CLEAN["students.xml"].replace("2022-05-04", VALUE)}
    assert {f.value for f in check(tmp_path, files).findings} == {None}
    assert {f.value for f in check(tmp_path, files, show_values=True).findings} == {VALUE}


def test_a_reference_by_id_counts_as_the_key_it_stands_for(tmp_path: Path) -> None:
    contact = (
        '<Contact id="c1"><ContactUniqueId>C1</ContactUniqueId><Name><FirstName>Ash</FirstName>'
        "<LastSurname>Alder</LastSurname></Name></Contact>"
    )
    link = (
        "<StudentContactAssociation><StudentReference><StudentIdentity><StudentUniqueId>S1</StudentUniqueId>"
        '</StudentIdentity></StudentReference><ContactReference ref="c1"/></StudentContactAssociation>'
    )
    clean = check(tmp_path / "a", {**CLEAN, "contact.xml": interchange("Contact", contact, link)})
    assert clean.findings == ()
    twice = check(tmp_path / "b", {**CLEAN, "contact.xml": interchange("Contact", contact, link, link)})
    assert {(f.rule, f.column, f.row) for f in twice.findings} == {
        ("edfi.key.duplicate", "StudentContactAssociation", 2),
        ("edfi.key.duplicate", "StudentContactAssociation", 3),
    }


def test_blanks_around_values_do_not_make_other_keys(tmp_path: Path) -> None:
    padded = CLEAN["attendance.xml"].replace("255001", "\n\t255001 ").replace("#Away", "#Away\n")
    assert check(tmp_path, {**CLEAN, "attendance.xml": padded}).findings == ()


def test_what_the_store_knows_need_not_be_sent(tmp_path: Path) -> None:
    import hashlib

    import pyarrow as pa
    import pyarrow.parquet as pq

    def keys(*values: str) -> Path:
        path = tmp_path / "store" / f"{'-'.join(values)}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"_key": [hashlib.md5("\x1f".join(values).encode()).hexdigest()]}), path)
        return path

    known = {"Student": keys("S1"), "School": keys("255001"), "Session": keys("255001", "2030", "Autumn")}
    files = {n: CLEAN[n] for n in ("attendance.xml", "codes.xml")}
    assert check(tmp_path / "a", files, store=known.get).findings == ()
    known["Student"] = keys("S9")
    assert {f.rule for f in check(tmp_path / "a", files, store=known.get).findings} == {"edfi.reference.unresolved"}
    alone = check(tmp_path / "a", files)
    assert alone.findings == ()
    assert "School, Session, Student" in alone.notes[0]
