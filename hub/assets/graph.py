"""hub.yaml as Dagster definitions."""

from __future__ import annotations

import dagster as dg

from hub.assets.nightly import alert_run_failed, alert_who_must_act, nightly_job, nightly_schedule
from hub.assets.record import record_assets
from hub.assets.slices import Hub, partitions_of
from hub.assets.sources import RETRY, source_asset
from hub.config import Settings


def definitions(settings: Settings, retry: dg.RetryPolicy = RETRY) -> dg.Definitions:
    """Assets, checks, the nightly job and schedule, and the sensors. `retry` is that of the sources."""
    partitions = partitions_of(settings.slices())
    vendors: dict[str, list[str]] = {}
    for district in settings.districts:
        for source in district.sources:
            known = vendors.setdefault(source.name, [])
            if source.vendor not in known:
                known.append(source.vendor)
    job = nightly_job()
    return dg.Definitions(
        assets=[
            *(source_asset(name, sorted(of), partitions, retry) for name, of in vendors.items()),
            record_assets(list(vendors), partitions),
        ],
        jobs=[job],
        schedules=[nightly_schedule(settings, settings.schedule, job)] if settings.schedule else [],
        sensors=[alert_run_failed, alert_who_must_act],
        resources={"hub": Hub(config=str(settings.path))},
    )
