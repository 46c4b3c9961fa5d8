"""The runs of a hub.yaml on the page: read only, on loopback only, each with its report."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from served import Server, serving

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
import report_sample as sample

from hub import store

CONFIG = f"""\
state: ./state
districts:
  {sample.run().district}:
    name: Sample
    local_education_agency_id: 1001
    years: [{sample.run().year}]
    sources:
      sis: {{vendor: oneroster-csv, path: ./incoming}}
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "hub.yaml").write_text(CONFIG)
    opened = store.open_store("sqlite", sample.run().district, {}, folder / "state")
    store.migrate(opened)
    for run in [*reversed(sample.history()), sample.run()]:
        store.record_run(opened, run)
    with serving(folder) as server:
        yield server


def test_the_list_leads_to_each_report(shown: Server) -> None:
    run = sample.run()
    page = requests.get(f"{shown.url}/runs", timeout=60)
    link = f"/runs/{run.district}/{run.id}"
    assert f'href="{link}"' in page.text
    assert page.text.count('<th scope="row">') == 1 + len(sample.history())
    report = requests.get(f"{shown.url}{link}", timeout=60)
    assert "For the auditor" in report.text
    policy = report.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert 'href="/runs"' in requests.get(shown.url, timeout=60).text


def written(folder: Path) -> list[tuple[Path, int]]:
    """Every file with its size, but the lock that the server takes when it is first asked."""
    return sorted((p, p.stat().st_size) for p in folder.rglob("*") if p.is_file() and p.name != "lock")


def test_nothing_is_written_and_nothing_else_is_found(shown: Server) -> None:
    before = written(shown.log.parent)
    for path in ("/runs/none/x", f"/runs/{sample.run().district}/x", "/runs/../hub.yaml", "/runs/..%2Fstate/x"):
        assert requests.get(f"{shown.url}{path}", timeout=60).status_code == 404
    assert requests.post(f"{shown.url}/runs", timeout=60).status_code == 405
    after = written(shown.log.parent)
    assert after == before


def test_without_a_hub_yaml_there_are_none(server: Server) -> None:
    assert requests.get(f"{server.url}/runs", timeout=60).status_code == 404
    assert 'href="/runs"' not in requests.get(server.url, timeout=60).text


def test_other_machines_do_not_see_them(shown: Server, tmp_path: Path) -> None:
    (tmp_path / "hub.yaml").write_text(CONFIG)
    with serving(tmp_path, "--host", "0.0.0.0") as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        assert requests.get(f"{url}/runs", timeout=60).status_code == 404
        assert "on loopback only" in server.log.read_text()


def test_a_hub_yaml_that_is_named_must_be_there(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hub.cli", "serve", "--config", "none.yaml", "--port", "0"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode == 3
