"""Resource bodies: every rule broken once, agreement with the exported JSON Schema, hostile input."""

from __future__ import annotations

import copy
import json
import random
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from edfi_delivery import ED, write

from hub.standards.bodies import Property, body, resources
from hub.standards.export.json_schema import json_schema
from hub.standards.validation.edfi import validate_edfi
from hub.standards.validation.findings import Validation

VALUE = "Tern"
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


@pytest.mark.parametrize("profile", ["strict", "lenient"])
def test_the_clean_delivery_has_no_finding(tmp_path: Path, profile: str) -> None:
    result = check(tmp_path, CLEAN, profile=profile)
    assert result.findings == ()
    assert {f.name: f.rows for f in result.files} == {n: 2 if n == "students.jsonl" else 1 for n in CLEAN}
    assert result.notes == ()


@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_is_told_where_it_is_broken(rule: str, tmp_path: Path) -> None:
    file, bodies, row, column = BROKEN[rule]
    result = check(tmp_path, {**CLEAN, file: bodies})
    assert {f.rule for f in result.findings} == {rule} | BESIDES.get(rule, set())
    first = next(f for f in result.findings if f.rule == rule)
    assert (first.row, first.column) == (row, column)
    assert not result.conforms or first.severity == "warning"
    assert VALUE not in repr(result)


def test_a_file_may_be_told_what_it_holds(tmp_path: Path) -> None:
    folder = write(tmp_path, {"feed.json": text("feed.json", [STUDENT])})
    assert validate_edfi([folder / "feed.json"], kind="students").findings == ()
    assert validate_edfi([folder / "feed.json"], names=["students.json"]).findings == ()


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


# --------------------------------------------------------------------------- agreement with the exported JSON Schema

SAMPLED = ("Student", "StudentSchoolAssociation", "StudentAssessment", "Session", "CourseTranscript", "Staff", "Grade",
           "DisciplineAction", "GraduationPlan", "SexDescriptor")  # fmt: skip


FORMATS = jsonschema.FormatChecker([])
for form, parse in (("date", date.fromisoformat), ("date-time", datetime.fromisoformat), ("time", time.fromisoformat)):
    FORMATS.checks(form, raises=ValueError)(lambda v, parse=parse: not isinstance(v, str) or bool(parse(v) or True))


def made(properties: tuple[Property, ...], rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for said in properties:
        if not said.required and rng.random() < 0.5:
            continue
        if said.form == "list":
            found[said.name] = [made(said.within, rng)]
        elif said.field is None:
            found[said.name] = made(said.within, rng)
        else:
            found[said.name] = sample(said, rng)
    return found


def sample(said: Property, rng: random.Random) -> Any:
    field = said.field
    assert field is not None
    if field.values:
        return field.values[0]
    plain: dict[str, Any] = {
        "boolean": True,
        "date": "2029-09-03",
        "time": "08:00:00",
        "datetime": "2029-09-03T08:00:00Z",
    }
    if field.type in plain:
        return plain[field.type]
    if field.type == "descriptor":
        return f"uri://example.org/{field.of}#Made up"
    if field.type in ("integer", "number"):
        return int(field.minimum or 1)
    return "x" * rng.randint(max(field.min_length or 1, 1), min(field.max_length or 9, 9 + (field.min_length or 0)))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in [(*path, k), *places(v, (*path, k))]]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in places(v, (*path, i))]
    return []


FORMATS = jsonschema.FormatChecker(["date"])


@FORMATS.checks("date-time", raises=ValueError)
def _moment(value: object) -> bool:
    """The library checks this format only where another one is installed."""
    return not isinstance(value, str) or (len(value) > 10 and datetime.fromisoformat(value) is not None)


@pytest.mark.parametrize("name", SAMPLED)
def test_shape_and_json_schema_give_the_same_verdict(name: str, tmp_path: Path) -> None:
    rng = random.Random(name)
    said = body(name, "5.2")
    schema = jsonschema.Draft202012Validator(json_schema(said, "5.2"), format_checker=FORMATS)
    bodies, verdicts = [], []
    for _ in range(60):
        sound = made(said.properties, rng)
        assert schema.is_valid(sound), list(schema.iter_errors(sound))
        place = rng.choice(places(sound))
        wrong = rng.choice([None, 7.5, -1, "", "x" * 2000, "2029-02-30", [], {}, True, [7], {"gadget": 1}])
        bodies += [sound, changed(sound, *place, to=wrong)]
        verdicts += [True, schema.is_valid(bodies[-1])]
    result = check(tmp_path, {f"{said.resource}.jsonl": bodies}, max_per_rule=1000)
    shapes = {f.row for f in result.findings if f.stage == "shape"}
    blanks = {f.row for f in result.findings if f.rule == "edfi.shape.empty"}
    for row, sound in enumerate(verdicts, 1):
        # JSON Schema takes a blank text where the validator does not, and a malformed code is a fault of vocabulary.
        if row not in blanks:
            malformed = any(f.row == row and f.rule == "edfi.vocabulary.malformed" for f in result.findings)
            assert (row not in shapes and not malformed) == sound, (row, bodies[row - 1])
    assert False in verdicts


@pytest.mark.parametrize("version", ["5.2", "6.1"])
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
