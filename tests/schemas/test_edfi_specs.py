"""The Ed-Fi specs: their grammar, what must hold between them, and that they say what the REST API says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from api_facts import SHEET, read_facts
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import FixConfiguration
from hub.model import Entity, Reference
from hub.standards import specs

ENTITIES = specs.load_entities()
EDFI = specs.SCHEMAS / "edfi"
GRAMMAR = json.loads((specs.SCHEMAS / "grammar.json").read_text("utf-8"))

shared = pytest.mark.shared
needs_facts = pytest.mark.skipif(not SHEET.exists(), reason="../shared/facts/edfi.md is not there")

#: resource, what, name -> why the spec differs from the tables of the REST API (which are of 5.1).
DIFFERENCES = {
    ("assessmentItems", "type", "expectedTimeAssessed"): "the XSD has xs:duration, which is text such as PT5M",
    ("staffEducationOrganizationAssignmentAssociations", "parts", "employment"): "the fact sheet's blob omits hireDate",
    ("schoolYearTypes", "missing", ""): "an enumeration in the XSD: school years are integers, not records",
    ("studentSectionAssociations", "new", "dualCreditIndicator"): "new in 5.2",
    ("studentSectionAssociations", "new", "dualCreditTypeDescriptor"): "new in 5.2",
    ("studentSectionAssociations", "new", "dualHighSchoolCreditIndicator"): "new in 5.2",
    ("studentSectionAssociations", "new", "dualCreditInstitutionDescriptor"): "new in 5.2",
    ("studentDisciplineIncidentBehaviorAssociations", "new", "weapons"): "new in 5.2",
    ("studentSpecialEducationProgramAssociations", "new", "shortenedSchoolDayIndicator"): "new in 5.2",
    ("studentSpecialEducationProgramAssociations", "new", "reductionInHoursPerWeekComparedToPeers"): "new in 5.2",
}


def plain(name: str) -> Entity:
    """The entity as generated, without the hub's leniency."""
    return specs.load_entity(name, root=None)


def validator(definition: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**GRAMMAR, "$ref": f"#/$defs/{definition}"})


@pytest.mark.parametrize("version", ["5.2", "6.1"])
def test_generated_files_follow_the_grammar(version: str) -> None:
    entity = validator("entity")
    for path in sorted((EDFI / version).glob("*.yaml")):
        said = yaml.load(path.read_bytes(), yaml.CSafeLoader)
        rules = validator("descriptors") if path.name == "descriptors.yaml" else entity
        assert not [f"{path.name}: {fault.message}" for fault in rules.iter_errors(said)]


@pytest.mark.parametrize("name", ["naming", "additions"])
def test_hand_written_files_follow_the_grammar(name: str) -> None:
    validator(name).validate(yaml.safe_load((EDFI / f"{name}.yaml").read_text("utf-8")))


@pytest.mark.parametrize(
    "fault",
    [
        {"fields": {"a": {"type": "text", "xml": "A"}}},
        {"fields": {"a": {"type": "list", "xml": "A"}}},
        {"fields": {"a": {"type": "descriptor", "xml": "A"}}},
        {"key": []},
        {"extra": 1},
    ],
)
def test_the_grammar_refuses(fault: dict[str, object]) -> None:
    good = yaml.safe_load((EDFI / "5.2" / "student.yaml").read_text("utf-8"))
    assert not validator("entity").is_valid(good | fault)


def test_every_key_is_made_of_required_fields_and_every_reference_lands_on_a_key() -> None:
    for entity in ENTITIES.values():
        names = {f.name: f for f in entity.fields}
        assert len(names) == len(entity.fields)
        assert all(names[k].required for k in entity.key), entity.name
        for reference in entity.references:
            target = ENTITIES[reference.entity]
            assert {own for own, _ in reference.fields} <= names.keys()
            assert {part for _, part in reference.fields} == set(target.key), (entity.name, reference.name)
            for own, part in reference.fields:
                assert names[own].type == target.field(part).type


def test_descriptor_fields_name_a_descriptor_that_exists() -> None:
    known = {*specs.descriptor_types("5.2"), *specs.descriptor_types("6.1")}
    for entity in ENTITIES.values():
        for field in (f for top in entity.fields for f in (top, *top.items)):
            assert (field.of in known) == (field.type == "descriptor"), (entity.name, field.name)


