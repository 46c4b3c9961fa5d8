"""Rows 3 to 5: nights of a district, from the files as they came to the committed store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.goals import Line
from benchmarks.measured import Measured, run
from hub.demo.plan import Plan

_HUB_YAML = """\
state: ./state
store: {store}
districts:
  measured:
    name: Measured
    local_education_agency_id: 255901
    years: [{year}]
    sources:
      sis: {{vendor: oneroster-csv, path: ./in/sis}}
      lms: {{vendor: oneroster-csv, path: ./in/lms}}
      attendance: {{vendor: sis-attendance, path: ./in/attendance}}
      map: {{vendor: nwea-map-growth, path: ./in/map}}
"""
MEMORY_MB = 4096


class District:
    """A folder with the district's files, hub.yaml and state; a night is the files written and one sync."""

    def __init__(self, plan: Plan, folder: Path, store: str = "sqlite") -> None:
        self.plan, self.folder, self.store = plan, folder, store
        folder.mkdir(parents=True)
        address = "sqlite" if store == "sqlite" else "{url_env: HUB_BENCHMARK_STORE}"
        (folder / "hub.yaml").write_text(_HUB_YAML.format(store=address, year=plan.year), encoding="utf-8")

    @property
    def files(self) -> list[Path]:
        return sorted((self.folder / "in").rglob("*.csv"))

    def standing(self, night: int) -> None:
        run("write", plan=asdict(self.plan), folder=self.folder / "in", night=night, what="standing")

    def nightly(self, night: int) -> None:
        for name in ("attendance", "lms", "map"):
            shutil.rmtree(self.folder / "in" / name, ignore_errors=True)
        run("write", plan=asdict(self.plan), folder=self.folder / "in", night=night, what="nightly")

    def shuffle(self) -> None:
        run("shuffle", folder=self.folder / "in")

    def sync(self) -> Measured:
        return run("sync", config=self.folder / "hub.yaml")

    def floor(self, night: Measured) -> Measured:
        """DuckDB reads the same files once and the same changed rows go into empty tables of the same store."""
        read = run("read", paths=self.files)
        changes = self.folder / "state" / "runs" / "measured" / str(self.plan.year) / night.said["run"] / "changes"
        scratch = self.folder / "floor"
        insert = run("insert", changes=changes, store=self.store, scratch=scratch)
        shutil.rmtree(scratch, ignore_errors=True)
        parts = {"read": read.seconds, "insert": insert.seconds, "rows": read.said["rows"]}
        peak = max(read.peak_mb, insert.peak_mb)
        return Measured(read.seconds + insert.seconds, peak, read.cpu + insert.cpu, parts)


def lines(size: str, plan: Plan, work: Path, store: str = "sqlite") -> Iterator[Line]:
    """First load (set-up), a night over the same SIS package, a night over a new export of it, and quiet nights.

    Ratios leave out the start of a night, its imports: they have a line of their own.
    """
    kind = "SQLite" if store == "sqlite" else "PostgreSQL"
    begin = run("start", 3)
    district = District(plan, work / f"{size}-{kind}", store)
    district.standing(1)
    district.nightly(1)
    yield _start(size, begin)
    yield _night(begin, size, f"first load, {kind}", district, goal=None)
    district.nightly(2)
    yield _night(begin, size, f"night: SIS as before + new rows, {kind}", district)
    district.standing(3)
    district.nightly(3)
    yield _night(begin, size, f"night: SIS exported anew + new rows, {kind}", district)
    if store == "sqlite":
        yield _unchanged(size, district)
        district.shuffle()
        yield _shuffled(begin, size, district)
    shutil.rmtree(district.folder)


def growth(plan: Plan, work: Path) -> Iterator[Line]:
    """The same nights of a district with ten times the students."""
    ten = replace(plan, students=plan.students * 10, schools=plan.schools * 10)
    found = {}
    for name, each in (("1x", plan), ("10x", ten)):
        district = District(each, work / f"growth-{name}")
        district.standing(1)
        district.nightly(1)
        first = district.sync()
        district.nightly(2)
        found[name] = {"first load": first, "night": district.sync()}
        shutil.rmtree(district.folder)
    for what, one in found["1x"].items():
        more = found["10x"][what]
        yield Line(
            5, f"{plan.students:,} x 10", f"{what}, 10x the rows", more.seconds, "1x the rows", one.seconds,
            more.seconds / one.seconds, 11, peak_mb=more.peak_mb, cpu=more.cpu, cpu_ratio=more.cpu / one.cpu,
            said=f"1x {one.peak_mb:,.0f} MB; {_phases(more)}",
        )  # fmt: skip


def _start(size: str, begin: Measured) -> Line:
    return Line(3, size, "start of a night: imports", begin.seconds, "", None, None, None, peak_mb=begin.peak_mb,
                cpu=begin.cpu)  # fmt: skip


def _ratios(begin: Measured, night: Measured, floor: Measured) -> tuple[float, float | None]:
    """Of seconds and of CPU seconds, what it takes to start left out."""
    cpu = (night.cpu - begin.cpu) / floor.cpu if floor.cpu else None
    return (night.seconds - begin.seconds) / floor.seconds, cpu


def _night(begin: Measured, size: str, work: str, district: District, goal: float | None = 5) -> Line:
    night = district.sync()
    floor = district.floor(night)
    ratio, cpu = _ratios(begin, night, floor)
    said = f"{floor.said['rows']:,} rows read, {night.said['written']:,} written, {night.said['held']:,} held"
    parts = f"read {floor.said['read']:.1f} + insert {floor.said['insert']:.1f} (CPU {floor.cpu:.1f})"
    memory = "" if night.peak_mb < MEMORY_MB else f"; OVER {MEMORY_MB} MB"
    return Line(
        3, size, work, night.seconds, f"DuckDB {parts}", floor.seconds, ratio, goal, peak_mb=night.peak_mb,
        cpu=night.cpu, cpu_ratio=cpu, said=f"{said}{memory}; {_phases(night)}",
    )  # fmt: skip


def _unchanged(size: str, district: District) -> Line:
    night = district.sync()
    assert night.said["status"] == "unchanged", night.said
    floor = run("digest", 3, paths=district.files)
    ratio, cpu = _ratios(run("start", 3, judging=False), night, floor)
    return Line(
        4, size, "night without a change: same bytes", night.seconds, "SHA-256 of the files", floor.seconds, ratio, 2,
        peak_mb=night.peak_mb, cpu=night.cpu, cpu_ratio=cpu, said=_phases(night),
    )  # fmt: skip


def _shuffled(begin: Measured, size: str, district: District) -> Line:
    night = district.sync()
    assert night.said["written"] == 0, night.said
    floor = run("read", paths=district.files)
    ratio, cpu = _ratios(begin, night, floor)
    return Line(
        4, size, "night without a change: same rows, other order", night.seconds, "DuckDB reads the files",
        floor.seconds, ratio, 2, peak_mb=night.peak_mb, cpu=night.cpu, cpu_ratio=cpu, said=_phases(night),
    )  # fmt: skip


def _phases(night: Measured, most: int = 6) -> str:
    longest = list(night.said["phases"].items())[:most]
    return ", ".join(f"{label} {seconds:.1f} s" for label, seconds in longest)
