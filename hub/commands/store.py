"""`hub store migrate`"""

from __future__ import annotations

from pathlib import Path

import click

from hub.commands.options import common, district_option, districts_of, settings_of
from hub.commands.words import say_json


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