def test_subclasses_have_the_key_of_their_base_or_one_of_their_own() -> None:
    for entity in (e for e in ENTITIES.values() if e.subclass_of):
        base = ENTITIES[entity.subclass_of]
        assert entity.key == base.key or (len(base.key) == len(entity.key) == 1), entity.name


def test_the_landmine_an_attendance_event_is_one_per_day_and_category() -> None:
    for name in ("StudentSchool", "StudentSection", "StudentProgram", "StudentIntervention"):
        assert {"eventDate", "attendanceEventCategoryDescriptor"} <= set(ENTITIES[f"{name}AttendanceEvent"].key)
    assert "hireDate" in ENTITIES["StaffEducationOrganizationEmploymentAssociation"].key


def test_two_organizations_in_one_row_are_two_columns() -> None:
    program = ENTITIES["StudentProgramAssociation"]
    assert {"educationOrganizationId", "programEducationOrganizationId"} <= set(program.key)
    transcript = ENTITIES["CourseTranscript"]
    assert {"educationOrganizationId", "courseEducationOrganizationId"} <= set(transcript.key)
    assert ENTITIES["Section"].field("locationSchoolId").xml != ENTITIES["Section"].field("schoolId").xml


def test_demographics_are_stored_in_the_shape_of_6_1() -> None:
    assert ENTITIES["StudentDemographic"].standard == "6.1"
    assert ENTITIES["StudentDirectory"].key == ("educationOrganizationId", "studentUniqueId")


def test_privacy_classes() -> None:
    classes = {f"{e.name}.{f.name}": f.pii for e in ENTITIES.values() for f in e.fields}
    assert {v for k, v in classes.items() if k.endswith(("studentUniqueId", "StaffUniqueId"))} == {"identifier"}
    assert classes["Student.firstName"] == classes["StudentDirectory.addresses"] == "direct"
    assert classes["Student.birthDate"] == classes["StudentDemographic.races"] == "sensitive"
    assert classes["DisciplineAction.disciplines"] == "sensitive"
    assert classes["Intervention.staffs"] == "identifier", "a list is as private as what stands in it"
    assert classes["Section.sectionName"] == classes["School.addresses"] == classes["School.schoolId"] == ""


def test_what_the_hub_does_not_insist_on_is_watched_by_a_rule() -> None:
    student = ENTITIES["Student"]
    assert not student.field("birthDate").required
    assert "student.birth_date.missing" in {e.rule for e in student.expectations}
    enrollment = ENTITIES["StudentSchoolAssociation"]
    assert not enrollment.field("entryGradeLevelDescriptor").required
    assert "enrollment.grade_level.missing" in {e.rule for e in enrollment.expectations}


def test_additions_speak_of_entities_and_fields_that_exist() -> None:
    said = yaml.safe_load((EDFI / "additions.yaml").read_text("utf-8"))
    for name in said["optional"]:
        entity, _, field = name.partition(".")
        assert ENTITIES[entity].field(field)
    for entity in (*said["expectations"], *(n for pairs in said["pairs"].values() for n in pairs)):
        for expectation in ENTITIES[entity].expectations:
            kwargs = expectation.kwargs
            for column in (kwargs[k] for k in ("column", "column_A", "column_B") if k in kwargs):
                owner, dot, field = column.rpartition(".")
                target = ENTITIES[entity]
                if dot:
                    target = ENTITIES[next(r.entity for r in target.references if r.name == owner)]
                assert target.field(field)
    used = {e.rule for entity in ENTITIES.values() for e in entity.expectations}
    assert set(said["errors"]) <= used


def test_a_rule_on_a_base_entity_holds_for_what_extends_it() -> None:
    rules = {e.rule: e.severity for e in ENTITIES["StudentCTEProgramAssociation"].expectations}
    assert rules["program.end_before_begin"] == "error"


def test_descriptor_codes_are_full_uris() -> None:
    codes = specs.descriptor_codes()
    assert "uri://ed-fi.org/GradeLevelDescriptor#Ninth grade" in codes["GradeLevelDescriptor"]
    assert all(re.fullmatch(r"uri://[^#]+#.+", uri) for uris in codes.values() for uri in uris)
    assert codes.keys() <= set(specs.descriptor_types())


