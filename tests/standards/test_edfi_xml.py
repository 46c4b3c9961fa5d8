"""Interchange documents to parquet: nothing vanishes, references by id resolve, bad documents are refused whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from hub.errors import AskVendor
from hub.model import Entity, Field
from hub.standards import specs
from hub.standards.reading import edfi_xml, xml_document
from hub.standards.reading.edfi_xml import XmlRead, read_interchange

ENTITIES = specs.load_entities()
NS = "http://ed-fi.org/5.2.0"
SAMPLES = Path(__file__).parents[2] / "../shared/data/edfi/5.2/samples"
ROUND_TRIPPED = ("Student", "Section", "Grade", "StudentAssessment", "StudentCTEProgramAssociation", "CourseTranscript",
                 "StudentSchoolAttendanceEvent", "GraduationPlan", "Descriptor")  # fmt: skip


def document(body: str, namespace: str = NS, root: str = "InterchangeAny") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{namespace}">\n{body}\n</{root}>\n'


def read(tmp_path: Path, body: str | bytes, **options: Any) -> tuple[XmlRead, dict[str, list[dict[str, Any]]]]:
    """The outcome, and the rows per entity without their blank columns."""
    path = tmp_path / "feed.xml"
    path.write_bytes(body if isinstance(body, bytes) else document(body).encode())
    out = tmp_path / "out"
    outcome = read_interchange(path, ENTITIES, out, **options)
    rows = {
        name: [
            {k: v for k, v in r.items() if v is not None} for r in pq.read_table(out / f"{name}.parquet").to_pylist()
        ]
        for name in outcome.rows
    }
    return outcome, rows


# ------------------------------------------------------------------------------------------------- properties

values = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=6)


@st.composite
def filled(draw: st.DrawFn, fields: tuple[Field, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for said in draw(st.lists(st.sampled_from(fields), unique=True, max_size=12)):
        if said.type == "list":
            items = draw(st.lists(filled(said.items), max_size=2))
            if any(items):
                row[said.name] = [i for i in items if i]
        elif said.type == "object":
            item = draw(filled(said.items))
            if item:
                row[said.name] = item
        else:
            row[said.name] = draw(values)
    return row


def written(parent: etree._Element, fields: tuple[Field, ...], row: dict[str, Any], alternative: int) -> None:
    for said in fields:
        if said.name not in row:
            continue
        paths = said.xml.split(" | ")
        steps = paths[alternative % len(paths)].split("/")
        if steps == ["."]:
            parent.text = row[said.name]
            continue
        node = parent
        for step in steps[:-1]:
            found = node.find(f"{{{NS}}}{step}")
            node = etree.SubElement(node, f"{{{NS}}}{step}") if found is None else found
        value = row[said.name]
        for part in value if isinstance(value, list) else [value]:
            below = etree.SubElement(node, f"{{{NS}}}{steps[-1]}")
            if isinstance(part, dict):
                written(below, said.items, part, alternative)
            else:
                below.text = part


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, list[tuple[Entity, dict[str, Any]]]]:
    root = etree.Element(f"{{{NS}}}InterchangeAny", nsmap={None: NS})
    records = []
    for name in draw(st.lists(st.sampled_from(ROUND_TRIPPED), max_size=6)):
        entity = ENTITIES[name]
        row = draw(filled(entity.fields))
        tag = "TermDescriptor" if name == "Descriptor" else name
        written(etree.SubElement(root, f"{{{NS}}}{tag}"), entity.fields, row, draw(st.integers(0, 2)))
        records.append((entity, row))
    pretty = draw(st.booleans())
    return etree.tostring(root, pretty_print=pretty, xml_declaration=True, encoding="UTF-8"), records


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(documents(), st.integers(1, 4), st.sampled_from([7, 64, 1 << 20]))
def test_what_is_written_is_read_whatever_the_chunks_and_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: tuple[bytes, list[Any]], batch: int, chunk: int
) -> None:
    body, records = made
    monkeypatch.setattr(xml_document, "_CHUNK", chunk)
    outcome, rows = read(tmp_path, body, batch_rows=batch)
    assert outcome.unknown == outcome.conflicts == {}
    assert sum(outcome.rows.values()) == len(records)
    for number, (entity, row) in enumerate(records, 1):
        got = next(r for r in rows[entity.name] if r["_row"] == number)
        nested = {f.name for f in entity.fields if f.type in ("list", "object")}
        said = {k: json.loads(v) if k in nested else v for k, v in got.items() if not k.startswith("_")}
        assert said == row


@given(st.integers(0, 12_000))
def test_a_school_year_becomes_the_year_it_ends_in_or_stays_as_it_is(year: int) -> None:
    assert edfi_xml._year(f"{year:04}-{year + 1:04}") == (f"{year + 1:04}" if year < 9999 else f"{year}-{year + 1}")
    assert edfi_xml._year(f"{year:04}-{year + 2:04}") == f"{year:04}-{year + 2:04}"
    assert edfi_xml._year(str(year)) == str(year)


# --------------------------------------------------------------------------------------------------- examples

STUDENT = "<Student><StudentUniqueId>{}</StudentUniqueId><Name><FirstName>Ada</FirstName></Name>{}</Student>"


def test_rows_know_their_place_in_the_document(tmp_path: Path) -> None:
    outcome, rows = read(tmp_path, STUDENT.format("1", "") + "\n<!-- c --><Person/>\n" + STUDENT.format("2", ""))
    assert outcome == XmlRead({"Student": 2, "Person": 1}, {}, "5.2", {}, 0)
    assert [(r["studentUniqueId"], r["_row"], r["_line"]) for r in rows["Student"]] == [("1", 1, 3), ("2", 3, 5)]


def test_blank_is_null_strings_stay_raw_other_types_are_trimmed(tmp_path: Path) -> None:
    body = STUDENT.format(
        " 01 ", "<BirthData><BirthDate>\n 2010-01-02 </BirthDate><BirthCity> </BirthCity></BirthData>"
    )
    row = read(tmp_path, body)[1]["Student"][0]
    assert row["studentUniqueId"] == " 01 "
    assert row["birthDate"] == "2010-01-02"
    assert "birthCity" not in row


def test_what_no_field_takes_is_counted_by_its_path(tmp_path: Path) -> None:
    extra = "<Nick>Ad</Nick><Name><FirstName>Ada<b>x</b></FirstName>loose</Name>"
    outcome, _ = read(
        tmp_path,
        STUDENT.format("1", extra)
        + "<Gadget><A>1</A></Gadget>"
        + STUDENT.format("2", extra).replace("<Student>", "<Student>loose", 1),
    )
    assert outcome.unknown == {
        "Student/Nick": 2,
        "Student/Name/FirstName/b": 2,
        "Student/Name/FirstName/text()": 2,
        "Student/Name/FirstName/following::text()": 2,
        "Student/text()": 1,
        "Gadget": 1,
    }
    assert outcome.rows == {"Student": 2}


def test_two_values_for_one_column_are_told_and_the_first_is_kept(tmp_path: Path) -> None:
    school = "<SchoolReference><SchoolIdentity><SchoolId>{}</SchoolId></SchoolIdentity></SchoolReference>"
    session = f"<SessionReference><SessionIdentity>{school.format(8)}</SessionIdentity></SessionReference>"
    body = f"<CourseOffering>{school.format(7)}{session}</CourseOffering>"
    outcome, rows = read(tmp_path, body + body.replace(">8<", ">7<"))
    assert outcome.conflicts == {"CourseOffering.schoolId": 1}
    assert [(r["schoolId"], r.get("_conflicts")) for r in rows["CourseOffering"]] == [("7", "schoolId"), ("7", None)]


def test_a_lookup_is_read_where_it_carries_the_key(tmp_path: Path) -> None:
    body = (
        "<StudentContactAssociation><StudentReference><StudentLookup><StudentUniqueId>1</StudentUniqueId>"
        "<Name><FirstName>A</FirstName></Name></StudentLookup></StudentReference></StudentContactAssociation>"
    )
    outcome, rows = read(tmp_path, body)
    assert rows["StudentContactAssociation"][0]["studentUniqueId"] == "1"
    assert outcome.unknown == {"StudentContactAssociation/StudentReference/StudentLookup/Name": 1}


def test_another_version_5_is_noted(tmp_path: Path) -> None:
    outcome, _ = read(tmp_path, document(STUDENT.format("1", ""), "http://ed-fi.org/5.0.0").encode())
    assert outcome.standard == "5.0"


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
def test_the_declared_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    said = document(STUDENT.format("é", "")).replace("UTF-8", encoding.removesuffix("-sig"))
    assert read(tmp_path, said.encode(encoding))[1]["Student"][0]["studentUniqueId"] == "é"


# --------------------------------------------------------------------------------------------------- references

CONTACT = '<Contact id="{}"><ContactUniqueId>{}</ContactUniqueId></Contact>'
LINK = '<StudentContactAssociation><ContactReference ref="{}"/></StudentContactAssociation>'


def test_a_reference_by_id_takes_the_key_of_the_record_before_or_after_it(tmp_path: Path) -> None:
    outcome, rows = read(
        tmp_path, CONTACT.format("a", "1") + LINK.format("a") + LINK.format("b") + CONTACT.format("b", "2")
    )
    assert [r["contactUniqueId"] for r in rows["StudentContactAssociation"]] == ["1", "2"]
    assert outcome.unknown == {}


def test_a_key_that_is_itself_a_reference_by_id_is_followed(tmp_path: Path) -> None:
    body = (
        '<StudentSectionAttendanceEvent><SectionReference ref="s"/></StudentSectionAttendanceEvent>'
        '<Section id="s"><SectionIdentifier>S</SectionIdentifier><CourseOfferingReference ref="o"/></Section>'
        '<CourseOffering id="o"><LocalCourseCode>C</LocalCourseCode><SessionReference ref="t"/></CourseOffering>'
        '<Session id="t"><SessionName>T</SessionName><SchoolYear>2030-2031</SchoolYear>'
        '<SchoolReference ref="h"/></Session><School id="h"><SchoolId>7</SchoolId></School>'
        '<Program><EducationOrganizationReference ref="h"/></Program>'
        '<Grade><StudentSectionAssociationReference><StudentSectionAssociationIdentity><SectionReference ref="s"/>'
        "</StudentSectionAssociationIdentity></StudentSectionAssociationReference></Grade>"
        '<StudentCohortAssociation><SectionReference ref="s"/></StudentCohortAssociation>'
    )
    outcome, rows = read(tmp_path, body)
    key = {"sectionIdentifier": "S", "localCourseCode": "C", "sessionName": "T", "schoolYear": "2031", "schoolId": "7"}
    assert outcome.unknown == {}
    assert key.items() <= rows["StudentSectionAttendanceEvent"][0].items()
    assert key.items() <= rows["Grade"][0].items()
    assert json.loads(rows["StudentCohortAssociation"][0]["sections"]) == [key]
    assert rows["Program"][0]["educationOrganizationId"] == "7", "a school stands in for an organization"


def test_a_reference_among_the_records_is_an_anchor(tmp_path: Path) -> None:
    identity = "<ContactIdentity><ContactUniqueId>1</ContactUniqueId></ContactIdentity>"
    outcome, rows = read(tmp_path, f'<ContactReference id="a">{identity}</ContactReference>' + LINK.format("a"))
    assert rows["StudentContactAssociation"][0]["contactUniqueId"] == "1"
    assert (outcome.anchors, outcome.rows) == (1, {"StudentContactAssociation": 1})


@pytest.mark.parametrize(
    "records",
    [
        "",
        CONTACT.format("a", "1") + CONTACT.format("a", "2"),
        '<Student id="a"><StudentUniqueId>1</StudentUniqueId></Student>',
        '<Contact id="a"/>',
    ],
    ids=["nothing", "two things", "another kind", "no key"],
)
def test_a_reference_to_what_cannot_be_told_is_counted_never_guessed(tmp_path: Path, records: str) -> None:
    outcome, rows = read(tmp_path, records + LINK.format("a"))
    assert "contactUniqueId" not in rows["StudentContactAssociation"][0]
    assert outcome.unknown == {"StudentContactAssociation/ContactReference/@ref": 1}


# ------------------------------------------------------------------------------------------------ hostile input

CANARY = "Zebulon-Quark"
BOMB = '<!DOCTYPE a [<!ENTITY x "lol"><!ENTITY y "&x;&x;&x;">]>' + document("<Student>&y;</Student>").partition("\n")[2]
OUTSIDE = '<!DOCTYPE a SYSTEM "file:///etc/hostname">' + document("").partition("\n")[2]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (document(f"<Student>{CANARY}</Staff>"), r"feed\.xml line 3: the document is not well-formed"),
        (document(f"<Student><{CANARY} & co</Student>"), "line 3: the document is not well-formed"),
        (document(f"<Student>{CANARY}")[:-25], "not well-formed"),
        ("", "the file is empty"),
        (f"{CANARY}\x00\x01", "not well-formed"),
        (BOMB, r"feed\.xml: the document has a DOCTYPE"),
        (OUTSIDE, "DOCTYPE"),
        ("<!-- " + "x" * (1 << 20) + " -->" + document(""), "no root element in the first MiB|not well-formed"),
        (document("", root="Students"), "line 2: the root element is not an Ed-Fi interchange"),
        (document("", "http://ed-fi.org/4.0.0"), "line 2: the namespace is not of Ed-Fi Data Standard 5"),
        (document("", ""), "namespace is not of"),
        (document("<Student>" + "<a>" * 300 + "</a>" * 300 + "</Student>"), "not well-formed"),
    ],
    ids=["mismatch", "ampersand", "cut off", "empty", "binary", "bomb", "external", "no root", "root", "4.0", "no ns",
         "deep"],
)  # fmt: skip
def test_a_bad_document_is_refused_whole_and_no_value_is_told(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(AskVendor, match=said) as refused:
        read(tmp_path, body.encode())
    assert CANARY not in f"{refused.value}{refused.value.remedy}"
    assert refused.value.remedy
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_a_document_cut_off_after_good_records_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_document, "_CHUNK", 256)
    body = document("\n".join(STUDENT.format(n, "") for n in range(200)))[:-10]
    with pytest.raises(AskVendor, match="line 20"):
        read(tmp_path, body.encode(), batch_rows=10)
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_one_record_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_document, "_CHUNK", 1 << 10)
    monkeypatch.setattr(xml_document, "_RECORD_LIMIT", 1 << 14)
    with pytest.raises(AskVendor, match="line 3: one record is over"):
        read(tmp_path, STUDENT.format("1", "<Visa>x</Visa>" * 5000))


def test_invented_names_do_not_grow_without_bound(tmp_path: Path) -> None:
    outcome, _ = read(tmp_path, "".join(f"<Gadget{n}/>" for n in range(1500)))
    assert len(outcome.unknown) == 1001
    assert sum(outcome.unknown.values()) == 1500


def test_a_bomb_is_not_expanded(tmp_path: Path) -> None:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    with pytest.raises(AskVendor, match="DOCTYPE"):
        read(
            tmp_path,
            f'<!DOCTYPE a [<!ENTITY e0 "ha">{lines}]><InterchangeAny xmlns="{NS}">&e11;</InterchangeAny>'.encode(),
        )


# --------------------------------------------------------------------------------------------- official samples

RECORDS = {
    "AssessmentMetadata-ACT": 5, "AssessmentMetadata-StateAssessment": 24, "Contact": 3746, "EducationOrgCalendar": 27,
    "EducationOrganization": 200, "MasterSchedule": 704, "PostSecondaryEvent": 1, "StaffAssociation": 888,
    "Student": 963, "StudentAssessment-ACT": 335, "StudentAssessment-StateAssessment": 34, "StudentDiscipline": 90,
    "StudentGradebook": 261, "StudentProgram": 706, "StudentSchoolAttendance": 1917,
    "StudentSectionAttendance-Tardy": 66,
}  # fmt: skip


@pytest.mark.shared
@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data/edfi is not there")
@pytest.mark.parametrize("name", RECORDS)
def test_every_record_of_the_official_samples_is_read_with_its_key(name: str, tmp_path: Path) -> None:
    outcome = read_interchange(SAMPLES / f"{name}.xml", ENTITIES, tmp_path)
    assert sum(outcome.rows.values()) + outcome.anchors == RECORDS[name]
    assert outcome.unknown == outcome.conflicts == {}
    assert outcome.standard == "5.2"
    for entity, count in outcome.rows.items():
        table = pq.read_table(tmp_path / f"{entity}.parquet")
        assert table.num_rows == count
        for column in ENTITIES[entity].key:
            assert table[column].null_count == 0, (entity, column)


@pytest.mark.shared
@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data/edfi is not there")
def test_spot_values_of_the_official_samples(tmp_path: Path) -> None:
    read_interchange(SAMPLES / "EducationOrgCalendar.xml", ENTITIES, tmp_path)
    session = pq.read_table(tmp_path / "Session.parquet").to_pylist()[0]
    assert (session["schoolYear"], session["totalInstructionalDays"], session["schoolId"]) == (
        "2022",
        "81",
        "255901001",
    )
    assert [p["schoolYear"] for p in json.loads(session["gradingPeriods"])] == ["2022"] * 3
    read_interchange(SAMPLES / "StudentSectionAttendance-Tardy.xml", ENTITIES, tmp_path)
    tardy = pq.read_table(tmp_path / "StudentSectionAttendanceEvent.parquet").to_pylist()[0]
    assert (tardy["eventDate"], tardy["arrivalTime"], tardy["localCourseCode"]) == ("2022-03-07", "09:35:00", "MATH-03")
    read_interchange(SAMPLES / "StudentAssessment-ACT.xml", ENTITIES, tmp_path)
    result = pq.read_table(tmp_path / "StudentAssessment.parquet").to_pylist()[0]
    (score,) = json.loads(result["scoreResults"])
    assert score["result"] == "18"
    assert score["resultDatatypeTypeDescriptor"] == "uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer"
