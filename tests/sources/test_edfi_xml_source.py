"""Ed-Fi interchange documents from the landing to the store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from lxml import etree

from hub import pipeline, store
from hub.config import load
from hub.model import Run

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "schemas" / "sources" / "edfi-xml" / "sample"
OFFICIAL = ROOT.parent / "shared" / "data" / "edfi" / "5.2" / "samples"
CONFIG = """
state: ./state
store: sqlite
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 1001
    years: [{year}]
    sources:
      edfi: {{vendor: edfi-xml, path: ./incoming}}
"""


def _sync(folder: Path, documents: Path, year: int) -> Run:
    shutil.copytree(documents, folder / "incoming")
    (folder / "hub.yaml").write_text(CONFIG.format(year=year), encoding="utf-8")
    settings = load(folder / "hub.yaml")
    return pipeline.sync(settings, settings.slice("maple-hollow"))


def _after(run: Run) -> dict[str, int]:
    return {c.entity: c.after for c in run.changes if c.after}


def test_demographics_of_5_2_are_kept_as_6_has_them(tmp_path: Path) -> None:
    run = _sync(tmp_path, SAMPLE, 2027)
    assert run.status == "published"
    assert _after(run) == {
        "LocalEducationAgency": 1,
        "School": 1,
        "Student": 2,
        "StudentSchoolAssociation": 1,
        "StudentEducationOrganizationAssociation": 1,
        "StudentDemographic": 1,
        "StudentDirectory": 1,
        "StudentIdentificationCode": 2,
    }
    assert [(h.entity, h.field, h.rule, h.rows) for h in run.held] == [
        ("StudentSchoolAssociation", "entryGradeLevelDescriptor", "descriptor.unknown", 1)
    ]
    settings = load(tmp_path / "hub.yaml")
    record = store.student_record(pipeline.open_store(settings, "maple-hollow"), "1001")
    codes = {row["identificationCode"] for row in record["StudentIdentificationCode"]}
    assert codes == {"0042", "77"}


def test_documents_of_6_1_are_read_as_they_are(tmp_path: Path) -> None:
    """Their demographics are records of their own, and are not doubled by the association that had them in 5.2."""
    people = "<StudentReference><StudentIdentity><StudentUniqueId>1001</StudentUniqueId></StudentIdentity></StudentReference>"  # noqa: E501
    school = "<EducationOrganizationReference><EducationOrganizationIdentity><EducationOrganizationId>100101</EducationOrganizationId></EducationOrganizationIdentity></EducationOrganizationReference>"  # noqa: E501
    later = tmp_path / "later"
    shutil.copytree(SAMPLE, later)
    for path in later.iterdir():
        path.write_text(path.read_text().replace("http://ed-fi.org/5.2.0", "http://ed-fi.org/6.1.0"))
    (later / "StudentEnrollment.xml").write_text(
        '<InterchangeStudentEnrollment xmlns="http://ed-fi.org/6.1.0">'
        f"<StudentDemographic>{people}{school}<Sex>uri://ed-fi.org/SexDescriptor#Female</Sex></StudentDemographic>"
        f"<StudentEducationOrganizationAssociation>{people}{school}</StudentEducationOrganizationAssociation>"
        "</InterchangeStudentEnrollment>"
    )
    run = _sync(tmp_path, later, 2027)
    assert [h for h in run.held if h.entity.startswith("Student")] == []
    after = _after(run)
    assert (after["Student"], after["StudentDemographic"], after["StudentEducationOrganizationAssociation"]) == (
        2,
        1,
        1,
    )


@pytest.mark.shared
@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="../shared with the official samples is not there")
def test_every_record_of_the_official_samples_reaches_the_store(tmp_path: Path) -> None:
    run = _sync(tmp_path, OFFICIAL, 2022)
    assert run.status == "published"
    came = {c.stream: c.rows_in for c in run.counts if c.step == "normalize" and not c.entity}
    held = {h.entity: h.rows for h in run.held}
    assert held == {}
    twins = {c.entity: c.ignored for c in run.counts if c.step == "check" and c.ignored}
    assert twins == {"CourseOffering": {"key.duplicate_identical": 1}}
    assert {e: n for e, n in _after(run).items() if e in came} == came | {"CourseOffering": 168}
    records = sum(len(etree.parse(path).getroot()) for path in OFFICIAL.glob("*.xml"))
    assert sum(came.values()) == records - 1  # the one top-level SectionReference only serves as an anchor
    record = pq.read_table(next((tmp_path / "state").rglob("record/StudentSchoolAttendanceEvent.parquet")))
    assert record.num_rows == 1_917


def test_a_document_of_last_year_is_refused_and_one_of_this_year_beside_it_is_read(tmp_path: Path) -> None:
    session = """<?xml version="1.0" encoding="UTF-8"?>
<InterchangeEducationOrgCalendar xmlns="http://ed-fi.org/5.2.0"><Session><SessionName>Fall</SessionName>
<SchoolYear>{0}</SchoolYear><BeginDate>2026-08-24</BeginDate><EndDate>2027-01-22</EndDate>
<Term>uri://ed-fi.org/TermDescriptor#Fall Semester</Term><TotalInstructionalDays>90</TotalInstructionalDays>
<SchoolReference><SchoolIdentity><SchoolId>{1}</SchoolId></SchoolIdentity></SchoolReference>
</Session></InterchangeEducationOrgCalendar>"""
    shutil.copytree(SAMPLE, tmp_path / "sample")
    school = next(s.text for s in etree.parse(SAMPLE / "EducationOrganization.xml").iter("{*}SchoolId"))
    (tmp_path / "sample" / "old.xml").write_text(session.format("2025-2026", school), encoding="utf-8")
    (tmp_path / "sample" / "new.xml").write_text(session.format("2026-2027", school), encoding="utf-8")
    run = _sync(tmp_path, tmp_path / "sample", 2027)
    assert _after(run)["Session"] == 1
    (told,) = run.sources
    assert "old.xml: none of the 1 rows with a session is of the school year 2026-2027" in told.message


def test_a_full_delivery_ends_records_of_the_entities_it_holds(tmp_path: Path) -> None:
    """And of no others: a delivery of students alone says nothing of schools."""
    shutil.copytree(SAMPLE, tmp_path / "incoming")
    text = CONFIG.format(year=2027).replace("path: ./incoming", "path: ./incoming, delivery: full")
    (tmp_path / "hub.yaml").write_text(text, encoding="utf-8")
    settings = load(tmp_path / "hub.yaml")
    slice = settings.slice("maple-hollow")
    before = _after(pipeline.sync(settings, slice))
    students = (SAMPLE / "Student.xml").read_text()
    first, last = students.index("  <Student>"), students.rindex("  <Student>")
    for path in (tmp_path / "incoming").iterdir():
        path.unlink()
    (tmp_path / "incoming" / "Student.xml").write_text(students[:first] + students[last:])
    run = pipeline.sync(settings, slice)
    assert _after(run) == before | {"Student": 1}
    assert [(c.entity, c.removed, c.kept) for c in run.changes if c.removed or c.kept] == [("Student", 1, 0)]
