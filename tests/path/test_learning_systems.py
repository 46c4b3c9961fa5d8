"""A learning system's marks reach the record by the ids that the district gave its students and classes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from connectors.google_server import address, google, key, key_file
from sqlalchemy import select

from hub import config, pipeline
from hub.model import Run, Slice
from hub.standards.specs import SCHEMAS
from hub.store.connect import reading

__all__ = ["google", "key", "key_file"]

SLICE = Slice("maple-hollow", 2027)
NIGHT = datetime(2026, 9, 20, 2, 0, tzinfo=UTC)
HUB_YAML = """\
state: ./state
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 255901
    years: [2027]
    sources:
      sis: {{vendor: oneroster-csv, path: {roster}}}
      ids: {{vendor: id-crosswalk, path: ./ids}}
      classroom:
        vendor: google-classroom
        url: {url}
        auth: {{key_file: ./key.json, subject: admin@example.org}}
        options: {{timezone: America/Chicago, section_alias: "d:"}}
"""
COURSE = {"courseId": "700001"}
LISTS = {
    "courses": [{"id": "700001"}, {"id": "700002"}],
    "700001/aliases": [{"alias": "d:k-read"}, {"alias": "p:reading"}],
    "700001/courseWork": [
        {**COURSE, "id": "1", "title": "Sounds", "workType": "ASSIGNMENT", "maxPoints": 10,
         "creationTime": "2026-09-02T02:00:00Z", "dueDate": {"year": 2026, "month": 9, "day": 10},
         "dueTime": {"hours": 4, "minutes": 59}},
    ],
    "700001/studentSubmissions": [
        {**COURSE, "courseWorkId": "1", "id": "a", "userId": "600001", "state": "RETURNED", "assignedGrade": 9},
        {**COURSE, "courseWorkId": "1", "id": "b", "userId": "699999", "state": "NEW"},
    ],
}  # fmt: skip


@pytest.fixture
def settings(google: Any, key_file: Path, tmp_path: Path) -> config.Settings:
    google.lists = LISTS
    (tmp_path / "ids").mkdir()
    (tmp_path / "ids/ids.csv").write_text("student_unique_id,system,code\n1001,Google,600001\n")
    roster = SCHEMAS / "sources/oneroster-csv/sample"
    (tmp_path / "hub.yaml").write_text(HUB_YAML.format(url=address(google), roster=f"{roster}/*.csv"))
    return config.load(tmp_path / "hub.yaml")


def outcome(run: Run) -> Any:
    return next(s for s in run.sources if s.source == "classroom")


@pytest.mark.slow
def test_work_finds_its_class_and_marks_find_their_student(settings: config.Settings, google: Any) -> None:
    run = pipeline.sync(settings, SLICE, now=NIGHT)
    assert (run.status, outcome(run).status, outcome(run).message) == ("published", "fresh", "")
    opened = pipeline.open_store(settings, "maple-hollow")
    (entry,) = _rows(opened, "GradebookEntry")
    assert (entry["section_identifier"], entry["school_id"] is not None) == ("k-read", True)
    assert (str(entry["date_assigned"]), str(entry["due_date"]), entry["due_time"]) == (
        "2026-09-01", "2026-09-09", "23:59:00",
    )  # fmt: skip
    (mark,) = _rows(opened, "StudentGradebookEntry")
    assert (mark["student_unique_id"], mark["points_earned"]) == ("1001", 9)
    held = [(h.entity, h.rule, h.rows) for h in run.held if h.source == "classroom"]
    assert held == [("StudentGradebookEntry", "identity.unknown", 1)]

    google.wrong = {0: 500}
    away = pipeline.sync(settings, SLICE, now=NIGHT)
    assert (away.status, outcome(away).status) == ("unchanged", "failed")
    assert len(_rows(opened, "StudentGradebookEntry")) == 1

    google.wrong = {}
    google.lists = {
        **LISTS,
        "700001/studentSubmissions": [{**LISTS["700001/studentSubmissions"][0], "assignedGrade": 10}],
    }
    later = pipeline.sync(settings, SLICE, now=NIGHT)
    assert later.status == "published"
    (mark,) = _rows(opened, "StudentGradebookEntry")
    assert mark["points_earned"] == 10


def _rows(opened: Any, entity: str) -> list[dict[str, Any]]:
    """Current rows of the learning system."""
    table = opened.table(entity)
    with reading(opened) as connection:
        found = connection.execute(select(table).where(table.c._source == "classroom", table.c._valid_to.is_(None)))
        return [dict(row._mapping) for row in found]
