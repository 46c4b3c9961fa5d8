"""A configured hub for the asset tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from asset_hub import AT_ONCE, CONFIG, MAPLE, QUIET, Night, opened

from hub.assets.graph import definitions
from hub.assets.nightly import JOB, selection
from hub.config import Settings, load
from hub.model import Slice


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "hub.yaml"
    path.write_text(CONFIG)
    return load(path)


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with opened(settings) as found:
        yield found


@pytest.fixture
def night(settings: Settings, instance: dg.DagsterInstance) -> Night:
    """Run the nightly job of a slice in this process; failures come back as a result."""

    def run(slice: Slice = MAPLE, keys: list[dg.AssetKey] | None = None) -> dg.ExecuteInProcessResult:
        return (
            definitions(settings, AT_ONCE)
            .resolve_job_def(JOB)
            .execute_in_process(
                instance=instance,
                partition_key=slice.partition,
                asset_selection=selection(settings, slice) if keys is None else keys,
                run_config=QUIET,
                raise_on_error=False,
            )
        )

    return run
