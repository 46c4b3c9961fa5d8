"""One step per slice: the record out of all sources, its publish through the guard, and the report."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from hub import pipeline
from hub.assets.checks import (
    GUARD,
    ROWS_ADD_UP,
    add_up,
    judge_guard,
    judge_rules,
    published_metadata,
    record_metadata,
    rule_check,
)
from hub.assets.slices import Hub, slice_of, told
from hub.assets.sources import source_key
from hub.model import Run

GROUP = "record"
RECORD, PUBLISHED, REPORT = dg.AssetKey("record"), dg.AssetKey("published"), dg.AssetKey("report")
#: Tag of a Dagster run: the hub's own run, as `hub runs` lists it.
RUN_TAG = "hub/run"
RETRY = dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL)


def record_assets(sources: Sequence[str], partitions: dg.PartitionsDefinition[Any]) -> dg.AssetsDefinition:
    """`record`, `published` and `report`. `published` is not materialized where the guard holds the publish."""
    specs = [
        dg.AssetSpec(RECORD, deps=[source_key(s) for s in sources], description="One row per natural key."),
        dg.AssetSpec(PUBLISHED, deps=[RECORD], skippable=True, description="The store: what people rely on."),
        dg.AssetSpec(REPORT, deps=[RECORD], description="One HTML file: what came, what was held, who must act."),
    ]
    checks = [
        dg.AssetCheckSpec(
            ROWS_ADD_UP, asset=RECORD, description="Totals reconcile from the landed files to the store."
        ),
        *(dg.AssetCheckSpec(name, asset=RECORD, description=text) for name, text in map(rule_check, sources)),
        dg.AssetCheckSpec(GUARD, asset=PUBLISHED, description="Removals and changes stay within the guard's shares."),
    ]

    @dg.multi_asset(
        name="publish",
        specs=[s.replace_attributes(group_name=GROUP) for s in specs],
        check_specs=checks,
        partitions_def=partitions,
        retry_policy=RETRY,
    )
    def publish(context: dg.AssetExecutionContext, hub: Hub) -> Iterator[Any]:
        with told():
            settings = hub.settings()
            slice = slice_of(context.partition_key, settings)
            now = datetime.now(UTC)
            run = pipeline.publish_record(settings, slice, pipeline.new_run_id(now), now=now)
            context.instance.add_run_tags(context.run.run_id, {RUN_TAG: run.id})
            report = settings.state / "runs" / run.district / str(run.year) / run.id / "report.html"
            results = list(_results(run, sources, str(report)))
        yield from results
        if run.status == "failed":
            raise dg.Failure(run.message or "Nothing was published.", allow_retries=False)

    return publish


def _results(run: Run, sources: Sequence[str], report: str) -> Iterator[Any]:
    yield dg.MaterializeResult(asset_key=RECORD, metadata=record_metadata(run))
    yield add_up(RECORD, run.counts)
    yield from judge_rules(RECORD, run, sources)
    if run.status in ("published", "unchanged"):
        yield dg.MaterializeResult(asset_key=PUBLISHED, metadata=published_metadata(run))
    yield judge_guard(PUBLISHED, run)
    metadata: dict[str, Any] = {"run": run.id, "status": run.status, "report": dg.MetadataValue.path(report)}
    yield dg.MaterializeResult(asset_key=REPORT, metadata=metadata)
