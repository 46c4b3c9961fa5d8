"""Resource bodies: every rule broken once, the exported JSON Schema, hostile input."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from edfi_delivery import ED, write

from hub.errors import FixConfiguration
from hub.standards.bodies import body, resources
from hub.standards.export.json_schema import json_schema
from hub.standards.validation.edfi import validate_edfi
from hub.standards.validation.findings import Validation

VALUE = "Tern"
VERSIONS = ("5.2", "6.1")
SCHOOL = {
    "schoolId": 255001,
    "nameOfInstitution": "Hilltop School",
    "educationOrganizationCategories": [
        {"educationOrganizationCategoryDescriptor": f"{ED}/EducationOrganizationCategoryDescriptor#School"}
    ],
    "gradeLevels": [{"gradeLevelDescriptor": f"{ED}/GradeLevelDescriptor#First grade"}],
}
STUDENT = {
    "studentUniqueId": "S1",
    "firstName": "Wren",
    "lastSurname": "Alder",
    "birthDate": "2022-05-04",
    "birthSexDescriptor": f"{ED}/SexDescriptor#Female",
}
ENROLLMENT = {
    "schoolReference": {"schoolId": 255001},
    "studentReference": {"studentUniqueId": "S1"},
    "entryDate": "2029-09-03",
    "exitWithdrawDate": "2030-06-14",
    "entryGradeLevelDescriptor": f"{ED}/GradeLevelDescriptor#First grade",
    "fullTimeEquivalency": 1.0,
    "primarySchool": True,
    "calendarReference": {"calendarCode": "C1", "schoolId": 255001, "schoolYear": 2030},
    "schoolYearTypeReference": {"schoolYear": 2030},
}
CALENDAR = {
    "calendarCode": "C1",
    "calendarTypeDescriptor": "uri://hilltop.example/CalendarTypeDescriptor#Own",
    "schoolReference": {"schoolId": 255001},
    "schoolYearTypeReference": {"schoolYear": 2030},
}
CODE = {
    "namespace": "uri://hilltop.example/CalendarTypeDescriptor",
    "codeValue": "Own",
    "shortDescription": "Own",
}
CLEAN: dict[str, Any] = {
    "schools.json": [SCHOOL],
    "students.jsonl": [STUDENT, {**STUDENT, "studentUniqueId": "S2"}],
    "studentSchoolAssociations.json": ENROLLMENT,
    "calendars.jsonl": [CALENDAR],
    "calendarTypeDescriptors.json": [CODE],
}


def text(name: str, bodies: Any) -> str:
    if isinstance(bodies, str):
        return bodies
    return "".join(json.dumps(b) + "\n" for b in bodies) if name.endswith("l") else json.dumps(bodies, indent=1)


def check(folder: Path, files: dict[str, Any], **options: Any) -> Validation:
    return validate_edfi([write(folder, {n: text(n, b) for n, b in files.items()})], **options)


def changed(bodies: Any, *path: Any, to: Any) -> Any:
    """A copy with one value replaced; None takes it away."""
    made = copy.deepcopy(bodies)
    inner = made
    for step in path[:-1]:
        inner = inner[step]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return made


E = "studentSchoolAssociations.json"
#: rule -> (file, what stands in it, row, column)
BROKEN: dict[str, tuple[str, Any, int | None, str]] = {
    "edfi.syntax.empty": ("people.jsonl", "", None, ""),
    "edfi.syntax.json": ("students.jsonl", text("l", CLEAN["students.jsonl"]) + "{Tern", 3, ""),
    "edfi.package.unknown_resource": ("pupils.json", [], None, ""),
    "edfi.shape.unknown_property": ("schools.json", [{**SCHOOL, "motto": VALUE}], 1, "School/motto"),
    "edfi.shape.read_only": ("schools.json", [{**SCHOOL, "id": VALUE}], 1, "School/id"),
    "edfi.shape.missing": (
        "schools.json", changed([SCHOOL], 0, "nameOfInstitution", to=None), 1, "School/nameOfInstitution",
    ),
    "edfi.shape.empty": (
        "students.jsonl", changed(CLEAN["students.jsonl"], 1, "firstName", to=" "), 2, "Student/firstName",
    ),
    "edfi.shape.type": (E, changed(ENROLLMENT, "entryDate", to="2029-02-30"), 1, "StudentSchoolAssociation/entryDate"),
    "edfi.shape.coerced": (
        E, changed(ENROLLMENT, "primarySchool", to="true"), 1, "StudentSchoolAssociation/primarySchool",
    ),
    "edfi.shape.too_long": (
        "students.jsonl", changed(CLEAN["students.jsonl"], 1, "firstName", to=VALUE * 30), 2, "Student/firstName",
    ),
    "edfi.shape.too_short": (
        "calendarTypeDescriptors.json", [CODE, {**CODE, "namespace": "u:", "codeValue": "x"}], 2,
        "CalendarTypeDescriptor/namespace",
    ),
    "edfi.shape.range": (
        E, changed(ENROLLMENT, "fullTimeEquivalency", to=70), 1, "StudentSchoolAssociation/fullTimeEquivalency",
    ),
    "edfi.key.duplicate": ("students.jsonl", [STUDENT, STUDENT], 1, "Student"),
    "edfi.key.blank": ("calendars.jsonl", [CALENDAR, {**CALENDAR, "schoolReference": {}}], 2, "Calendar"),
    "edfi.reference.unresolved": (
        E, changed(ENROLLMENT, "studentReference", "studentUniqueId", to=VALUE), 1,
        "StudentSchoolAssociation/studentReference",
    ),
    "edfi.vocabulary.malformed": (
        E, changed(ENROLLMENT, "entryGradeLevelDescriptor", to=VALUE), 1,
        "StudentSchoolAssociation/entryGradeLevelDescriptor",
    ),
    "edfi.vocabulary.type": (
        E, changed(ENROLLMENT, "entryGradeLevelDescriptor", to=f"{ED}/SexDescriptor#Female"), 1,
        "StudentSchoolAssociation/entryGradeLevelDescriptor",
    ),
    "edfi.vocabulary.unknown": (
        E, changed(ENROLLMENT, "entryGradeLevelDescriptor", to=f"{ED}/GradeLevelDescriptor#Tern"), 1,
        "StudentSchoolAssociation/entryGradeLevelDescriptor",
    ),
    "edfi.vocabulary.open": (
        "calendarTypeDescriptors.json", [{**CODE, "codeValue": "x"}], 1, "Calendar/calendarTypeDescriptor",
    ),
    "edfi.semantic.key_unification": (
        E, changed(ENROLLMENT, "schoolYearTypeReference", "schoolYear", to=2031), 1,
        "StudentSchoolAssociation/calendarReference/schoolYear",
    ),
    "edfi.semantic.order": (
        E, changed(ENROLLMENT, "exitWithdrawDate", to="2029-06-14"), 1, "StudentSchoolAssociation/exitWithdrawDate",
    ),
}  # fmt: skip
BESIDES = {"edfi.key.blank": {"edfi.shape.missing"}}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("profile", ["strict", "lenient"])
def test_the_clean_delivery_has_no_finding(tmp_path: Path, profile: str, version: str) -> None:
    result = check(tmp_path, CLEAN, profile=profile, version=version)
    assert result.findings == ()
    assert {f.name: f.rows for f in result.files} == {n: 2 if n == "students.jsonl" else 1 for n in CLEAN}
    assert len(result.notes) == (version == "6.1")  # of which no default codes are known


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_is_told_where_it_is_broken(rule: str, version: str, tmp_path: Path) -> None:
    file, bodies, row, column = BROKEN[rule]
    result = check(tmp_path, {**CLEAN, file: bodies}, version=version)
    if rule == "edfi.vocabulary.unknown" and version == "6.1":
        assert result.findings == ()  # of which no default codes are known
        return
    assert {f.rule for f in result.findings} == {rule} | BESIDES.get(rule, set())
    first = next(f for f in result.findings if f.rule == rule)
    assert (first.row, first.column) == (row, column)
    assert not result.conforms or first.severity == "warning"
    assert VALUE not in repr(result)


def test_a_file_may_be_told_what_it_holds(tmp_path: Path) -> None:
    folder = write(tmp_path, {"feed.json": text("feed.json", [STUDENT])})
    assert validate_edfi([folder / "feed.json"], kind="students").findings == ()
    assert validate_edfi([folder / "feed.json"], names=["students.json"]).findings == ()


@pytest.mark.parametrize("wrapper", ["students", "value"])
def test_lists_inside_an_object_are_no_resource(wrapper: str, tmp_path: Path) -> None:
    found = check(tmp_path, {"students.json": {wrapper: [STUDENT]}})
    assert [(f.rule, f.row) for f in found.findings] == [("edfi.syntax.json", 1)]
    assert "a list of resources" in found.findings[0].message


@pytest.mark.parametrize(("name", "body"), [("a.json", "[]"), ("b.json", "\n"), ("c.jsonl", "\n\n")])
def test_a_file_without_records_is_told(name: str, body: str, tmp_path: Path) -> None:
    found = check(tmp_path, {name: body}, kind="students", profile="lenient")
    assert [(f.rule, f.severity) for f in found.findings] == [("edfi.shape.no_record", "warning")]


def test_a_kind_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FixConfiguration, match="no resource 'pupils'"):
        check(tmp_path, {"pupils.json": "[]"}, kind="pupils")


def test_a_later_delivery_that_lacks_records_is_told(tmp_path: Path) -> None:
    many = [{**STUDENT, "studentUniqueId": f"S{n}"} for n in range(20)]
    before = write(tmp_path / "before", {"students.jsonl": text("l", many)})
    for left, rules in (
        (19, {"edfi.difference.removed"}),
        (5, {"edfi.difference.removed", "edfi.difference.mass_removal"}),
    ):
        now = write(tmp_path / str(left), {"students.jsonl": text("l", many[:left])})
        found = validate_edfi([now], previous=[before]).findings
        assert {f.rule for f in found} == rules
        assert {(f.column, f.count) for f in found} == {("Student", 20 - left)}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_has_a_schema(version: str) -> None:
    known = resources(version)
    assert {"students", "sexDescriptors", "people", "studentSchoolAssociations"} <= set(known)
    for name in list(known.values())[::9]:
        jsonschema.Draft202012Validator.check_schema(json_schema(body(name, version), version))


# ------------------------------------------------------------------------------------------------------ hostile input

HOSTILE: dict[str, bytes] = {
    "nul": b"\x00" * 50,
    "half": b'{"studentUniqueId": "S1"',
    "deep": b"[" * 200_000,
    "deep_object": b'{"a":' * 100_000,
    "not_utf8": b'{"studentUniqueId": "\xff\xfe"}',
    "surrogate": b'{"studentUniqueId": "\\ud800", "firstName": "\\ud800"}',
    "surrogates": b'{"birthSexDescriptor": "\\ud800", "birthDate": "\\ud800", "\\ud800": 1}',
    "nan": b'{"studentUniqueId": NaN}',
    "digits": b'{"studentUniqueId": ' + b"9" * 10_000 + b"}",
    "exponent": b'{"birthDate": 1e999999}',
    "numbers": b"1 2 3",
    "array_of_arrays": b"[[1], [2]]",
    "twice": b"[]{}",
    "commas": b"[,,{},]",
    "null": b"null",
    "part": "{}\ue000".encode(),
    "key": b'{"studentUniqueId": "a\\ue000b\\tc\\nd"}',
    "utf16": '{"studentUniqueId": "S1"}'.encode("utf-16"),
    "lists": b'{"studentUniqueId": ["x"], "birthDate": {}, "otherNames": [[[]]], "personReference": [1], "visas": 3}',
}


@pytest.mark.parametrize("ending", ["json", "jsonl"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_findings(name: str, ending: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {f"students.{ending}": HOSTILE[name]})
    result = validate_edfi([folder], show_values=True)
    assert not result.conforms
    assert repr(result).encode()
