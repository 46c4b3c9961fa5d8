"""A small hub of its own: six entities, three fictional vendors and a hub.yaml, so that no law waits for a mapping."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from hub import config, pipeline, store
from hub.config import Settings
from hub.model import Count, OpenedDelivery, OpenedFile, Run, Slice
from hub.report.reconcile import Reconciliation
from hub.standards.mapping.normalize import Vocabulary
from hub.standards.specs import SCHEMAS, descriptor_codes, load_entities
from hub.standards.states.source_state import Work, build_state
from hub.standards.states.summary import StateSummary
from hub.standards.vendors.sources import load_source

STORE_URL = "HUB_LAWS_STORE_URL"
DISTRICT, YEAR = "maple-hollow", 2027
SLICE = Slice(DISTRICT, YEAR)
NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)

STUDENTS = ("StudentID", "First", "Last", "Birth", "Sex", "StateID", "LocalID")
PEOPLE = ("ID", "Given", "Family", "Preferred")
RESULTS = ("StateID", "LocalID", "Test", "Taken", "Score", "Minutes")

_ENTITIES = {
    "5.2": ("student", "education_organization", "local_education_agency", "assessment", "student_assessment"),
    "6.1": ("student_identification_code",),
}
_ADDITIONS = """\
take: {"6.1": [StudentIdentificationCode]}
optional: {Student.birthDate: a roster may be without it}
dates:
  rule: date.implausible
  type: expect_column_values_to_be_between
  kwargs: {min_value: "1900-01-01", max_value: "2100-12-31"}
errors: [date.implausible, assessment.in_future]
expectations:
  StudentAssessment:
  - rule: assessment.in_future
    type: expect_column_values_to_be_between
    kwargs: {column: administrationDate, max_value: {$PARAMETER: today}}
"""
_AGENCY = "uri://ed-fi.org/{0}Descriptor#{1}"
_SYSTEM = "uri://ed-fi.org/StudentIdentificationSystemDescriptor#"
_CODE = """\
    rows: SELECT * FROM students WHERE {column} IS NOT NULL
    fields:
      studentUniqueId: StudentID
      educationOrganizationId: {{slice: localEducationAgencyId}}
      studentIdentificationSystemDescriptor: {{const: "{system}"}}
      identificationCode: {column}
"""
_SIS = f"""\
vendor: mini-sis
title: A student information system
authority: 10
streams:
  agencies: {{format: csv, pattern: '(?i)^agencies.*\\.csv$', delivery: full, layouts: {{"1": [Agency, Name]}}}}
  students:
    format: csv
    pattern: '(?i)^students.*\\.csv$'
    delivery: full
    layouts: {{"1": [{", ".join(STUDENTS)}]}}
entities:
  LocalEducationAgency:
    stream: agencies
    fields:
      localEducationAgencyId: Agency
      nameOfInstitution: Name
      categories:
        each:
        - educationOrganizationCategoryDescriptor:
            const: "{_AGENCY.format("EducationOrganizationCategory", "Local Education Agency")}"
      localEducationAgencyCategoryDescriptor:
        const: "{_AGENCY.format("LocalEducationAgencyCategory", "Other local education agency")}"
  Student:
    stream: students
    fields:
      studentUniqueId: StudentID
      firstName: First
      lastSurname: Last
      birthDate: Birth
      birthSexDescriptor: {{code: Sex, crosswalk: sex}}
  StudentIdentificationCode:
  - stream: students
{_CODE.format(column="StateID", system=_SYSTEM + "State")}
  - stream: students
{_CODE.format(column="LocalID", system=_SYSTEM + "Local")}
"""
_LMS = f"""\
vendor: mini-lms
title: A learning management system
authority: 60
stream: people
format: csv
pattern: '(?i)^people.*\\.csv$'
delivery: append
layouts: {{"1": [{", ".join(PEOPLE)}]}}
entities:
  Student:
    fields: {{studentUniqueId: ID, firstName: Given, lastSurname: Family, preferredFirstName: Preferred}}
