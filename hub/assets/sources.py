"""One asset per source name: land and normalize what the source of that name sends, district by district."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from hub import pipeline
from hub.assets.checks import judge_source, source_checks, source_metadata
from hub.assets.slices import Hub, slice_of, told
from hub.config import Settings, SourceSettings
from hub.model import Count, Slice
from hub.standards.states.source_state import load_summary

GROUP = "sources"
#: Waits of about 1, 2 and 4 minutes before a source that was away is given up for the night.
RETRY = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def source_key(name: str) -> dg.AssetKey:
    return dg.AssetKey([GROUP, name])


def source_asset(
    name: str, vendors: Sequence[str], partitions: dg.PartitionsDefinition[Any], retry: dg.RetryPolicy = RETRY
) -> dg.AssetsDefinition:
    """`sources/<name>` with its checks. `vendors`: those that the districts have under this name; their steps share
    one pool, so that one vendor is asked by one step at a time."""
    key = source_key(name)

    @dg.asset(
        key=key,
        group_name=GROUP,
        partitions_def=partitions,
        retry_policy=retry,
        pool="vendor_" + "_".join(vendors),
        tags={f"hub/vendor_{vendor}": "" for vendor in vendors},
        kinds={"duckdb", "parquet"},
        check_specs=[dg.AssetCheckSpec(n, asset=key, description=d) for n, d in source_checks()],
        description=f"What {name} says now, landed verbatim and normalized to Ed-Fi.",
    )
    def asset(context: dg.AssetExecutionContext, hub: Hub) -> Iterator[Any]:
        with told():
            settings = hub.settings()
            slice = slice_of(context.partition_key, settings)
            district = settings.district(slice.district)
            source = next((s for s in district.sources_of(slice.year) if s.name == name), None)
            if source is None:
                results = _absent(key)
            else:
                last = context.retry_number >= retry.max_retries
                results = _pull(settings, slice, source, key, last, district.guard.removed)
        yield from results

    return asset


def _pull(
    settings: Settings, slice: Slice, source: SourceSettings, key: dg.AssetKey, last: bool, limit: float
) -> list[Any]:
    """Raises Failure for a source that is away while attempts remain. After the last one its outcome says so, and
    the slice goes on without it. That the store is away is for the record's step to say: the source lands all the same.
    """
    _, before, _ = pipeline.before_the_night(settings, slice)
    outcome = pipeline.pull(settings, slice, source, before.get(source.name, ""), _quiet, datetime.now(UTC))
    if outcome.status == "failed" and not last:
        raise dg.Failure(f"{outcome.message} {outcome.remedy}".strip(), allow_retries=True)
    pipeline.save_outcome(settings, slice, outcome)
    counts: Sequence[Count] = ()
    if outcome.state:
        state = settings.state / "work" / slice.district / str(slice.year) / source.name / outcome.state
        counts = load_summary(state).counts
    return [
        dg.MaterializeResult(asset_key=key, metadata=source_metadata(outcome, counts)),
        *judge_source(key, outcome, counts, limit),
    ]


def _absent(key: dg.AssetKey) -> list[Any]:
    """A district without this source has nothing to do here. A step without an output would skip the record."""
    metadata = {"status": "not a source of this district"}
    checks = [
        dg.AssetCheckResult(passed=True, asset_key=key, check_name=n, metadata=metadata) for n, _ in source_checks()
    ]
    return [dg.MaterializeResult(asset_key=key, metadata=metadata), *checks]


def _quiet(_label: str, _done: int, _total: int) -> None:
    """Dagster shows steps: each line more would be one more row in its own store."""
