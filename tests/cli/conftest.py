"""A configured hub whose path is played by fakes, and the command line as a user meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from played import CONFIG, Hub

from hub import config, pipeline, store
from hub.cli import main


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
