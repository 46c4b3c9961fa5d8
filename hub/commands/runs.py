"""`hub runs`"""

from __future__ import annotations

from pathlib import Path

import click

from hub.commands.options import common, district_option, districts_of, settings_of, year_option
from hub.commands.words import say_json, say_table
from hub.model import Run


@click.command("runs")
@district_option
@year_option
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many of each district.")
@common
def command(district: str | None, year: int | None, limit: int, config: Path | None, as_json: bool) -> None:
    """List the last runs, the newest first: what each added, changed, removed and held.

    \b
    Example:
      hub runs --district maple-hollow --limit 5
    """
    settings = settings_of(config)
    from hub import pipeline, store

    found = [
        run
        for each in districts_of(settings, district)
        for run in store.runs(pipeline.open_store(settings, each.id), year, limit)
    ]
    if as_json:
        return say_json(found)
    if not found:
        return click.echo("No runs yet. Start one with `hub sync`.")
    headings = ("Run*", "District", "Year", "Status*", "Added", "Changed", "Removed", "Held")
    return say_table(headings, [_row(run) for run in found])


def _row(run: Run) -> tuple[object, ...]:
    sums = (sum(getattr(change, part) for change in run.changes) for part in ("added", "changed", "removed"))
    return (run.id, run.district, str(run.year), run.status, *sums, sum(held.rows for held in run.held))
