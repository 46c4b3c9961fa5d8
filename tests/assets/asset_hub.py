"""A hub of two fictional districts, and Dagster's own history in a folder of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from hub.assets.graph import definitions
from hub.assets.home import opened as opened_home
from hub.assets.home import write_home
from hub.assets.nightly import JOB, selection
from hub.config import Settings
from hub.model import Run, Slice, SourceOutcome

CONFIG = """\
state: ./state
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 1001
    years: [2026, 2027]
    sources:
      sis: {vendor: oneroster-csv, path: "./incoming/{year}/sis", owner: SIS office}
      map: {vendor: nwea-map-growth, path: ./incoming/map}
  birch-creek:
    name: Birch Creek
    local_education_agency_id: 1002
    years: [2027]
    sources:
      sis: {vendor: oneroster-csv, path: ./incoming/birch}
schedule: {cron: "0 2 * * *", timezone: America/Chicago}
alerts: {webhook: {url_env: HUB_TEST_WEBHOOK}}
"""
MAPLE = Slice("maple-hollow", 2027)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
AT_ONCE = dg.RetryPolicy(max_retries=3)
Night = Callable[..., dg.ExecuteInProcessResult]


def a_run(slice: Slice = MAPLE, **more: Any) -> Run:
    began = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    given = {"id": "20261122T020000Z-1a2b3c", "district": slice.district, "year": slice.year, "status": "published"}
    return Run(**{"started": began, "finished": began} | given | more)


def an_outcome(status: str = "fresh", source: str = "sis", **more: Any) -> SourceOutcome:
    return SourceOutcome(**{"source": source, "vendor": "oneroster-csv", "status": status} | more)


@contextmanager
def opened(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's history as `hub up` would find it."""
    _, environment = write_home(settings)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with opened_home(settings) as instance:
            yield instance


def run_night(
    settings: Settings, instance: dg.DagsterInstance, slice: Slice = MAPLE, keys: list[dg.AssetKey] | None = None
) -> dg.ExecuteInProcessResult:
    """The nightly job of a slice in this process; a failure comes back as a result."""
    job = definitions(settings, AT_ONCE).resolve_job_def(JOB)
    return job.execute_in_process(
        instance=instance,
        partition_key=slice.partition,
        asset_selection=selection(settings, slice) if keys is None else keys,
        run_config=QUIET,
        raise_on_error=False,
    )
