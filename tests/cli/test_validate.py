"""`hub validate`: exit codes, the JSON contract, formats, and no value unless it is asked for."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "validation"))
from oneroster_package import clean

CANARY = "Canaryworth"


def hub(*arguments: str | Path, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["validate", *map(str, arguments)], input=given, env={"COLUMNS": "80"})


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    package = clean("1.1").only("orgs", "academicSessions")
    package.set("orgs", 2, type=CANARY)
    return package.zip(tmp_path / "feed.zip")


def test_exit_codes(broken: Path, tmp_path: Path) -> None:
    good = clean("1.1").only("orgs", "academicSessions").zip(tmp_path / "good.zip")
    (tmp_path / "letter.txt").write_text("Dear all")
    (tmp_path / "cut.zip").write_bytes(broken.read_bytes()[:200])
    assert hub(good).exit_code == 0
    assert hub(broken).exit_code == 1
    assert {hub(tmp_path / n).exit_code for n in ("letter.txt", "cut.zip", "gone.zip")} == {2}
    wrong = ((), (good, "--profile", "kind"), (good, "--version", "9"), ("--explain", "no.rule"))
    assert {hub(*arguments).exit_code for arguments in wrong} == {3}


def test_json_is_the_contract(broken: Path) -> None:
    told = json.loads(hub(broken, "--format", "json").stdout)
    assert list(told) == ["standard", "version", "profile", "conforms", "files", "summary", "findings"]
    assert told["files"] == [{"name": "academicSessions.csv", "rows": 3}, {"name": "orgs.csv", "rows": 3}]
    assert told["summary"] == {"errors": 1, "warnings": 0}
    [finding] = told["findings"]
    assert set(finding) == {
        "rule", "stage", "severity", "file", "row", "column", "message", "clause", "remedy", "count"
    }  # fmt: skip
    assert (finding["rule"], finding["row"], finding["column"]) == ("oneroster.vocabulary.unknown", 2, "type")


@pytest.mark.parametrize("form", ["text", "json", "html", "csv", "junit"])
def test_a_value_is_shown_only_when_asked_for(broken: Path, form: str, tmp_path: Path) -> None:
    assert CANARY not in hub(broken, "--format", form).output
    hub(broken, "--format", form, "--show-values", "--out", tmp_path / "out")
    assert CANARY in (tmp_path / "out").read_text()


def test_text_fits_80_columns_and_junit_is_xml(broken: Path) -> None:
    assert max(map(len, hub(broken).output.splitlines())) <= 80
    suite = ET.fromstring(hub(broken, "--format", "junit").stdout)[0]
    assert (suite.get("failures"), suite[0].get("name")) == ("1", "oneroster.vocabulary.unknown")


def test_standard_input_and_explain(broken: Path) -> None:
    assert hub("-", given=broken.read_bytes()).exit_code == 1
    told = hub("--explain", "oneroster.type.date")
    assert told.exit_code == 0
    assert "YYYY-MM-DD" in told.output
    assert "strict" in told.output
