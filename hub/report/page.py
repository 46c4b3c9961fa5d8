"""One run as one HTML page that needs neither a server, nor a script, nor anything beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from hub.look import pages
from hub.model import Rule, Run
from hub.report import attention, charts, sections, words
from hub.report.reconcile import reconcile

#: Trends look back one month of nights.
NIGHTS = 30


def render(
    run: Run,
    history: Sequence[Run],
    now: datetime,
    rules: Mapping[str, Rule] | None = None,
    freshness_hours: Mapping[str, float] | None = None,
) -> str:
    """The report of `run` as one HTML document.

    `history` holds earlier runs of the same slice, newest first. Ages are measured at `now`, and all times are shown
    in its zone (UTC where it has none). `rules` (by id) gives the sentences, remedies and owners; an unknown id stands
    for itself. `freshness_hours` (by source) says how old data may be, 36 hours where it says nothing.
    """
    now, rules, hours = words.aware(now), rules or {}, freshness_hours or {}
    zone = now.tzinfo or UTC
    earlier = [past for past in history if past.id != run.id][: NIGHTS - 1]
    nights = [*reversed(earlier), run]
    totals = reconcile(run, earlier)
    causes = attention.groups(run, totals, now, rules, hours)
    summary = dataclasses.asdict(run)
    return _page().render(
        run=run,
        verdict=attention.verdict(run, totals, causes),
        groups=causes,
        totals=totals,
        flow=charts.flow(run, totals),
        rules=sections.rule_lines(run, nights, rules),
        library=rules,
        held=sections.held_summary(run),
        freshness=sections.freshness(run, nights, now, hours),
        changes=sections.change_lines(run, nights),
        night_names=[words.day(night.started, zone) for night in nights],
        nights=nights,
        now=words.when(now, zone),
        when=lambda moment: words.when(moment, zone),
        took=words.lasting(words.aware(run.finished) - words.aware(run.started)) if run.finished else "not finished",
        summary=htmlsafe_json_dumps(summary, dumps=_dumps),
        digest=hashlib.sha256(_dumps(summary, separators=(",", ":")).encode()).hexdigest(),
    )


def write(
    run: Run,
    history: Sequence[Run],
    path: Path,
    now: datetime,
    rules: Mapping[str, Rule] | None = None,
    freshness_hours: Mapping[str, float] | None = None,
) -> None:
    """Render to `path`, whole or not at all: a reader never sees half a page. Arguments as for `render`."""
    page = render(run, history, now, rules, freshness_hours)
    part = path.with_name(f"{path.name}.part")
    part.write_text(page, encoding="utf-8")
    part.replace(path)


def _dumps(value: Any, **options: Any) -> str:
    """Canonical JSON of a summary: plain ASCII, keys sorted, times in ISO 8601."""
    options = {"ensure_ascii": True, "sort_keys": True, **options}
    return json.dumps(value, default=lambda moment: moment.isoformat(), **options)


@lru_cache(maxsize=1)
def _page() -> Any:
    environment = pages("hub.report")
    environment.filters.update(
        name=words.name,
        number=words.number,
        counted=words.counted,
        share=words.share,
        part=words.part,
        size=words.size,
        school_year=words.school_year,
        lasting=words.lasting,
    )
    return environment.get_template("report.html.j2")
