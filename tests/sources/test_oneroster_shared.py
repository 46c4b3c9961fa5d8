"""Three public OneRoster 1.1 packages go through whole. The numbers are explained beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.oneroster_package import build, opened

SETS = Path(__file__).parents[3] / "shared" / "data" / "oneroster"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SETS.is_dir(), reason="../shared/data/oneroster is not here"),
]
#: Rows of each file; rows made of each entity; what was mended.
EXPECTED = {
    # 72 students of one school without a district above it; 42 classes of one teacher each.
    "gospelnerd-school-small": (
        2027,
        {"academicSessions": 2, "classes": 42, "courses": 42, "demographics": 72, "enrollments": 546, "orgs": 1,
         "users": 79},
        {"School": 1, "Session": 1, "Section": 42, "CourseOffering": 42, "Student": 72, "StudentSchoolAssociation": 72,
         "Staff": 7, "StudentSectionAssociation": 504, "StaffSectionAssociation": 42,
         "StudentIdentificationCode": 2 * 72},
        # every row is `active` with a date in a bulk package; both sessions are of "2026-2027"; no first days
        {"oneroster.bulk.status_filled": 784, "oneroster.year.range": 2, "oneroster.entry_date.derived": 72 + 7},
    ),
    # A district of eight schools that share 91 courses: 266 offerings are courses times the schools that teach them.
    "gospelnerd-district-medium": (
        2027,
        {"academicSessions": 2, "classes": 364, "courses": 91, "demographics": 778, "enrollments": 5810, "orgs": 9,
         "users": 837},
        {"LocalEducationAgency": 1, "School": 8, "Session": 8, "Section": 364, "CourseOffering": 266, "Student": 778,
         "Staff": 59, "StudentSectionAssociation": 5446, "StaffSectionAssociation": 364,
         "StaffEducationOrganizationAssignmentAssociation": 59, "StaffSchoolAssociation": 58},  # one is of the district
        {"oneroster.bulk.status_filled": 7891, "oneroster.year.range": 2, "oneroster.entry_date.derived": 778 + 59},
    ),
    # Two classes of two semesters are four sections; its manifest went through a spreadsheet ("1" for "1.0"); the last
    # two users have a blank field behind the last column.
    "lms-toolkit-or11": (
        2021,
        {"academicSessions": 3, "classes": 2, "courses": 2, "demographics": 8, "enrollments": 24, "orgs": 2,
         "users": 10},
        {"LocalEducationAgency": 1, "School": 1, "Session": 2, "Section": 4, "CourseOffering": 4, "ClassPeriod": 2,
         "Location": 2, "Student": 8, "StudentIdentificationCode": 2 * 8, "StudentSectionAssociation": 20,
         "StaffSectionAssociation": 4, "Staff": 2},
        {"oneroster.manifest.mismatch": 1, "oneroster.entry_date.derived": 10, "csv.blank_fields_behind": 2},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_public_package_goes_through_whole(name: str, tmp_path: Path) -> None:
    year, read, made, repairs = EXPECTED[name]
    state = build(tmp_path / "state", [opened(SETS / name)], year=year)
    assert state.held == []
    assert {c.stream: c.rows_in for c in state.summary.counts if not c.entity} == read
    for count in state.summary.counts:
        # the school year itself: no class meets in it, it is only the parent of the terms
        ignored = {"oneroster.session.unused": 1} if (count.stream, count.entity) == ("academicSessions", "") else {}
        assert count.ignored == ignored
        assert count.rows_in == count.accepted + sum(ignored.values())
    assert {entity: len(state.rows[entity]) for entity in made} == made
    assert state.summary.repairs == repairs
    assert state.summary.missing_files == ()


def test_the_zip_beside_the_files_gives_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "zip"
    folder.mkdir()
    archive = "oneroster-school-small.zip"
    (folder / archive).write_bytes((SETS / "gospelnerd-school-small" / archive).read_bytes())
    zipped = build(tmp_path / "a", [opened(folder)])
    plain = tmp_path / "plain"
    plain.mkdir()
    for path in (SETS / "gospelnerd-school-small").glob("*.csv"):
        (plain / path.name).write_bytes(path.read_bytes())
    assert zipped.rows == build(tmp_path / "b", [opened(plain)]).rows
