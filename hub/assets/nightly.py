"""The nightly job and its schedule, and the sensors that tell people how it went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import dagster as dg

from hub import pipeline, store
from hub.assets.alerts import crashed, send, tell, unread
from hub.assets.record import PUBLISHED, RECORD, REPORT, RUN_TAG
from hub.assets.slices import Hub, slice_of
from hub.assets.sources import source_key
from hub.config import Schedule, Settings
from hub.errors import FixConfiguration, HubError
from hub.model import Slice

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
    settings, slice, run_id = _named(context.dagster_run, hub)
    if slice is None or not run_id:
        return
    try:
        found = store.find_run(pipeline.open_store(settings, slice.district), run_id)
    except HubError as error:
        _must(send(settings.alerts, [unread(slice, run_id, str(error))]))
        return
    if found is not None:
        _must(tell(settings, found))


@dg.run_failure_sensor(
    name="alert_run_failed",
    minimum_interval_seconds=_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells people of a night that stopped.",
)
def alert_run_failed(context: dg.RunFailureSensorContext, hub: Hub) -> None:
    settings, slice, run_id = _named(context.dagster_run, hub)
    found = None
    if slice is not None and run_id:
        with suppress(HubError):  # the store may be what the night stopped at: people are told all the same
            found = store.find_run(pipeline.open_store(settings, slice.district), run_id)
    if found is not None:
        _must(tell(settings, found))
        return
    said = why(context.get_step_failure_events())
    _must(send(settings.alerts, [crashed(slice or Slice("unknown", 0), context.dagster_run.run_id, said)]))


def why(events: Iterable[dg.DagsterEvent]) -> str:
    """The text of the first step that failed: our own, never another library's."""
    for event in events:
        if event.event_type == dg.DagsterEventType.STEP_FAILURE:
            failure = event.step_failure_data
            said = failure.user_failure_data
            text = said.description if said and said.description else failure.error.cls_name if failure.error else ""
            return f"{event.step_key}: {text or 'no reason given'}"
    return "The process ended without a word: it was killed, or the machine stopped."


def _named(run: dg.DagsterRun, hub: Hub) -> tuple[Settings, Slice | None, str]:
    """The settings of now, the slice where hub.yaml still has it, and the hub's own run, "" where none was begun."""
    settings = hub.settings()
    try:
        slice = slice_of(run.tags.get(_PARTITION_TAG, ""), settings)
    except (FixConfiguration, ValueError):
        slice = None
    return settings, slice, run.tags.get(RUN_TAG, "")


def _must(not_sent: tuple[str, ...]) -> None:
    if not_sent:  # a failed tick is seen; a silent one is not
        raise dg.Failure(" ".join(not_sent))
