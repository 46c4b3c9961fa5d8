"""The fictional district: what its systems send on a night. Same plan and night, same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from hub.demo import gradebook, lms, map_growth, oneroster
from hub.demo.attendance import attendance
from hub.demo.package import manifest, write_csv, write_folder, zip_folder
from hub.demo.plan import CHARTER, CONSORTIUM, DEMO, Plan
from hub.demo.roster import Roster, roster

__all__ = ["CHARTER", "CONSORTIUM", "DEMO", "Plan", "write_night", "write_nightly", "write_standing"]

SIS, LMS = "Hollow SIS", "Hollow Classroom"


def write_night(plan: Plan, out: Path, night: int = 1, *, faults: bool = False) -> dict[str, Path]:
    """Write what every system sends on night `night` (1, 2, ...); gives source name -> its folder under `out`.

    SIS, LMS and assessment files say everything known so far; attendance says the one day.
    """
    now = roster(plan, night)
    _write_package(sis_tables(now), out / "sis", "1.1", "bulk", SIS)
    _write_package(lms.tables(now), out / "lms", "1.2", "bulk", LMS)
    write_csv(attendance(now, night), out / "attendance" / f"attendance_{plan.day(night)}.csv")
    write_csv(map_growth.tests(now), out / "map" / f"map_growth_fall_{plan.year_title}.csv")
    return {name: out / name for name in ("sis", "lms", "attendance", "map")}


def write_standing(plan: Plan, out: Path, night: int = 1) -> dict[str, Path]:
    """Write the rows that a night re-reads: the SIS's bulk package as a folder of CSV files, sis/."""
    tables = sis_tables(roster(plan, night))
    write_folder({"manifest": manifest("1.1", dict.fromkeys(tables, "bulk"), SIS), **tables}, out / "sis")
    return {"sis": out / "sis"}


def write_nightly(plan: Plan, out: Path, night: int) -> dict[str, Path]:
    """Write the rows that are new on one night: attendance, LMS delta (a folder) and MAP Growth results."""
    now = roster(plan, night)
    write_csv(attendance(now, night), out / "attendance" / f"attendance_{plan.day(night)}.csv")
    tables = lms.delta(now)
    write_folder({"manifest": manifest("1.2", dict.fromkeys(tables, "delta"), LMS), **tables}, out / "lms")
    write_csv(map_growth.nightly(now), out / "map" / f"map_growth_{plan.day(night)}.csv")
    return {name: out / name for name in ("attendance", "lms", "map")}


def sis_tables(now: Roster) -> dict[str, pa.Table]:
    """The SIS's OneRoster 1.1 bulk package; bulk leaves status and dateLastModified blank."""
    return {
        "academicSessions": oneroster.academic_sessions(now.plan),
        "categories": gradebook.categories(now.plan),
        "classes": oneroster.classes(now),
        "courses": oneroster.courses(now.plan),
        "demographics": oneroster.demographics(now),
        "enrollments": oneroster.enrollments(now),
        "lineItems": gradebook.exams(now),
        "orgs": oneroster.orgs(now.plan),
        "results": gradebook.exam_results(now),
        "users": oneroster.users(now),
    }


def _write_package(tables: Mapping[str, pa.Table], folder: Path, version: str, mode: str, system: str) -> Path:
    unpacked = folder / "unpacked"
    write_folder({"manifest": manifest(version, dict.fromkeys(tables, mode), system), **tables}, unpacked)
    return zip_folder(unpacked, folder / "oneroster.zip")
