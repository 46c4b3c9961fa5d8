"""What a source's outcome and a run's Verdict say, as asset checks and metadata: counts, hashes and names only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from hub.model import Count, RuleResult, Run, SourceOutcome
from hub.report.reconcile import adds_up

ROWS_ADD_UP, DELIVERED, HELD_SHARE, GUARD = "rows_add_up", "delivered", "held_share", "guard"
_SHOWN = 50  # files, entities: metadata is for reading


def source_checks() -> list[tuple[str, str]]:
    """(name, description) of the checks of a source."""
    return [
        (DELIVERED, "Tonight's delivery could be fetched and read, or nothing new had come."),
        (ROWS_ADD_UP, "Every row that was read is accepted, held, or ignored with a reason."),
        (HELD_SHARE, "The share of rows held is below the share that the guard lets a publish remove."),
    ]


def judge_source(
    key: dg.AssetKey, outcome: SourceOutcome, counts: Sequence[Count], limit: float
) -> Iterator[dg.AssetCheckResult]:
    """The results of `source_checks`. `limit`: the share of held rows (0 to 1) from which a person should look."""
    good = outcome.status in ("fresh", "unchanged")
    yield dg.AssetCheckResult(
        passed=good,
        asset_key=key,
        check_name=DELIVERED,
        severity=_severity(outcome.status in ("failed", "refused")),
        metadata=_some(message=outcome.message, remedy=outcome.remedy, owner=outcome.owner, status=outcome.status),
    )
    yield add_up(key, counts)
    rows, held = sum(c.rows_in for c in counts), sum(c.held for c in counts)
    yield dg.AssetCheckResult(
        passed=held <= limit * rows,
        asset_key=key,
        check_name=HELD_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows": rows, "held": held, "share": held / rows if rows else 0.0, "limit": limit},
    )


def add_up(key: dg.AssetKey, counts: Sequence[Count]) -> dg.AssetCheckResult:
    """The law of conservation over `counts`."""
    wrong = [f"{c.step} {c.source} {c.entity or c.stream}".strip() for c in counts if not adds_up(c)]
    return dg.AssetCheckResult(
        passed=not wrong,
        asset_key=key,
        check_name=ROWS_ADD_UP,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"lines": len(counts), "wrong": len(wrong), **_some(where=", ".join(wrong[:_SHOWN]))},
    )


def rule_check(source: str) -> tuple[str, str]:
    """(name, description) of the check that sums all rules over one source's rows."""
    return f"rules_{source.replace('-', '_')}", f"Rules on the rows of {source}, those of Great Expectations too."


def judge_rules(key: dg.AssetKey, run: Run, sources: Iterable[str]) -> Iterator[dg.AssetCheckResult]:
    """One result per source: it fails as an error where a rule of severity error failed, else as a warning.

    One event per rule, or one per severity, would cost more than the rules do: Dagster stores three for each check.
    A source that this district does not have passes with nothing checked.
    """
    for source in sources:
        results = [r for r in run.rules if r.source == source]
        errors = [r for r in results if r.severity == "error"]
        warnings = [r for r in results if r.severity == "warning"]
        yield dg.AssetCheckResult(
            passed=not any(r.failed for r in results),
            asset_key=key,
            check_name=rule_check(source)[0],
            severity=_severity(any(r.failed for r in errors)),
            metadata={
                "rules": len({r.rule for r in results}),
                "errors": sum(r.failed for r in errors),
                "warnings": sum(r.failed for r in warnings),
                **_some(failed_errors=_failed(errors), failed_warnings=_failed(warnings)),
            },
        )


def judge_guard(key: dg.AssetKey, run: Run) -> dg.AssetCheckResult:
    """Passes where the guard lets the publish through."""
    breaches = {f"{b.entity} {b.kind}": f"{b.rows} rows, {b.share:.1%} of {b.limit:.1%}" for b in run.breaches}
    return dg.AssetCheckResult(
        passed=not breaches,
        asset_key=key,
        check_name=GUARD,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=_some(breaches=breaches, message=run.message if breaches else ""),
    )


def source_metadata(outcome: SourceOutcome, counts: Sequence[Count]) -> dict[str, Any]:
    """Counts, hashes and freshness of one source."""
    rows = [c for c in counts if c.entity]
    aged = None
    if outcome.received:
        aged = round((datetime.now(UTC) - outcome.received).total_seconds() / 3600, 2)
    return _some(
        status=outcome.status,
        vendor=outcome.vendor,
        owner=outcome.owner,
        message=outcome.message,
        remedy=outcome.remedy,
        state=outcome.state,
        received=dg.MetadataValue.timestamp(outcome.received) if outcome.received else None,
        age_hours=aged,
        files=[{"name": f.name, "sha256": f.sha256, "bytes": f.size, "rows": f.rows} for f in outcome.files[:_SHOWN]],
        repairs=dict(outcome.repairs),
    ) | {
        "file_count": len(outcome.files),
        "dagster/row_count": sum(c.accepted for c in rows),
        "held": sum(c.held for c in rows),
    }


def record_metadata(run: Run) -> dict[str, Any]:
    """Totals of the record by step, and by which specs and rules it was judged."""
    unified = [c for c in run.counts if c.step == "unify"]
    return {
        "run": run.id,
        "status": run.status,
        "dagster/row_count": sum(c.accepted for c in unified),
        "held": sum(h.rows for h in run.held),
        "sources": {o.source: o.status for o in run.sources},
        "versions": dict(run.versions),
    } | _some(message=run.message)


def published_metadata(run: Run) -> dict[str, Any]:
    """What changed, by entity: [before, added, changed, removed, after]."""
    moved = {
        c.entity: [c.before, c.added, c.changed, c.removed, c.after]
        for c in run.changes
        if c.added or c.changed or c.removed
    }
    sums = {part: sum(getattr(c, part) for c in run.changes) for part in ("added", "changed", "removed")}
    return {"run": run.id, "dagster/row_count": sum(c.after for c in run.changes), **sums, **_some(changes=moved)}


def _failed(results: Iterable[RuleResult]) -> dict[str, int]:
    found: dict[str, int] = {}
    for result in results:
        if result.failed:
            found[result.rule] = found.get(result.rule, 0) + result.failed
    return dict(sorted(found.items(), key=lambda item: -item[1])[:_SHOWN])


def _severity(error: bool) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN


def _some(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}
