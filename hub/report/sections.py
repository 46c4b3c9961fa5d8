"""What each section of the report shows, worked out from a run and the nights before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.model import Change, HeldCount, Rule, RuleResult, Run, SourceOutcome
from hub.report.charts import Spark, spark
from hub.report.words import aware

#: A nightly source may miss one night and come late the next before anyone is asked to act.
FRESHNESS_HOURS = 36.0


def limit_of(outcome: SourceOutcome, hours: Mapping[str, float]) -> timedelta:
    """The age from which the data of this source is too old."""
    return timedelta(hours=hours.get(outcome.source, FRESHNESS_HOURS))


def is_stale(outcome: SourceOutcome, now: datetime, hours: Mapping[str, float]) -> bool:
    """True if the data in use is older than its limit, or if there never was any."""
    if outcome.received is None:
        return True
    return aware(now) - aware(outcome.received) > limit_of(outcome, hours)


@dataclass(frozen=True)
class Freshness:
    """One source this morning; `nights` are its states, oldest first, "" where a night did not know it."""

    outcome: SourceOutcome
    age: timedelta | None
    limit: timedelta
    stale: bool
    last_fresh: datetime | None
    nights: tuple[str, ...]


def freshness(run: Run, nights: Sequence[Run], now: datetime, hours: Mapping[str, float]) -> tuple[Freshness, ...]:
    """One entry per source of `run`; `nights` are oldest first and end with `run`."""
    made = []
    states = [{outcome.source: outcome for outcome in night.sources} for night in nights]
    for outcome in run.sources:
        known = [night.get(outcome.source) for night in states]
        fresh = [past.received for past in known if past and past.status == "fresh" and past.received]
        made.append(
            Freshness(
                outcome,
                aware(now) - aware(outcome.received) if outcome.received else None,
                limit_of(outcome, hours),
                is_stale(outcome, now, hours),
                fresh[-1] if fresh else outcome.received,
                tuple(past.status if past else "" for past in known),
            )
        )
    return tuple(made)


@dataclass(frozen=True)
class RuleLine:
    """One rule on one entity of one source; `trend` are failed rows per night, oldest first, None where not checked."""

    result: RuleResult
    rule: Rule | None
    trend: tuple[int | None, ...]
    spark: Spark | None


@dataclass(frozen=True)
class RuleLines:
    """Rules of a run: those that failed now, those that failed on an earlier night, those that never did."""

    failed: tuple[RuleLine, ...]
    recovered: tuple[RuleLine, ...]
    passed: tuple[RuleLine, ...]

    @property
    def total(self) -> int:
        return len(self.failed) + len(self.recovered) + len(self.passed)

    @property
    def moving(self) -> tuple[RuleLine, ...]:
        return tuple(line for line in (*self.failed, *self.recovered) if line.spark)


def rule_lines(run: Run, nights: Sequence[Run], rules: Mapping[str, Rule]) -> RuleLines:
    """Every rule result of `run` with its trend, errors first, then by rows failed."""
    found = [{(r.rule, r.source, r.entity): r.failed for r in night.rules} for night in nights]
    failed: list[RuleLine] = []
    recovered: list[RuleLine] = []
    passed: list[RuleLine] = []
    ordered = sorted(run.rules, key=lambda r: (r.severity != "error", -r.failed, r.rule, r.source, r.entity))
    for result in ordered:
        trend = tuple(night.get((result.rule, result.source, result.entity)) for night in found)
        kind = failed if result.failed else recovered if any(trend) else passed
        kind.append(RuleLine(result, rules.get(result.rule), trend, spark(trend) if any(trend) else None))
    return RuleLines(tuple(failed), tuple(recovered), tuple(passed))


@dataclass(frozen=True)
class HeldLine:
    """Faults under one label; `share` is of the largest label, for the length of its bar."""

    label: str
    faults: int
    share: float


@dataclass(frozen=True)
class HeldSummary:
    """Held rows by reason, by source and by place. `faults` counts reasons: a row may have several."""

    faults: int
    by_rule: tuple[HeldLine, ...]
    by_source: tuple[HeldLine, ...]
    places: tuple[HeldCount, ...]


def held_summary(run: Run) -> HeldSummary:
    """What is held in this run and why, the largest first."""
    return HeldSummary(
        faults=sum(held.rows for held in run.held),
        by_rule=_bars(run.held, "rule"),
        by_source=_bars(run.held, "source"),
        places=tuple(sorted(run.held, key=lambda held: (-held.rows, held.source, held.entity, held.field, held.rule))),
    )


def _bars(held: Sequence[HeldCount], label: str) -> tuple[HeldLine, ...]:
    sums: dict[str, int] = defaultdict(int)
    for part in held:
        sums[getattr(part, label)] += part.rows
    most = max(sums.values(), default=0)
    return tuple(
        HeldLine(name, faults, faults / most if most > 0 else 0.0)
        for name, faults in sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    )


@dataclass(frozen=True)
class ChangeLine:
    """One entity's change; `trend` are rows after each night, oldest first."""

    change: Change
    trend: tuple[int | None, ...]
    spark: Spark | None


def change_lines(run: Run, nights: Sequence[Run]) -> tuple[ChangeLine, ...]:
    """Changes per entity, the ones that moved first, each in the order of the run."""
    found = [{change.entity: change.after for change in night.changes} for night in nights]
    lines = []
    for change in sorted(run.changes, key=lambda c: not (c.added or c.changed or c.removed)):
        trend = tuple(night.get(change.entity) for night in found)
        lines.append(ChangeLine(change, trend, spark(trend)))
    return tuple(lines)
