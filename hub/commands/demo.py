"""`hub demo`"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections import Counter
from pathlib import Path

import click

from hub.commands.options import debug_option, json_option
from hub.commands.words import printable, progress, say_json
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
        _say_night(run)
    _say_where(directory, runs)
    return _say_next(directory / "hub.yaml", runs[-1])


def _say_night(run: Run) -> None:
    """What came, what was published, what was held and why: a few lines, the report has the rest."""
    click.echo(f"{run.district}, school year {run.year}: {run.status}. Run {run.id}.")
    came = [f"{source.source}{'' if source.status == 'fresh' else f' ({source.status})'}" for source in run.sources]
    click.echo(f"  came       {', '.join(came)}")
    sums = {part: sum(getattr(change, part) for change in run.changes) for part in ("added", "changed", "removed")}
    rows = ", ".join(f"{n:,} rows {part}" for part, n in sums.items() if n) or "nothing changed"
    click.echo(f"  {'would be' if run.status == 'held' else 'published':<9}  {rows}")
    by_rule: Counter[str] = Counter()
    for held in run.held:
        by_rule[f"{held.source} {held.rule}"] += held.rows
    if by_rule:
        click.echo(f"  held back  {', '.join(f'{rule} {n:,}' for rule, n in by_rule.most_common())}")
    for source in run.sources:
        if source.status in ("refused", "failed"):
            click.echo(printable(f"  {source.status:<9}  {source.message}"))
    for breach in run.breaches:
        rest = (
            f"{breach.rows:,} of {breach.entity} would be {breach.kind} ({breach.share:.0%}, limit {breach.limit:.0%})"
        )
        click.echo(f"  guard      {rest}")


def _say_where(directory: Path, runs: list[Run]) -> None:
    state, last = directory / "state", runs[-1]
    came = len({file.sha256 for run in runs for source in run.sources for file in source.files})
    published = [run for run in runs if run.status == "published"]
    now = sum(change.after for change in published[-1].changes) if published else 0
    since = f" since run {published[-1].id}" if published else ""
    click.echo(f"\n{came:,} different files came in {len(runs)} nights; {now:,} rows are published{since}.")
    if last.status == "held":
        click.echo("The bad night waits for a person: what the night before published is untouched.")
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
