"""Row 2: `hub validate` of a whole feed, all rules, beside the least that anyone who reads it has to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.goals import Line
from benchmarks.measured import Measured, run
from hub.demo.plan import Plan

EDFI_STUDENTS = 10_500  # 52 MB


def lines(size: str, plan: Plan, work: Path) -> Iterator[Line]:
    """The SIS's OneRoster package of the first night; the consortium's has a million enrollments."""
    folder = work / f"{size}-feeds"
    run("write", plan=asdict(plan), folder=folder, night=1, what="standing")
    package = folder / "sis"
    floor = run("read", 3, paths=sorted(package.glob("*.csv")))
    yield _line(size, "OneRoster package", run("validate", 3, path=package), "DuckDB reads the files", floor, 3)
    shutil.rmtree(folder)
    documents = work / "edfi-documents"
    run("write_edfi", folder=documents, students=min(plan.students, EDFI_STUDENTS))
    floor = run("xsd", 3, paths=sorted(documents.glob("*.xml")))
    yield _line(size, "Ed-Fi documents", run("validate", 3, path=documents), "lxml validates by XSD", floor, 1.5)
    shutil.rmtree(documents)


def _line(size: str, work: str, made: Measured, floor: str, least: Measured, goal: float) -> Line:
    return Line(
        2, size, f"{work}, all rules, {made.said['rows']:,} rows", made.seconds, floor, least.seconds,
        made.seconds / least.seconds, goal, peak_mb=made.peak_mb, cpu=made.cpu,
        cpu_ratio=made.cpu / least.cpu, said=f"{made.cpu:.2f} CPU s, floor {least.cpu:.2f}",
    )  # fmt: skip
