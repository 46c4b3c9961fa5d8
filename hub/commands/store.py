"""`hub store migrate|rebuild`"""

from __future__ import annotations

from pathlib import Path

import click

from hub.commands.options import common, district_option, districts_of, one_district, settings_of
from hub.commands.outcome import exit_code
from hub.commands.words import progress, say_json, say_table


@click.group("store")
def group() -> None:
    """The published store itself."""


@group.command("migrate")
@district_option
@common
def migrate(district: str | None, config: Path | None, as_json: bool) -> None:
    """Create the tables, or bring them to what this version of the hub needs. `hub sync` does it too.

    \b
    Example:
      hub store migrate
    """
    settings = settings_of(config)
    from hub import pipeline
    from hub import store as stores

    done = []
    for each in districts_of(settings, district):
        stores.migrate(pipeline.open_store(settings, each.id))
        done.append(each.id)
    if as_json:
        return say_json({"migrated": done})
    return click.echo(f"The store of {', '.join(done)} is up to date.")


@group.command("rebuild")
@district_option
@common
def rebuild(district: str | None, config: Path | None, as_json: bool) -> int:
    """Make a lost store again out of everything that landed, night by night, with its history.

    The store must be gone or empty. Decisions of reviews and approvals lay in the store alone: they are asked again.

    \b
    Example:
      hub store rebuild --district maple-hollow
    """
    settings = settings_of(config)
    from hub import pipeline

    with progress() as callback:
        runs = pipeline.rebuild(settings, one_district(settings, district).id, callback)
    if as_json:
        say_json(runs)
    else:
        say_table(("Run*", "Year", "Status"), [(run.id, str(run.year), run.status) for run in runs])
        click.echo(f"{len(runs)} nights of what landed are in the store again.")
    return exit_code(runs)
