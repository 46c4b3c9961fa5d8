"""What a played hub is made of: its configuration, its runs, the call of its command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from click.testing import Result

from hub.model import Run, Slice, SourceOutcome

CONFIG = """\
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 255901
    years: [2026, 2027]
    sources:
      sis: {vendor: oneroster-csv, path: ./incoming/sis}
  birch-creek:
    name: Birch Creek
    local_education_agency_id: 255902
    years: [2027]
    sources:
      lms: {vendor: oneroster-csv, path: ./incoming/lms}
schedule: {cron: "0 2 * * *", timezone: America/Chicago}
"""
Hub = Callable[..., Result]


def a_run(slice: Slice, id: str = "20261122T020000Z-1a2b3c", **more: Any) -> Run:
    began = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    return Run(**{"id": id, "district": slice.district, "year": slice.year, "started": began, "finished": began} | more)


def an_outcome(status: str = "fresh", **more: Any) -> SourceOutcome:
    return SourceOutcome(**{"source": "sis", "vendor": "oneroster-csv", "status": status} | more)
