"""What a class that has ended is said to have done: last month's attendance still finds it, and no other class."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from hub import config, pipeline
from hub.model import Slice
from hub.standards.specs import SCHEMAS
from hub.store.connect import reading

SLICE = Slice("maple-hollow", 2027)
NIGHT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HUB_YAML = """\
state: ./state
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 255901
    years: [2027]
    guard: {removed: 1.0, changed: 1.0}
    sources:
      sis: {vendor: oneroster-csv, path: ./sis}
      attendance: {vendor: sis-attendance, path: ./attendance}
"""
HEADER = "student_number,school_number,section_id,date,period,code,reason\n"


def _without(path: Path, mark: str) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if mark not in line))


def test_last_months_attendance_finds_a_class_that_has_ended(tmp_path: Path) -> None:
    shutil.copytree(SCHEMAS / "sources/oneroster-csv/sample", tmp_path / "sis")
    (tmp_path / "sis/expected.json").unlink()
    (tmp_path / "attendance").mkdir()
    (tmp_path / "hub.yaml").write_text(HUB_YAML)
    settings = config.load(tmp_path / "hub.yaml")
    (tmp_path / "attendance/attendance_1.csv").write_text(HEADER + "1001,100101,k-home,2026-10-05,1,P,\n")
    assert pipeline.sync(settings, SLICE, now=NIGHT).held == ()

    for name in ("classes", "enrollments"):
        _without(tmp_path / f"sis/{name}.csv", "k-home")
    late = (
        "1002,100101,k-home,2026-10-05,1,E,\n1002,100101,k-home,2027-03-01,1,P,\n1001,100101,k-none,2026-10-05,1,P,\n"
    )
    (tmp_path / "attendance/attendance_2.csv").write_text(HEADER + late)
    run = pipeline.sync(settings, SLICE, now=NIGHT + timedelta(days=1))
    assert [(h.field, h.rule, h.rows) for h in run.held] == [("section", "reference.unresolved", 2)]
    opened = pipeline.open_store(settings, SLICE.district)
    with reading(opened) as connection:
        table, sections = opened.table("StudentSectionAttendanceEvent"), opened.table("Section")
        columns = (table.c.student_unique_id, table.c.section_identifier, table.c.session_name)
        found = {tuple(row) for row in connection.execute(select(*columns).where(table.c._valid_to.is_(None)))}
        ended = connection.execute(
            select(sections.c.section_identifier).where(sections.c._valid_to.is_not(None))
        ).scalars()
        assert set(ended) == {"k-home"}
    assert found == {("1001", "k-home", "Fall"), ("1002", "k-home", "Fall")}
