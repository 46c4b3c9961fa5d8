"""Staff and money by file: a night carries them to the published store, joined to schools and to staff."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
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
    local_education_agency_id: 1001
    years: [2027]
    sources:
      sis: {{vendor: oneroster-csv, path: "{roster}"}}
      hr: {{vendor: hr-staff, path: ./hr}}
      finance: {{vendor: finance-accounts, path: ./finance}}
"""
SCHOOLS = {"441003": "100101", "441004": "100101"}  # of the samples -> of the roster


@pytest.fixture
def settings(tmp_path: Path) -> config.Settings:
    for folder, vendor in (("hr", "hr-staff"), ("finance", "finance-accounts")):
        (tmp_path / folder).mkdir()
        for path in (SCHEMAS / "sources" / vendor / "sample").glob("*.csv"):
            text = path.read_text(encoding="utf-8")
            for old, new in SCHOOLS.items():
                text = text.replace(old, new)
            (tmp_path / folder / path.name).write_text(text, encoding="utf-8")
    roster = SCHEMAS / "sources/oneroster-csv/sample"
    (tmp_path / "hub.yaml").write_text(HUB_YAML.format(roster=f"{roster}/*.csv"))
    return config.load(tmp_path / "hub.yaml")


def test_staff_and_money_are_published(settings: config.Settings) -> None:
    run = pipeline.sync(settings, SLICE, now=NIGHT)
    assert (run.status, {s.source: s.status for s in run.sources}) == (
        "published", {"sis": "fresh", "hr": "fresh", "finance": "fresh"},
    )  # fmt: skip
    opened = pipeline.open_store(settings, "maple-hollow")
    (employed, left) = sorted(
        _rows(opened, "StaffEducationOrganizationEmploymentAssociation"), key=lambda r: str(r["staff_unique_id"])
    )
    assert (employed["staff_unique_id"], employed["annual_wage"], str(left["end_date"])) == (
        "T-100", 61250, "2025-11-30",
    )  # fmt: skip
    assert len(_rows(opened, "Credential")) == 2
    assert {
        r["education_organization_id"] for r in _rows(opened, "StaffEducationOrganizationAssignmentAssociation")
    } == {100101}
    (actual,) = _rows(opened, "LocalActual")
    assert (actual["amount"], str(actual["as_of_date"])) == (211374.55, "2025-10-31")
    (chart,) = _rows(opened, "ChartOfAccount")
    assert (chart["fund_code"], chart["function_code"], chart["object_code"]) == ("199", "11", "6119")
    for entity in ("LocalAccount", "LocalBudget", "LocalEncumbrance", "LocalPayroll", "LocalContractedStaff"):
        assert len(_rows(opened, entity)) == 1, entity
    held = {(h.entity, h.rule) for h in run.held if h.source in ("hr", "finance")}
    assert ("LocalActual", "type.number") in held
    assert ("Credential", "descriptor.unknown") in held


def _rows(opened: Any, entity: str) -> list[dict[str, Any]]:
    table = opened.table(entity)
    with reading(opened) as connection:
        found = connection.execute(
            select(table).where(table.c._source.in_(["hr", "finance"]), table.c._valid_to.is_(None))
        )
        return [dict(row._mapping) for row in found]