def test_dependency_order_puts_what_is_referred_to_first() -> None:
    order = specs.dependency_order(ENTITIES.values())
    assert sorted(order) == sorted(ENTITIES)
    place = {name: at for at, name in enumerate(order)}
    for entity in ENTITIES.values():
        for reference in entity.references:
            if reference.required and reference.entity != entity.name:
                assert place[reference.entity] < place[entity.name], (entity.name, reference.entity)
    assert place["School"] < place["StudentEducationOrganizationAssociation"], "a base is ready when its kinds are"


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans()), max_size=30), st.randoms())
def test_dependency_order_is_total_and_ignores_the_order_of_arrival(
    edges: list[tuple[int, int, bool]], chance: object
) -> None:
    base = ENTITIES["Student"]
    made = [
        replace(
            base,
            name=f"E{n}",
            references=tuple(Reference(f"r{i}", f"E{b}", (), need) for i, (a, b, need) in enumerate(edges) if a == n),
        )
        for n in range(8)
    ]
    order = specs.dependency_order(made)
    assert sorted(order) == sorted(e.name for e in made)
    shuffled = list(made)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert specs.dependency_order(shuffled) == order


def test_spec_hash_sees_every_byte_and_every_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x: 1\n")
    first = specs.spec_hash(tmp_path)
    assert first == specs.spec_hash(tmp_path)
    (tmp_path / "a.yaml").write_text("x: 2\n")
    second = specs.spec_hash(tmp_path)
    (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")
    assert len({first, second, specs.spec_hash(tmp_path)}) == 3


def test_a_spec_that_is_not_there_or_not_a_spec_is_named(tmp_path: Path) -> None:
    with pytest.raises(FixConfiguration, match="no entity specs"):
        specs.load_entities(tmp_path)
    with pytest.raises(FixConfiguration, match=r"widget\.yaml"):
        specs.load_entity("Widget")
    folder = tmp_path / "edfi" / "5.2"
    folder.mkdir(parents=True)
    (folder / "student.yaml").write_text("entity: [")
    with pytest.raises(FixConfiguration, match=r"student\.yaml is not YAML"):
        specs.load_entity("Student", root=tmp_path)
    (folder / "staff.yaml").write_text("entity: Staff\n")
    with pytest.raises(FixConfiguration, match=r"staff\.yaml does not follow"):
        specs.load_entity("Staff", root=tmp_path)


@shared
@needs_facts
def test_keys_fields_and_references_are_those_of_the_rest_api() -> None:
    by_resource = {e.resource: e for e in ENTITIES.values()}
    lenient = {"birthDate", "entryGradeLevelDescriptor"}
    found: set[tuple[str, str, str]] = set()
    facts = read_facts()
    assert len(facts) == 69
    for resource, fact in facts.items():
        entity = by_resource.get(resource)
        if entity is None:
            found.add((resource, "missing", ""))
            continue
        fields = {f.name: f for f in entity.fields}
        references = {r.name: r for r in entity.references}
        key = set()
        for reference, name in fact.key:
            if reference in references:
                key.add(next(own for own, part in references[reference].fields if part == name))
            else:
                key.add(reference or name)  # schoolYearTypeReference.schoolYear is schoolYear
        assert key == set(entity.key), resource
        for name, (required, kind, length, items) in fact.fields.items():
            field = fields[name]
            if field.type != kind:
                found.add((resource, "type", name))
            assert field.required == required or name in lenient, (resource, name)
            assert field.max_length == length or length is None, (resource, name)
            scalars = {i for i in items if not i.endswith("Reference")}
            assert scalars <= {i.name for i in field.items}, (resource, name)
        for name, (required, parts) in fact.references.items():
            if parts == ("schoolYear",):
                assert fields[name].required == required, (resource, name)
            else:
                assert references[name].required == required, (resource, name)
                if {part for _, part in references[name].fields} != set(parts):
                    found.add((resource, "parts", name.partition("Staff")[0]))
        told = {*fact.fields, *fact.references, *entity.key, *(o for r in entity.references for o, _ in r.fields)}
        found |= {(resource, "new", name) for name in fields.keys() - told}
    assert found == DIFFERENCES.keys()
