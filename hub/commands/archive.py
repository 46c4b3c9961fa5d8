"""The runs of all districts of a hub.yaml for the pages of `hub serve`: read, never written."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from hub.commands.options import open_ledger
from hub.serve.desk import Archive, RunLine

if TYPE_CHECKING:
    from hub.config import Settings
    from hub.model import Run

LIMIT = 60  # runs of each district: two months of nights
_TONES = {"published": "good", "approved": "good", "held": "warn", "failed": "bad"}


def archive(settings: Settings) -> Archive:
    """Looks into the ledgers each time it is asked, so a page shows tonight's run as soon as it is there."""
    from hub import pipeline, store

    ledger = cache(partial(open_ledger, settings))

    def runs() -> list[RunLine]:
        found = [run for d in settings.districts for run in store.runs(ledger(d.id), None, LIMIT)]
        return [_line(run) for run in sorted(found, key=lambda run: run.id, reverse=True)]

    def report(district: str, id: str) -> str | None:
        if district not in {d.id for d in settings.districts}:
            return None
        run = store.find_run(ledger(district), id)
        if run is None:
            return None
        return _report(settings, run, store.runs(ledger(district), run.year, pipeline.EARLIER, before=run.id))

    return Archive(runs, report)


def _report(settings: Settings, run: Run, earlier: list[Run]) -> str:
    from hub.report import render
    from hub.standards.rules import load_rules

    return render(run, earlier, datetime.now(UTC), load_rules(settings.specs / "rules"))


def _line(run: Run) -> RunLine:
    from hub.report.words import number, school_year, when

    moved = (sum(getattr(change, part) for change in run.changes) for part in ("added", "changed", "removed"))
    return RunLine(
        district=run.district,
        year=school_year(run.year),
        id=run.id,
        when=when(run.started, UTC),
        status=run.status,
        tone=_TONES.get(run.status, "calm"),
        sources=len(run.sources),
        late=sum(source.status in ("failed", "refused") for source in run.sources),
        moved=tuple(number(rows) for rows in moved),
        held=number(sum(held.rows for held in run.held)),
    )
