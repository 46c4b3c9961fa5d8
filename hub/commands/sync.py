"""`hub sync`"""

from __future__ import annotations

from pathlib import Path

import click

from hub.commands import faults
from hub.commands.options import common, district_option, known_sources, settings_of, slices_of, year_option
from hub.commands.outcome import exit_code, say_run
from hub.commands.words import progress, say_json
from hub.errors import HubError, in_words
from hub.model import Run


@click.command("sync")
@district_option
@year_option
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source; may be repeated.")
@common
@click.pass_context
def command(
    ctx: click.Context,
    district: str | None,
    year: int | None,
    sources: tuple[str, ...],
    config: Path | None,
    as_json: bool,
) -> int:
    """Run the nightly job now: fetch, check, unify and publish each district's current school year.

    Ends with 1 where a person must act: a source failed, or the guard holds a publish.

    \b
    Examples:
      hub sync
      hub sync --district maple-hollow --source sis
    """
    settings = settings_of(config)
    slices = slices_of(settings, district, year)
    known_sources(settings, district, sources)
    from hub import pipeline
    from hub.assets.alerts import crashed, send, tell

    runs: list[Run] = []
    failed: list[dict[str, object]] = []
    code = 0
    for slice in slices:
        try:
            with progress() as callback:
                run = pipeline.sync(settings, slice, only=set(sources) or None, progress=callback)
        except Exception as error:
            for line in send(settings.alerts, [crashed(slice, "", in_words(error, settings.state))]):
                click.echo(line, err=True)
            if len(slices) == 1 or not isinstance(error, HubError):
                raise
            # the other districts go on
            click.echo(f"{slice.district}, school year {slice.year}: not synced.", err=True)
            faults.tell(ctx, error)
            failed.append({"district": slice.district, "year": slice.year} | faults.as_json(error))
            code = max(code, error.exit_code)
            continue
        runs.append(run)
        if not as_json:
            say_run(run)
        for line in tell(settings, run):
            click.echo(line, err=True)
    if as_json:
        say_json([*runs, *failed])
    return max(code, exit_code(runs))
