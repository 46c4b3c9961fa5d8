"""`hub source probe` tells what a system offers and what shape it has, and no value of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from tests.connectors.edfi_server import EdFi
from tests.connectors.hostile import CANARY, Hostile, serving
from tests.connectors.oneroster_server import ENVIRONMENT, district, lists, path_of
from tests.connectors.test_edfi import district as edfi_district
from tests.connectors.test_edfi import served, student
from tests.connectors.token_server import SECRET
from tests.sources.oneroster_package import gradebook, roster


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hostile]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    tables = roster() | gradebook()
    for user in tables["users"]:
        user["familyName"] = CANARY
    with serving(Hostile(lists(tables), auth="oauth2")) as running:
        yield running


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["source", "probe", "--config", str(folder / "hub.yaml"), *words])


def streams(result: Result) -> dict[str, dict[str, Any]]:
    return {s["stream"]: s for s in json.loads(result.stdout)[0]["streams"]}


def test_shapes_and_counts_without_a_value(tmp_path: Path, server: Hostile) -> None:
    district(tmp_path, server)
    found = run(tmp_path, "--json")
    assert found.exit_code == 0, found.output
    said = streams(found)
    assert said["users"]["rows"] == 3
    assert said["users"]["columns"]["orgs[*].sourcedId"] == "text"
    assert said["users"]["columns"]["metadata"] == "nothing"
    assert (said["resources"]["status"], said["users"]["status"]) == ("empty", "answers")
    for result in (found, run(tmp_path)):
        assert not [word for word in (CANARY, SECRET, "u-ada") if word in result.output]
    assert len([p for p, _ in server.asked if p == path_of("users")]) == 2  # one page a look
    assert not (tmp_path / "state").exists()


def test_one_list_that_fails_is_told_and_the_others_are_looked_at(tmp_path: Path, server: Hostile) -> None:
    district(tmp_path, server)
    server.misbehave(path_of("users"), "refused")
    del server.lists[path_of("results")]
    del server.lists[path_of("courses")]
    found = run(tmp_path, "--json")
    assert found.exit_code == 1
    said = streams(found)
    assert "credentials" in said["users"]["message"]
    assert "skip" in said["courses"]["remedy"]
    assert said["results"]["status"] == "not offered"
    assert said["classes"]["status"] == "answers"


def test_the_resources_of_an_ed_fi_api(tmp_path: Path, server: Hostile) -> None:
    edfi = EdFi()
    for number in range(30):
        edfi.put("students", student(number))
    with serving(served(edfi)) as ods:
        edfi_district(tmp_path, ods)
        said = streams(run(tmp_path, "--json"))
    assert (said["Student"]["status"], said["School"]["status"]) == ("answers", "not offered")
    assert said["Student"]["columns"]["studentUniqueId"] == "text"


def test_files_and_folders_that_are_not_there(tmp_path: Path, server: Hostile) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "users.csv").write_text("a,b\n")
    text = "state: ./state\ndistricts:\n  a:\n    name: A\n    local_education_agency_id: 1\n    years: [2027]\n"
    text += "    sources:\n"
    (tmp_path / "hub.yaml").write_text(text + "      sis: {vendor: oneroster-csv, path: ./in}\n")
    said = streams(run(tmp_path, "--json"))
    assert said.keys() == {"users.csv"}
    assert said["users.csv"]["rows"] is None  # listed, not opened: 0 would say that it is empty
    (tmp_path / "hub.yaml").write_text(text + "      sis: {vendor: oneroster-csv, path: ./gone}\n")
    assert run(tmp_path).exit_code == 1
    assert run(tmp_path, "--source", "lms").exit_code == 3
