"""A configured hub whose path is played by fakes, and the command line as a user meets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub import config, pipeline, store
from hub.cli import main
from hub.model import Run, Slice, SourceOutcome

CONFIG = """\
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 255901
    years: [2026, 2027]
    sources:
      sis: {vendor: oneroster-csv, path: ./incoming/sis}
  birch-creek:
    name: Birch Creek
    local_education_agency_id: 255902
    years: [2027]
    sources:
      lms: {vendor: oneroster-csv, path: ./incoming/lms}
schedule: {cron: "0 2 * * *", timezone: America/Chicago}
"""
Hub = Callable[..., Result]


def a_run(slice: Slice, id: str = "20261122T020000Z-1a2b3c", **more: Any) -> Run:
    began = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    return Run(**{"id": id, "district": slice.district, "year": slice.year, "started": began, "finished": began} | more)


def an_outcome(status: str = "fresh", **more: Any) -> SourceOutcome:
    return SourceOutcome(**{"source": "sis", "vendor": "oneroster-csv", "status": status} | more)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a hub.yaml of two districts and the vendor it names."""
    specs = tmp_path / "schemas"
    (specs / "sources" / "oneroster-csv").mkdir(parents=True)
    (specs / "sources" / "oneroster-csv" / "source.yaml").touch()
    (specs / "hub.schema.json").write_bytes((config.SCHEMAS / "hub.schema.json").read_bytes())
    (tmp_path / "hub.yaml").write_text(CONFIG)
    load = config.load
    monkeypatch.setattr(config, "load", lambda path: load(path, specs=specs))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def stores(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """The real store of a district, without any entity."""

    def opened(district: str) -> Any:
        found = store.open_store("sqlite", district, {}, folder / "state")
        store.migrate(found)
        return found

    monkeypatch.setattr(pipeline, "open_store", lambda settings, district: opened(district), raising=False)
    return opened


@pytest.fixture
def hub(folder: Path) -> Hub:
    def call(*arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments), env={"COLUMNS": "80"}, prog_name="hub")

    return call
