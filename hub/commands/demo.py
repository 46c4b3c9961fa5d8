"""`hub demo`"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import click

from hub.commands.options import debug_option, json_option
from hub.commands.outcome import say_run
from hub.commands.words import progress, say_json
from hub.model import Run


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
    _say_where(directory, runs)
    return _say_next(directory / "hub.yaml", runs[-1])


def _say_where(directory: Path, runs: list[Run]) -> None:
    state, last = directory / "state", runs[-1]
    came = sum(len(s.files) for run in runs for s in run.sources if s.status == "fresh")
    published = [run for run in runs if run.status == "published"]
    now = sum(change.after for change in published[-1].changes) if published else 0
    click.echo(f"\nIn {len(runs)} nights {came:,} files came. Published are {now:,} rows, as of run", nl=False)
    click.echo(f" {published[-1].id}." if published else " none.")
    if last.status == "held":
        click.echo("The bad night was held: what the night before published is untouched, and waits for your decision.")
    report = state / "runs" / last.district / str(last.year) / last.id / "report.html"
    click.echo(f"\n  Store    {state / 'store' / f'{last.district}.db'}")
    click.echo(f"  Report   {report}\n  Settings {directory / 'hub.yaml'}")


def _say_next(config: Path, last: Run) -> None:
    from hub.demo.people import FIRST_LOCAL_ID

    click.echo("\nTry next:")
    tries = [
        ("runs", "what every night did"),
        ("report --open", "the bad night in your browser"),
        ("held list", "what was held, by rule"),
        (f"student show {FIRST_LOCAL_ID}", "one student's record, field by field"),
        *([(f"publish approve {last.id}", "publish the bad night after all")] if last.status == "held" else []),
        ("up", "the page of all runs, and the nightly schedule"),
    ]
    for words, meaning in tries:
        click.echo(f"  {meaning}\n    {_program()} {words} --config {shlex.quote(str(config))}")


def _program() -> str:
    """The word that starts this program again from where the reader stands: `make demo` has it in no PATH."""
    if shutil.which("hub"):
        return "hub"
    beside = Path(sys.executable).with_name("hub")
    if not beside.is_file():
        return "hub"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))
