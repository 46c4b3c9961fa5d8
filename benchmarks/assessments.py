"""Row 1: an assessment file to Ed-Fi StudentAssessment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.goals import PEER_ROWS_PER_SECOND, PEER_START, Line
from benchmarks.measured import ROOT, Measured, run
from hub.demo.plan import Plan

VENDOR = "nwea-map-growth"
PEER = "earthmover 0.4.10: 5.4 s + 900 rows/s (not measured here)"


def lines(size: str, plan: Plan, work: Path) -> Iterator[Line]:
    """A MAP Growth file with a row per student, and a thirtieth of it, for what one more row costs."""
    few, many = max(10, plan.students // 30), plan.students
    small, large = (_measured(rows, work / str(rows)) for rows in (few, many))
    name = f"MAP Growth, {many:,} rows, imports and all"
    peer = PEER_START + many / PEER_ROWS_PER_SECOND
    yield Line(
        1, size, name, large[0].seconds, PEER, peer, peer / large[0].seconds, 100, at_most=False,
        peak_mb=large[0].peak_mb, cpu=large[0].cpu, said=f"{many / large[0].seconds:,.0f} rows/s",
    )  # fmt: skip
    more, cpu = large[0].seconds - small[0].seconds, large[0].cpu - small[0].cpu
    if more > small[0].seconds / 10:  # else it drowns in the imports
        marginal, each = (many - few) / more, (many - few) / PEER_ROWS_PER_SECOND
        yield Line(
            1, size, f"what {many - few:,} more rows cost", more, PEER, each, marginal / PEER_ROWS_PER_SECOND, 100,
            at_most=False, cpu=cpu, cpu_ratio=each / cpu,
            said=f"{marginal:,.0f} rows/s, {(many - few) / cpu:,.0f} rows per CPU s",
        )  # fmt: skip
    yield Line(
        1, size, name, large[0].seconds, "DuckDB reads the file", large[1].seconds,
        large[0].seconds / large[1].seconds, None, peak_mb=large[0].peak_mb, cpu=large[0].cpu,
        cpu_ratio=large[0].cpu / large[1].cpu,
        said=f"DuckDB {large[1].peak_mb:,.0f} MB",
    )  # fmt: skip


def sample_paths() -> list[Path]:
    """Every vendor's sample file; of a package its folder."""
    files = (ROOT / "schemas" / "sources").glob("*/sample/*.csv")
    return sorted({p.parent if (p.parent / "manifest.csv").is_file() else p for p in files})


def samples(work: Path) -> Iterator[Line]:
    """Every vendor's sample, in a process that has started. The goal is one of files: a package has ten."""
    for path in sample_paths():
        folder = path if path.is_dir() else path.parent
        vendor = folder.parent.name
        year = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["schoolYear"]
        out = work / "sample" / f"{vendor}-{path.stem}"
        step = run("normalize", 3, vendor=vendor, path=path, out=out, warm=True, year=year)
        goal = None if path.is_dir() else 1
        yield Line(1, "sample", f"{vendor}/{path.name}", step.seconds, "one second", 1.0, step.seconds, goal,
                   peak_mb=step.peak_mb)  # fmt: skip


def _measured(rows: int, work: Path) -> tuple[Measured, Measured]:
    """(the hub's run, DuckDB's run)"""
    path = run("write_map", rows=rows, folder=work).said["path"]
    floor = run("read", 3, paths=[path])
    made = run("normalize", 3, vendor=VENDOR, path=path, out=work / "state")
    assert made.said["made"]["StudentAssessment"], "the file was held whole"
    shutil.rmtree(work)
    return made, floor
