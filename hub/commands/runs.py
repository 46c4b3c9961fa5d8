"""`hub runs`"""

from __future__ import annotations

from pathlib import Path

import click

from hub.commands.options import common, district_option, districts_of, open_ledger, settings_of, year_option
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
    from hub import store

    found = {
        each.id: store.runs(open_ledger(settings, each.id), year, limit) for each in districts_of(settings, district)
    }
    if as_json:
        return say_json([run for runs in found.values() for run in runs])
    for name, runs in found.items():
        if runs:
            headings = ("Run*", "Year", "Status", "Added", "Changed", "Removed", "Held")
            say_table(headings, [_row(run) for run in runs], title=name)
        else:
            click.echo(f"{name} has no runs yet. Start one with `hub sync`.")
    return None


def _row(run: Run) -> tuple[object, ...]:
    sums = (sum(getattr(change, part) for change in run.changes) for part in ("added", "changed", "removed"))
    return (run.id, str(run.year), run.status, *sums, sum(held.rows for held in run.held))
