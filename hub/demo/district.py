"""The fictional district: what its systems send on a night. Same plan and night, same bytes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from hub.demo import map_growth, oneroster
from hub.demo.package import manifest, write_csv, write_folder, zip_folder
from hub.demo.plan import CHARTER, CONSORTIUM, DEMO, Plan
from hub.demo.roster import Roster, roster

__all__ = ["CHARTER", "CONSORTIUM", "DEMO", "Plan", "write_night"]

SIS = "Hollow SIS"


def write_night(plan: Plan, out: Path, night: int = 1, *, faults: bool = False) -> dict[str, Path]:
    """Write what every system sends on night `night`; gives source name -> its folder under `out`."""
    now = roster(plan, night)
    folder = out / "sis" / "package"
    write_folder(sis_tables(now), folder)
    zip_folder(folder, out / "sis" / "oneroster.zip")
    write_csv(map_growth.tests(now), out / "map" / f"map_growth_fall_{plan.year_title}.csv")
    return {name: out / name for name in ("sis", "map")}


def sis_tables(now: Roster) -> dict[str, pa.Table]:
    """The SIS's OneRoster 1.1 bulk package; bulk leaves status and dateLastModified blank."""
    tables = {
        "academicSessions": oneroster.academic_sessions(now.plan),
        "classes": oneroster.classes(now),
        "courses": oneroster.courses(now.plan),
        "demographics": oneroster.demographics(now),
        "enrollments": oneroster.enrollments(now),
        "orgs": oneroster.orgs(now.plan),
        "users": oneroster.users(now),
    }
    return {"manifest": manifest("1.1", dict.fromkeys(tables, "bulk"), SIS), **tables}
