"""`hub report [RUN]`"""

from __future__ import annotations

from pathlib import Path

import click

from hub.commands.options import common, district_option, find_run, one_district, settings_of, year_option
from hub.commands.words import say_json


@click.command("report")
@click.argument("run_id", metavar="[RUN]", required=False)
@district_option
@year_option
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@common
def command(
    run_id: str | None, district: str | None, year: int | None, show: bool, config: Path | None, as_json: bool
) -> None:
    """Write the report of a run, the last one unless named, and say where it is: one HTML file, no server needed.

    \b
    Examples:
      hub report --open
      hub report 20261122T020000Z-1a2b3c
    """
    settings = settings_of(config)
    from hub import pipeline

    if run_id:
        slice, run = find_run(settings, run_id, district)
        path = pipeline.report(settings, slice, run.id)
    else:
        slice = settings.slice(one_district(settings, district).id, year)
        path = pipeline.report(settings, slice, None)
    if as_json:
        say_json({"report": path})
    else:
        click.echo(path)
    if show:
        click.launch(path.absolute().as_uri())
