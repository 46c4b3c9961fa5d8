"""The benchmarks run and say what they measured; no time is a test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.assessments import sample_paths
from benchmarks.goals import HEADINGS, Line, as_json, markdown
from benchmarks.measured import run

ROOT = Path(__file__).parents[2]


def test_a_line_is_met_by_its_ratio_and_the_direction_of_its_goal() -> None:
    def met(ratio: float | None, goal: float | None, at_most: bool) -> bool | None:
        return Line(1, "", "", 1.0, "", 1.0, ratio, goal, at_most).met

    assert met(5, 5, True) is True
    assert met(5.1, 5, True) is False
    assert met(120, 100, False) is True
    assert met(80, 100, False) is False
    assert met(None, 5, True) is None
    assert met(7, None, True) is None


def test_the_table_has_a_row_per_line_and_the_json_every_field() -> None:
    lines = [
        Line(3, "charter", "night", 12.3, "floor", 4.1, 3.0, 5, peak_mb=900),
        Line(2, "", "not yet", *[None, "", None, None, None]),
    ]
    text = markdown(lines).splitlines()
    assert len(text) == 2 + len(lines)
    assert {len(row) for row in text} == {len(text[0])}
    assert [cell.strip() for cell in text[0].strip("|").split("|")] == list(HEADINGS)
    assert "3.00" in text[2]
    assert "yes" in text[2]
    assert json.loads(json.dumps(as_json(lines[0])))["met"] is True


def test_the_files_of_a_package_are_one_sample(tmp_path: Path) -> None:
    (package,) = [path for path in sample_paths() if path.is_dir()]
    vendor = package.parent.name
    made = run("normalize", vendor=vendor, path=package, out=tmp_path / "state").said["made"]
    assert {"Student", "Section", "StudentSectionAssociation"} <= made.keys()
    assert len({path.parents[1].name for path in sample_paths() if path.is_file()}) > 15


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_tiny_district_is_measured_against_its_floors(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--size", "tiny", "--row", "2", "--row", "3", "--row", "4"]
    done = subprocess.run(
        [*command, "--no-postgres", "--json", "--work", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = json.loads(done.stdout)["lines"]
    assert {line["row"] for line in lines} == {2, 3, 4}
    assert all(line["peak_mb"] > 0 and line["cpu"] > 0 for line in lines)
    assert [line["work"] for line in lines if line["ratio"] is None] == ["start of a night: imports"]
    assert not list(tmp_path.iterdir()), "what was measured is deleted"