"""
_TEST = f"""\
vendor: mini-test
title: An assessment vendor
authority: 50
stream: results
format: csv
pattern: '(?i)^results.*\\.csv$'
delivery: append
dates: {{column: Taken, formats: ["%Y-%m-%d"]}}
layouts: {{"1": [{", ".join(RESULTS)}]}}
entities:
  Assessment:
    fields:
      assessmentIdentifier: Test
      namespace: {{const: "uri://test.example.org/Assessment"}}
      assessmentTitle: Test
      academicSubjects: {{each: [{{academicSubjectDescriptor: {{const: "uri://ed-fi.org/AcademicSubjectDescriptor#Mathematics"}}}}]}}
  StudentAssessment:
    fields:
      studentUniqueId: {{person: {{State: StateID, Local: LocalID}}}}
      studentAssessmentIdentifier: {{hash: [Test, Taken, StateID, LocalID]}}
      assessmentIdentifier: Test
      namespace: {{const: "uri://test.example.org/Assessment"}}
      administrationDate: {{datetime: Taken, formats: ["%Y-%m-%d"]}}
      assessedMinutes: Minutes
      scoreResults:
        each:
        - result: Score
          resultDatatypeTypeDescriptor: {{const: "uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer"}}
          assessmentReportingMethodDescriptor:
            const: "uri://ed-fi.org/AssessmentReportingMethodDescriptor#Raw score"
        keep: result
"""
_SEX = "code,value\n" + "".join(f"{c},uri://ed-fi.org/SexDescriptor#{v}\n" for c, v in (("F", "Female"), ("M", "Male")))


def make_specs(root: Path) -> Path:
    """A schemas folder with six entities, the hub's rules and vocabularies, and the vendors mini-sis, -lms, -test."""
    for standard, names in _ENTITIES.items():
        folder = root / "edfi" / standard
        folder.mkdir(parents=True)
        for name in (*names, *(["descriptors"] if standard == "5.2" else [])):
            shutil.copy(SCHEMAS / "edfi" / standard / f"{name}.yaml", folder)
    (root / "edfi" / "additions.yaml").write_text(_ADDITIONS)
    for shared in ("vocabularies", "rules", "oneroster"):
        shutil.copytree(SCHEMAS / shared, root / shared)
    for name in ("hub.schema.json", "grammar.json"):
        shutil.copy(SCHEMAS / name, root)
    for vendor, text in (("mini-sis", _SIS), ("mini-lms", _LMS), ("mini-test", _TEST)):
        add_vendor(root, vendor, text)
    (root / "sources" / "mini-sis" / "crosswalks").mkdir()
    (root / "sources" / "mini-sis" / "crosswalks" / "sex.csv").write_text(_SEX)
    return root


def add_vendor(root: Path, vendor: str, source_yaml: str) -> None:
    folder = root / "sources" / vendor
    folder.mkdir(parents=True)
    (folder / "source.yaml").write_text(source_yaml)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, *rows])
    return text.getvalue()


def a_student(number: int, **said: str) -> tuple[str, ...]:
    """Student 12 is S0012, state id 0000012, local id L-12."""
    given = {
        "StudentID": f"S{number:04d}",
        "First": f"Ada{number}",
        "Last": f"Lovelace{number}",
        "Birth": f"2012-03-{number % 28 + 1:02d}",
        "Sex": "F",
        "StateID": f"{number:07d}",
        "LocalID": f"L-{number}",
    }
    return tuple((given | said)[c] for c in STUDENTS)


def a_person(number: int, **said: str) -> tuple[str, ...]:
    given = {"ID": f"S{number:04d}", "Given": f"Ada{number}", "Family": f"Lovelace{number}", "Preferred": f"A{number}"}
    return tuple((given | said)[c] for c in PEOPLE)


def a_result(number: int, **said: str) -> tuple[str, ...]:
    given = {
        "StateID": f"{number:07d}",
        "LocalID": f"L-{number}",
        "Test": "Algebra",
        "Taken": "2026-10-01",
        "Score": f"{500 + number}",
        "Minutes": "45",
    }
    return tuple((given | said)[c] for c in RESULTS)


