"""XSD to entity specs: the rules of naming and unification on a small schema of our own, then the official ones."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import FixConfiguration
from hub.standards import derive, specs
from hub.standards.naming import lower_camel, plural, snake, strip_owner, with_role

SHARED = Path(__file__).parents[2] / "../shared/data/edfi"
needs_xsd = pytest.mark.skipif(not SHARED.exists(), reason="../shared/data/edfi is not there")


def complex_type(name: str, group: str, *elements: str, base: str = "") -> str:
    """`elements` are `Name:Type`, `?` for optional, `*` for many, `A:T|B:T` for a choice."""
    rows = "".join(element(e) for e in elements)
    body = f"<xs:sequence>{rows}</xs:sequence>"
    if base:
        body = f'<xs:complexContent><xs:extension base="{base}">{body}</xs:extension></xs:complexContent>'
    note = f"<xs:annotation><xs:documentation>Prose.</xs:documentation><xs:appinfo><ann:TypeGroup>{group}"
    return f'<xs:complexType name="{name}">{note}</ann:TypeGroup></xs:appinfo></xs:annotation>{body}</xs:complexType>'


def element(said: str) -> str:
    if "|" in said:
        return "<xs:choice>" + "".join(element(e) for e in said.split("|")) + "</xs:choice>"
    name, kind = said.rstrip("?*").split(":", 1)
    low = ' minOccurs="0"' if "?" in said else ""
    many = ' maxOccurs="unbounded"' if "*" in said else ""
    return f'<xs:element name="{name}" type="{kind}"{low}{many}/>'


def entity(name: str, key: tuple[str, ...], *elements: str, base: str = "") -> str:
    return "".join(
        [
            complex_type(name, "Domain Entity", *elements, base=base),
            complex_type(f"{name}IdentityType", "Identity", *key),
            complex_type(f"{name}ReferenceType", "Extended Reference", f"{name}Identity:{name}IdentityType?"),
        ]
    )


XSD = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:ann="http://ed-fi.org/annotation"'
    ' targetNamespace="http://ed-fi.org/9.9.0">'
    + entity("EducationOrganization", ("EducationOrganizationId:xs:long",), "EducationOrganizationIndicator:Flag?*")
    + entity(
        "Club",
        ("ClubId:xs:long",),
        "ClubId:xs:long",
        "ClubKind:KindDescriptorReferenceType*",
        base="EducationOrganization",
    )
    + entity(
        "Term",
        ("Year:SchoolYearType", "ClubReference:ClubReferenceType"),
        "Year:SchoolYearType",
        "ClubReference:ClubReferenceType",
    )
    + entity(
        "Program",
        ("EducationOrganizationReference:EducationOrganizationReferenceType", "Title:Short"),
        "EducationOrganizationReference:EducationOrganizationReferenceType",
        "Title:Short",
    )
    + entity(
        "Visit",
        (
            "ProgramReference:ProgramReferenceType",
            "EducationOrganizationReference:EducationOrganizationReferenceType",
            "On:xs:date",
        ),
        "ProgramReference:ProgramReferenceType",
        "EducationOrganizationReference:EducationOrganizationReferenceType",
        "Event:Event",
        "ClubReference:ClubReferenceType?",
        "TermReference:TermReferenceType",
        "NextYearClubReference:ClubReferenceType?",
        "VisitLabel:Short?*",
        "Note:Note?*",
        "Rank:Rank?",
        "Left:xs:int|Right:Short",
        "Hours:Hours?",
    )
    + complex_type("Flag", "Common", "FlagName:Short")
    + complex_type("Event", "Common", "On:xs:date", "URI:Short?")
    + complex_type("Rank", "Common", "Place:xs:int")
    + complex_type("Note", "Common", "NoteLine:Line*", "TermReference:TermReferenceType?")
    + complex_type("Line", "Common", "Text:Short")
    + '<xs:simpleType name="Short"><xs:restriction base="xs:string"><xs:minLength value="2"/><xs:maxLength value="9"/>'
    '</xs:restriction></xs:simpleType><xs:simpleType name="SchoolYearType"><xs:restriction base="xs:token">'
    '<xs:enumeration value="2030-2031"/></xs:restriction></xs:simpleType><xs:simpleType name="Hours">'
    '<xs:restriction base="xs:decimal"><xs:totalDigits value="5"/><xs:fractionDigits value="2"/>'
    '<xs:minInclusive value="0"/></xs:restriction></xs:simpleType>'
    + complex_type("KindDescriptor", "Descriptor")
    + "</xs:schema>"
)


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "Ed-Fi-Core.xsd").write_text(XSD)
    (tmp_path / "naming.yaml").write_text("inline: [Event]\n")
    derive.main([str(tmp_path), str(tmp_path)])
    return {p.stem: yaml.safe_load(p.read_text("utf-8")) for p in (tmp_path / "9.9").glob("*.yaml")}


def test_inheritance_is_flattened_and_the_base_is_named(made: dict[str, Any]) -> None:
    assert made["club"]["subclass_of"] == "EducationOrganization"
    assert list(made["club"]["fields"]) == ["indicators", "clubId", "kinds"]
    assert made["education_organization"]["key"] == ["educationOrganizationId"]
    assert made["descriptors"] == {"descriptors": ["KindDescriptor"]}


def test_references_become_columns_unified_by_name_but_for_organizations_and_roles(made: dict[str, Any]) -> None:
    visit = made["visit"]
    assert visit["key"] == ["educationOrganizationId", "on", "programEducationOrganizationId", "title"]
    assert visit["references"] == {
        "educationOrganization": {
            "entity": "EducationOrganization",
            "required": True,
            "fields": {"educationOrganizationId": "educationOrganizationId"},
        },
        "program": {
            "entity": "Program",
            "required": True,
            "fields": {"programEducationOrganizationId": "educationOrganizationId", "title": "title"},
        },
        "club": {"entity": "Club", "fields": {"clubId": "clubId"}},
        "term": {"entity": "Term", "required": True, "fields": {"year": "year", "clubId": "clubId"}},
        "nextYearClub": {"entity": "Club", "fields": {"nextYearClubId": "clubId"}},
    }
    assert visit["fields"]["clubId"] == {
        "type": "integer",
        "required": True,
        "xml": ["ClubReference/ClubIdentity/ClubId", "TermReference/TermIdentity/ClubReference/ClubIdentity/ClubId"],
    }


def test_parts_lists_objects_choices_and_limits(made: dict[str, Any]) -> None:
    fields = made["visit"]["fields"]
    assert fields["on"] == {"type": "date", "required": True, "xml": "Event/On"}
    assert fields["uri"]["xml"] == "Event/URI"
    assert fields["labels"]["items"] == {
        "label": {"type": "string", "required": True, "max": 9, "min_length": 2, "xml": "."}
    }
    assert fields["rank"]["type"] == "object"
    assert fields["notes"]["items"]["lines"]["items"]["text"]["xml"] == "Text"
    assert fields["notes"]["items"]["year"]["xml"] == "TermReference/TermIdentity/Year"
    assert "required" not in fields["left"]
    assert "required" not in fields["right"]
    assert (fields["hours"]["minimum"], fields["hours"]["maximum"]) == (0, 999.99)
    assert fields["year"]["type"] == "integer"
    assert made["club"]["fields"]["kinds"]["items"]["kindDescriptor"]["of"] == "KindDescriptor"


def test_no_prose_is_carried_over(made: dict[str, Any], tmp_path: Path) -> None:
    assert not [p for p in (tmp_path / "9.9").glob("*") if "Prose" in p.read_text("utf-8")]
    assert (tmp_path / "9.9" / "visit.yaml").read_text("utf-8").startswith("# Generated by `python -m hub.standards.")


def test_vocabulary_has_codes_and_no_descriptions(tmp_path: Path) -> None:
    (tmp_path / "Kind.xml").write_text(
        '<I xmlns="http://ed-fi.org/9.9.0"><!-- c --><KindDescriptor><CodeValue> Chess </CodeValue>'
        "<ShortDescription>Prose</ShortDescription><Namespace>uri://x/K</Namespace></KindDescriptor></I>"
    )
    assert derive.write_vocabulary(tmp_path, tmp_path / "v" / "c.csv") == 1
    with (tmp_path / "v" / "c.csv").open(newline="") as lines:
        assert list(csv.reader(lines)) == [
            ["descriptor", "namespace", "code"],
            ["KindDescriptor", "uri://x/K", "Chess"],
        ]


@pytest.mark.parametrize(
    ("arguments", "said"), [([], "Two or three folders"), (["nowhere", "out"], r"Ed-Fi-Core\.xsd does not exist")]
)
def test_wrong_arguments_are_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(FixConfiguration, match=said):
        derive.main(arguments)


def test_a_type_that_is_not_defined_is_named(tmp_path: Path) -> None:
    (tmp_path / "Ed-Fi-Core.xsd").write_text(XSD.replace('type="Hours"', 'type="Days"'))
    with pytest.raises(FixConfiguration, match="type Days"):
        derive.main([str(tmp_path), str(tmp_path)])


@pytest.mark.parametrize(
    ("xml", "api"),
    [("IEPBeginDate", "iepBeginDate"), ("URI", "uri"), ("FirstName", "firstName"), ("DateEnteredUS", "dateEnteredUS"),
     ("CTEProgramService", "cteProgramService"), ("Section504Plan", "section504Plan")],
)  # fmt: skip
def test_camel_case(xml: str, api: str) -> None:
    assert lower_camel(xml) == api


@pytest.mark.parametrize(
    ("one", "many"),
    [("category", "categories"), ("survey", "surveys"), ("address", "addresses"), ("diagnosis", "diagnoses"),
     ("status", "statuses"), ("sex", "sexes"), ("matrix", "matrices"), ("person", "people"), ("uri", "uris"),
     ("learningResourceMetadataURI", "learningResourceMetadataURIs"), ("additionalCredits", "additionalCredits"),
     ("effectiveness", "effectivenesses")],
)  # fmt: skip
def test_plural(one: str, many: str) -> None:
    assert plural(one) == many


@given(st.from_regex(r"([A-Z][a-z]{1,6}){1,4}", fullmatch=True), st.from_regex(r"[A-Z][a-z]{1,6}", fullmatch=True))
def test_names_keep_their_words(name: str, other: str) -> None:
    assert lower_camel(name)[0].islower()
    assert lower_camel(name).lower() == name.lower()
    assert snake(name).replace("_", "") == name.lower()
    assert strip_owner(other + name, (other,)) == name
    assert strip_owner(other, (other,)) == other, "a name is never stripped bare"
    assert with_role(lower_camel(other), lower_camel(other + name)) == lower_camel(other + name)
    assert re.fullmatch(r"[a-z]\w+", with_role(lower_camel(other), lower_camel(name)))


@pytest.mark.shared
@needs_xsd
@pytest.mark.parametrize(("version", "folder"), [("5.2", "5.2/schemas/Bulk"), ("6.1", "6.1/schemas")])
def test_what_is_committed_is_what_the_official_xsd_says(version: str, folder: str, tmp_path: Path) -> None:
    (tmp_path / "naming.yaml").write_bytes((specs.SCHEMAS / "edfi/naming.yaml").read_bytes())
    derive.main([str(SHARED / folder), str(tmp_path)])
    derived = {p.name: p.read_text("utf-8") for p in (tmp_path / version).iterdir()}
    assert derived == {p.name: p.read_text("utf-8") for p in (specs.SCHEMAS / "edfi" / version).iterdir()}


@pytest.mark.shared
@needs_xsd
def test_the_committed_vocabulary_is_the_official_one(tmp_path: Path) -> None:
    derive.write_vocabulary(SHARED / "5.2/descriptors", tmp_path / "codes.csv")
    assert (tmp_path / "codes.csv").read_bytes() == (specs.SCHEMAS / "vocabularies/edfi-5.2.csv").read_bytes()
