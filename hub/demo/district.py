"""The fictional district: what its systems send on a night. Same plan and night, same bytes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from hub.demo import college_board, gradebook, iready, lms, map_growth, oneroster
from hub.demo.attendance import attendance
from hub.demo.edfi import write_edfi
from hub.demo.faults import (
    FAULTS,
    cut_in_half,
    empty_school,
    kinds,
    make_ragged,
    spoil_attendance,
    spoil_map,
    spoil_sis,
)
from hub.demo.map_growth import copies
from hub.demo.package import manifest, write_csv, write_folder, zip_folder
from hub.demo.plan import CHARTER, CONSORTIUM, DEMO, Plan
from hub.demo.roster import Roster, roster

__all__ = [
    "CHARTER", "CONSORTIUM", "DEMO", "FAULTS", "Plan", "SOURCES", "copies", "write_night", "write_nightly",
    "write_standing",
]  # fmt: skip

SOURCES = ("sis", "lms", "attendance", "map", "iready", "sat", "edfi")
SIS, LMS = "Hollow SIS", "Hollow Classroom"


def write_night(plan: Plan, out: Path, night: int = 1, *, faults: bool | Collection[str] = False) -> dict[str, Path]:
    """Write what every system sends on night `night` (1, 2, ...); gives source name -> its folder under `out`.

    SIS, LMS, assessment and Ed-Fi files say everything known so far; attendance says the one day. `faults` makes it
    a bad night: True for all of FAULTS, or the kinds wanted (KeyError for an unknown one).
    """
    now, wrong = roster(plan, night), kinds(faults)
    _write_package(spoil_sis(plan, sis_tables(now), wrong), out / "sis", "1.1", SIS)
    _write_package(empty_school(plan, lms.tables(now), wrong), out / "lms", "1.2", LMS)
    marks = spoil_attendance(attendance(now, night), wrong)
    write_csv(marks, out / "attendance" / f"attendance_{plan.day(night)}.csv")
    _write_map(now, out / "map" / f"map_growth_fall_{plan.year_title}.csv", wrong)
    diagnostics = _write_iready(now, out / "iready")
    if "iready_unreadable_zip" in wrong:
        cut_in_half(diagnostics)
    for name, form in college_board.FORMS.items():
        write_csv(college_board.scores(now, form), out / "sat" / f"{name}.csv")
    write_edfi(now, out / "edfi")
    return {name: out / name for name in SOURCES}


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


def _write_package(tables: Mapping[str, pa.Table], folder: Path, version: str, system: str) -> Path:
    unpacked = folder / "unpacked"
    write_folder({"manifest": manifest(version, dict.fromkeys(tables, "bulk"), system), **tables}, unpacked)
    return zip_folder(unpacked, folder / "oneroster.zip")


def _write_map(now: Roster, path: Path, wrong: Collection[str]) -> None:
    plan = now.plan
    year = replace(plan, year=plan.year - 1) if "map_last_year" in wrong else plan
    write_csv(spoil_map(plan, map_growth.tests(replace(now, plan=year)), wrong), path)
    if "map_ragged_rows" in wrong:
        make_ragged(path)


def _write_iready(now: Roster, folder: Path) -> Path:
    unpacked = folder / "unpacked"
    for subject in ("ela", "math"):
        write_csv(iready.diagnostics(now, subject), unpacked / f"diagnostic_results_{subject}.csv", bom=True)
    return zip_folder(unpacked, folder / "iready_diagnostics.zip")
