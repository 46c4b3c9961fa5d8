"""A configured hub for the asset tests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dagster as dg
import pytest
from asset_hub import CONFIG, Night, run_night

from hub.config import Settings, load


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "hub.yaml"
    path.write_text(CONFIG)
    return load(path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """In memory: what is stored on disk has tests of its own."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def night(settings: Settings, instance: dg.DagsterInstance) -> Night:
    return partial(run_night, settings, instance)