@dataclasses.dataclass
class Hub:
    """A folder with hub.yaml, what the sources send under incoming/<district>/<source>, and what the hub keeps."""

    root: Path
    specs: Path
    districts: Mapping[str, Mapping[str, Mapping[str, Any]]]
    store_url: str = "sqlite"
    said: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # of every district, beside its sources

    def __post_init__(self) -> None:
        for district, sources in self.districts.items():
            for source in sources:
                self.incoming(source, district).mkdir(parents=True, exist_ok=True)
        self.write()

    def write(self) -> None:
        """hub.yaml as `districts` says now. JSON is YAML."""
        body = {
            district: {
                "name": district.title(),
                "local_education_agency_id": 255901 + i,
                "years": [YEAR],
                **self.said,
                "sources": {
                    name: {"path": str(self.incoming(name, district)), **said} for name, said in sources.items()
                },
            }
            for i, (district, sources) in enumerate(self.districts.items())
        }
        self.root.mkdir(parents=True, exist_ok=True)
        os.environ[STORE_URL] = self.store_url
        store = {} if self.store_url == "sqlite" else {"store": {"url_env": STORE_URL}}
        (self.root / "hub.yaml").write_text(json.dumps({"districts": body, **store}))

    def incoming(self, source: str, district: str = DISTRICT) -> Path:
        return self.root / "incoming" / district / source

    def send(self, source: str, name: str, content: str | bytes, district: str = DISTRICT) -> Path:
        path = self.incoming(source, district) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def empty(self, source: str, district: str = DISTRICT) -> None:
        for path in self.incoming(source, district).iterdir():
            path.unlink()

    @property
    def settings(self) -> Settings:
        return config.load(self.root / "hub.yaml", specs=self.specs)

    @property
    def state(self) -> Path:
        return self.root / "state"

    def sync(self, slice: Slice = SLICE, **more: Any) -> Run:
        return pipeline.sync(self.settings, slice, **more)

    def store(self, district: str = DISTRICT) -> store.Store:
        return pipeline.open_store(self.settings, district)

    def digest(self, district: str = DISTRICT) -> dict[str, str]:
        return store.content_digest(self.store(district))

    def published(self, entity: str, *columns: str, district: str = DISTRICT) -> set[tuple[Any, ...]]:
        """The current rows of an entity's table, as tuples of the columns (names of the standard)."""
        from sqlalchemy import select

        from hub.store.connect import reading
        from hub.store.tables import columns_of

        opened = self.store(district)
        table, names = opened.table(entity), columns_of(opened.entities[entity])
        query = select(*(table.c[names.get(c, c)] for c in columns)).where(table.c._valid_to.is_(None))
        with reading(opened) as connection:
            return {tuple(row) for row in connection.execute(query)}


ALL = {
    "sis": {"vendor": "mini-sis", "authority": 10},
    "lms": {"vendor": "mini-lms"},
    "tests": {"vendor": "mini-test"},
}


def a_hub(root: Path, specs: Path, sources: Mapping[str, Mapping[str, Any]] = ALL) -> Hub:
    return Hub(root, specs, {DISTRICT: sources})


def send_sis(hub: Hub, students: Iterable[Sequence[str]], district: str = DISTRICT, agency: int = 255901) -> None:
    hub.send("sis", "agencies.csv", as_csv(("Agency", "Name"), [(str(agency), district)]), district)
    hub.send("sis", "students.csv", as_csv(STUDENTS, students), district)


def send_all(hub: Hub, numbers: Sequence[int] = range(1, 9), district: str = DISTRICT, agency: int = 255901) -> None:
    send_sis(hub, [a_student(n) for n in numbers], district, agency)
    hub.send("lms", "people.csv", as_csv(PEOPLE, [a_person(n) for n in numbers]), district)
    hub.send("tests", "results.csv", as_csv(RESULTS, [a_result(n) for n in numbers]), district)


def work(specs: Path, vendor: str, scratch: Path | None = None, **more: Any) -> Work:
    """What `build_state` needs for one of the vendors."""
    source = load_source(vendor, specs)
    vocabulary = Vocabulary(descriptor_codes(specs))
    facts = {"schoolYear": YEAR, "localEducationAgencyId": 255901}
    return Work("src", source, load_entities(specs), vocabulary, {}, facts, scratch=scratch, **more)


def build(specs: Path, vendor: str, files: Sequence[tuple[str, bytes]], out: Path, **more: Any) -> StateSummary:
    """The SourceState of one delivery of these files, built in `out` with nothing beside it."""
    return build_state(work(specs, vendor, **more), [delivered(files, out.parent)], out)


def delivered(files: Sequence[tuple[str, bytes]], folder: Path, seq: int = 1) -> OpenedDelivery:
    opened = []
    for name, content in files:
        digest = hashlib.sha256(content).hexdigest()
        path = folder / f"{seq}-{digest[:16]}"
        path.write_bytes(content)
        opened.append(OpenedFile(name, path, digest))
    return OpenedDelivery(seq, NIGHT, tuple(opened))


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a parquet file in an order of their own; none where it is not there."""
    rows = pq.read_table(path).to_pylist() if path.is_file() else []
    return sorted(rows, key=lambda row: json.dumps(row, default=str, sort_keys=True))


def told(reconciled: Reconciliation) -> list[str]:
    """Every equation of the report that fails."""
    lines = (*reconciled.streams, *reconciled.entities, *reconciled.claims, *reconciled.store)
    return [fault for line in lines for fault in line.faults]


def unbalanced(counts: Iterable[Count]) -> list[Count]:
    """The counts that break the law of conservation."""
    return [
        c
        for c in counts
        if c.rows_in != c.accepted + c.held + sum(c.ignored.values())
        or min(c.accepted, c.held, *c.ignored.values()) < 0
    ]
