"""`hub demo`"""

from __future__ import annotations

from pathlib import Path

import click

from hub.commands.options import debug_option, json_option
from hub.commands.outcome import say_run
from hub.commands.words import progress, say_json


@click.command("demo")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default="demo-district",
    show_default=True,
    help="Where to build it.",
)
@json_option
@debug_option
def command(directory: Path, as_json: bool) -> None:
    """Build a fictional district and run two nights and one bad night through the real path.

    \b
    Example:
      hub demo --dir /tmp/demo-district
    """
    from hub.demo.play import play

    with progress() as callback:
        runs = play(directory, callback)
    if as_json:
        return say_json(runs)
    for night, run in enumerate(runs, start=1):
        click.echo(f"\nNight {night}")
        say_run(run)
    config = directory / "hub.yaml"
    click.echo(f"\nThe store and the reports are in {directory / 'state'}. Try next:")
    for words in ("runs", "held list", "report --open", "up"):
        click.echo(f"  hub {words} --config {config}")
    return None
