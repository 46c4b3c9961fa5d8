"""The nightly job and its schedule, and the sensors that tell people how it went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import dagster as dg

from hub import pipeline, store
from hub.assets.alerts import crashed, send, tell
from hub.assets.record import PUBLISHED, RECORD, REPORT, RUN_TAG
from hub.assets.slices import Hub, slice_of
from hub.assets.sources import source_key
from hub.config import Schedule, Settings
from hub.errors import FixConfiguration
from hub.model import Run, Slice

JOB = "nightly"
_PARTITION_TAG = "dagster/partition"
_SECONDS = 60  # between two looks of a sensor


def selection(settings: Settings, slice: Slice) -> list[dg.AssetKey]:
    """The assets that a night of this slice needs: its own sources, no other district's."""
    sources = [source_key(s.name) for s in settings.district(slice.district).sources_of(slice.year)]
    return [*sources, RECORD, PUBLISHED, REPORT]


def nightly_job() -> dg.UnresolvedAssetJobDefinition:
    """All assets of one slice. Each step in a process of its own, so a crash takes one source, not the night."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        executor_def=dg.multiprocess_executor.configured({"max_concurrent": 2}),
        description="Pull the sources of a slice, build its record, publish what changed, write the report.",
    )


def nightly_schedule(
    settings: Settings, schedule: Schedule, job: dg.UnresolvedAssetJobDefinition
) -> dg.ScheduleDefinition:
    """Every district's current year at the time hub.yaml says, in its time zone; on as soon as Dagster runs."""

    @dg.schedule(
        job=job,
        name=JOB,
        cron_schedule=schedule.cron,
        execution_timezone=schedule.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def nightly(_context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        tonight = settings.on(datetime.now(UTC).date())  # this process runs for months, over a year's first day
        for slice in (tonight.slice(d.id) for d in tonight.districts):
            yield dg.RunRequest(
                run_key=slice.partition,
                partition_key=slice.partition,
                asset_selection=selection(tonight, slice),
                tags={"hub/district": slice.district, "hub/school_year": str(slice.year)},
            )

    return nightly


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="alert_who_must_act",
    minimum_interval_seconds=_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells people of a source that failed and of a publish that the guard holds.",
)
def alert_who_must_act(context: dg.RunStatusSensorContext, hub: Hub) -> None:
    found = _run_of(context.dagster_run, hub)
    if found is not None:
        _must(tell(*found))


@dg.run_failure_sensor(
    name="alert_run_failed",
    minimum_interval_seconds=_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells people of a night that stopped.",
)
def alert_run_failed(context: dg.RunFailureSensorContext, hub: Hub) -> None:
    run = context.dagster_run
    found = _run_of(run, hub)
    if found is not None:
        _must(tell(*found))
        return
    settings = hub.settings()
    try:
        slice = slice_of(run.tags.get(_PARTITION_TAG, ""), settings)
    except (FixConfiguration, ValueError):
        slice = Slice("unknown", 0)
    _must(send(settings.alerts, [crashed(slice, run.run_id, why(context.get_step_failure_events()))]))


def why(events: Iterable[dg.DagsterEvent]) -> str:
    """The text of the first step that failed: our own, never another library's."""
    for event in events:
        if event.event_type == dg.DagsterEventType.STEP_FAILURE:
            failure = event.step_failure_data
            said = failure.user_failure_data
            text = said.description if said and said.description else failure.error.cls_name if failure.error else ""
            return f"{event.step_key}: {text or 'no reason given'}"
    return "The process ended without a word: it was killed, or the machine stopped."


def _run_of(dagster_run: dg.DagsterRun, hub: Hub) -> tuple[Settings, Run] | None:
    run_id, partition = dagster_run.tags.get(RUN_TAG), dagster_run.tags.get(_PARTITION_TAG)
    if run_id is None or partition is None:
        return None
    settings = hub.settings()
    slice = slice_of(partition, settings)
    found = store.find_run(pipeline.open_store(settings, slice.district), run_id)
    return (settings, found) if found is not None else None


def _must(not_sent: tuple[str, ...]) -> None:
    if not_sent:  # a failed tick is seen; a silent one is not
        raise dg.Failure(" ".join(not_sent))
