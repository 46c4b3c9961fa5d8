"""`hub publish approve|discard RUN`"""

from __future__ import annotations

from pathlib import Path

import click

from hub.commands.options import by_option, common, decider, district_option, find_run, settings_of
from hub.commands.outcome import exit_code, say_run
from hub.commands.words import say_json
from hub.errors import FixConfiguration


@click.group("publish")
def group() -> None:
    """Decide on a publish that the guard holds."""


@group.command("approve")
@click.argument("run_id", metavar="RUN")
@district_option
@by_option
@common
def approve(run_id: str, district: str | None, who: str | None, config: Path | None, as_json: bool) -> int:
    """Publish a held run after all: its removals and changes are meant.

    \b
    Example:
      hub publish approve 20261122T020000Z-1a2b3c
    """
    return _decide("approve", run_id, district, who, config, as_json)


@group.command("discard")
@click.argument("run_id", metavar="RUN")
@district_option
@by_option
@common
def discard(run_id: str, district: str | None, who: str | None, config: Path | None, as_json: bool) -> int:
    """Drop a held run: what is published stays as it is.

    \b
    Example:
      hub publish discard 20261122T020000Z-1a2b3c
    """
    return _decide("discard", run_id, district, who, config, as_json)


def _decide(verb: str, run_id: str, district: str | None, who: str | None, config: Path | None, as_json: bool) -> int:
    settings = settings_of(config)
    slice, run = find_run(settings, run_id, district)
    if run.status != "held":
        raise FixConfiguration(f"Run {run.id} is {run.status}, not held.", "`hub runs` shows which run is held.")
    from hub import pipeline

    act = pipeline.approve if verb == "approve" else pipeline.discard
    done = act(settings, slice, run.id, decider(who))
    if as_json:
        say_json(done)
    else:
        say_run(done)
    return exit_code([done])
