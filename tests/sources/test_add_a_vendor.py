"""The guide is true: a vendor folder made of its blocks alone, in a schemas folder of its own, works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from hub.standards.states.source_state import used_columns
from hub.standards.vendors.sources import load_source
from tests.sources.building import built
from tests.sources.test_contract import _plain, grammar, outcome

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-vendor.md"
BLOCK = re.compile(r"^`([a-z_/]+\.(?:csv|yaml|json))`\n\n```[a-z]+\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "schemas" / "sources" / "pebble"
    for name, text in BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return target


def test_the_folder_of_the_guide_does_what_the_guide_says(folder: Path, tmp_path: Path) -> None:
    source = load_source("pebble", folder.parents[1])
    expected = json.loads((folder / "sample" / "expected.json").read_text())
    state = built(source, expected["schoolYear"], [folder / "sample" / "pebble_quizzes.csv"], tmp_path / "state")
    assert outcome(state, expected["schoolYear"]) == expected
    fluent = next(r for r in state.rows["StudentAssessment"] if r["_row"] == 1)
    assert [s["result"] for s in fluent["scoreResults"]] == ["92", "97.5"]
    assert fluent["performanceLevels"] == [
        {
            "assessmentReportingMethodDescriptor": "uri://pebble.example/AssessmentReportingMethodDescriptor#Stage",
            "performanceLevelDescriptor": "uri://pebble.example/PerformanceLevelDescriptor#Fluent",
        }
    ]
    unrated = next(r for r in state.rows["StudentAssessment"] if r["_row"] == 3)
    assert {"scoreResults", "performanceLevels"}.isdisjoint(unrated)


def test_it_keeps_the_contract_and_holds_no_python(folder: Path) -> None:
    source = load_source("pebble", folder.parents[1])
    document = _plain(yaml.safe_load((folder / "source.yaml").read_text()))
    assert list(grammar().iter_errors(document)) == []
    (stream,) = source.streams
    assert set(stream.columns) == used_columns(source)[stream.name] | set(source.ignored[stream.name])
    assert {p.suffix for p in folder.rglob("*") if p.is_file()} == {".yaml", ".csv", ".json"}
