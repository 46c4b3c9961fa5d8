"""A renamed column or file is proposed as what it is, is never applied unasked, and is read once a person agreed."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hub.cli import main
from hub.model import OpenedFile
from hub.standards.reading.fingerprint import alike, likeness, near
from hub.standards.reading.streams import columns_of, named
from hub.standards.specs import SCHEMAS
from hub.standards.vendors.contract import opened
from hub.standards.vendors.folders import vendors
from hub.standards.vendors.proposing import propose
from hub.standards.vendors.sources import load_source
from tests.sources.building import sample


def _headers() -> list[tuple[str, OpenedFile, list[str]]]:
    """Every sample that has a header, of every vendor."""
    found = []
    for vendor in vendors(SCHEMAS):
        source = load_source(vendor)
        for file in opened(sample(vendor)):
            stream = named(source, file)
            columns = columns_of(file, stream) if stream else []
            if stream and len(columns) > 2 and likeness(columns, stream):
                found.append((vendor, file, columns))
    return found


HEADERS = _headers()
OTHER_SPELLINGS = [
    str.upper,
    lambda c: c.replace(" ", "_").replace("_", "-"),
    lambda c: f" {c}. ",
    lambda c: f"{c}s" if len(c) > 5 else c,
]


def test_the_samples_of_all_vendors_with_files_are_here() -> None:
    assert len({vendor for vendor, _, _ in HEADERS}) >= 15


@pytest.mark.parametrize(("vendor", "file", "columns"), HEADERS, ids=[f"{v}:{f.name}" for v, f, _ in HEADERS])
def test_any_one_renamed_column_is_named_and_never_another(vendor: str, file: OpenedFile, columns: list[str]) -> None:
    stream = named(load_source(vendor), file)
    assert stream is not None
    for place in random.Random(file.sha256).sample(range(len(columns)), min(len(columns), 25)):
        column = columns[place]
        if columns.count(column) > 1:
            continue
        layout = stream.options.get("renamed", {}).get(column, column)
        if layout not in stream.columns:
            continue
        for spell in OTHER_SPELLINGS:
            other = spell(column).strip()
            if other in (*columns, *stream.columns):
                continue
            like = likeness([*columns[:place], other, *columns[place + 1 :]], stream)
            assert like is not None
            assert like.columns == {other: layout}, other
        far = likeness([*columns[:place], "Qxz", *columns[place + 1 :]], stream)
        assert far is not None
        assert far.columns == {}
        needed = layout not in stream.options.get("optional", ()) and layout in stream.options["layouts"][far.version]
        assert set(far.lost) == ({layout} if needed else set())
        assert far.unknown == ("Qxz",)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Test Score", "Test Date"), ("First Name", "Last Name"), ("Goal1Name", "Goal2Name"), ("Start Date", "End Date")],
)
def test_columns_that_only_look_alike_are_not_taken_for_each_other(one: str, other: str) -> None:
    assert near([one], [other]) == {}


def test_of_two_that_are_equally_near_neither_is_taken() -> None:
    assert near(["Score A", "Score B"], ["Score"]) == {}
    assert alike("Scale Score 2025", "Scale Score 2026") == 1.0


def test_a_first_line_that_may_be_a_student_is_told_of_nothing(tmp_path: Path) -> None:
    source = load_source("nwea-map-growth")
    lines = sample("nwea-map-growth")[0].read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "map.csv").write_text("".join(lines[1:]), encoding="utf-8")
    assert propose(source, opened([tmp_path / "map.csv"])) == ()
    (tmp_path / "map.csv").write_text("".join(lines), encoding="utf-8")
    assert propose(source, opened([tmp_path / "map.csv"])) == ()


HUB_YAML = """\
state: ./state
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 1001
    years: [2026]
    sources:
      quizzes: {vendor: dibels-8, path: ./in}
"""


def _run(*words: str) -> tuple[int, Any]:
    done = CliRunner().invoke(main, [*words, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_a_person_confirms_once_and_the_landed_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_CONFIG", raising=False)
    (tmp_path / "hub.yaml").write_text(HUB_YAML, encoding="utf-8")
    (tmp_path / "in").mkdir()
    rows = list(csv.reader(io.StringIO(sample("dibels-8")[0].read_text(encoding="utf-8"))))
    stream = load_source("dibels-8").streams[0]
    column = next(c for c in rows[0] if c in stream.columns and c not in stream.options["optional"] and " " in c)
    rows[0][rows[0].index(column)] = column.upper().replace(" ", "_")
    with (tmp_path / "in/spring 2.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)

    code, (night,) = _run("sync")
    assert code == 1
    (proposal,) = night["sources"][0]["proposals"]
    assert proposal["columns"] == {column.upper().replace(" ", "_"): column}
    assert proposal["document"] == "sources/dibels-8/source.yaml"
    report = next((tmp_path / "state/runs").rglob("report.html")).read_text(encoding="utf-8")
    assert "hub source adopt quizzes" in report
    assert _run("source", "adopt", "quizzes")[1]["written"] == []
    assert not (tmp_path / "sources").exists()

    assert _run("source", "adopt", "quizzes", "--yes")[0] == 0
    written = (tmp_path / "sources/dibels-8/source.yaml").read_text(encoding="utf-8")
    assert written.startswith("vendor: dibels-8\nextends: dibels-8")
    _, (night,) = _run("sync")
    read = [c for c in night["counts"] if c["step"] == "normalize" and c["stream"] and not c["entity"]]
    assert sum(c["rows_in"] for c in read) == len(rows) - 1
    assert night["sources"][0]["proposals"] == []
    code, said = _run("source", "test", "dibels-8")
    assert (code, said["gaps"]) == (0, [])
