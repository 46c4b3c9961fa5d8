"""`hub held list|show|replay`"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.commands.options import (
    common,
    district_option,
    districts_of,
    known_sources,
    open_ledger,
    settings_of,
    slices_of,
    year_option,
)
from hub.commands.outcome import exit_code, say_run
from hub.commands.words import printable, progress, say_json, say_table
from hub.model import Run

if TYPE_CHECKING:
    from hub.config import Settings

_source = click.option("--source", metavar="NAME", help="Only this source.")


@click.group("held")
def group() -> None:
    """Rows that were held back: how many by which rule, where they stand, and trying them again."""


@group.command("list")
@district_option
@year_option
@_source
@common
def list_held(district: str | None, year: int | None, source: str | None, config: Path | None, as_json: bool) -> None:
    """Count the faults by source, entity, field and rule.

    \b
    Example:
      hub held list --source sis
    """
    settings = settings_of(config)
    known_sources(settings, district, [source] if source else [])
    from hub import store

    if not as_json:
        _say_proposals(settings, district, year, source)
    counts: Counter[tuple[str, str, str, str, str]] = Counter()
    for each in districts_of(settings, district):
        for row in store.held_rows(open_ledger(settings, each.id), year, source, None, None):
            counts[each.id, row.source, row.entity, row.field, row.rule] += 1
    names = ("district", "source", "entity", "field", "rule")
    if as_json:
        return say_json([dict(zip(names, key, strict=True)) | {"faults": n} for key, n in counts.most_common()])
    if not counts:
        waits = [
            run.id
            for each in districts_of(settings, district)
            for run in store.runs(open_ledger(settings, each.id), year, 1)
            if run.status == "held" and run.held
        ]
        click.echo("Nothing is held of what is published.")
        for run_id in waits:
            click.echo(f"What run {run_id} holds, which waits for a person:\n  hub report {run_id}")
        return None
    # The rule is what the next command asks for, and one district needs no column: both fit 80 columns then.
    headings, first = ("District", "Source", "Rule*", "Entity", "Field", "Faults"), len({k[0] for k in counts}) == 1
    rows = [(d, s, rule, entity, field, n) for (d, s, entity, field, rule), n in counts.most_common()]
    say_table(headings[first:], [row[first:] for row in rows])
    return click.echo("Where they stand: `hub held show RULE`.")


def _say_proposals(settings: Settings, district: str | None, year: int | None, only: str | None) -> None:
    """Files that the last run did not know by their name or header, above the rows of those it knew."""
    from hub import store

    for each in districts_of(settings, district):
        for run in store.runs(open_ledger(settings, each.id), year, 1):
            for told in (s for s in run.sources if s.proposals and only in (None, s.source)):
                files = ", ".join(dict.fromkeys(p.file for p in told.proposals))
                click.echo(printable(f"{told.source}: {files} has an unknown name or header. What it looks like:"))
                click.echo(f"  hub source adopt {told.source} --district {run.district} --year {run.year}")


@group.command("show")
@click.argument("rule")
@district_option
@year_option
@_source
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="How many of each district.")
@common
def show_held(
    rule: str,
    district: str | None,
    year: int | None,
    source: str | None,
    limit: int,
    config: Path | None,
    as_json: bool,
) -> None:
    """Show the places (file, row, field) that a rule holds. The value stays in the landed file.

    \b
    Example:
      hub held show missing --source sis
    """
    settings = settings_of(config)
    known_sources(settings, district, [source] if source else [])
    from hub import store
    from hub.standards.rules import load_rules

    found: list[tuple[str, store.HeldRow]] = []
    names: dict[str, str] = {}
    for each in districts_of(settings, district):
        ledger = open_ledger(settings, each.id)
        rows = store.held_rows(ledger, year, source, rule, limit)
        found += [(each.id, row) for row in rows]
        # A row may be held for longer than any list of runs goes back: its file came by the run it is held since.
        since = [store.find_run(ledger, run_id) for run_id in dict.fromkeys(row.since_run for row in rows)]
        names |= _file_names(run for run in since if run is not None)
    if as_json:
        return say_json([{"district": id_} | vars(row) | {"name": names.get(row.file, "")} for id_, row in found])
    if not found:
        return click.echo(f"Nothing is held by rule {rule}. `hub held list` names the rules.")
    meaning = load_rules().get(rule)
    if meaning is not None:
        click.echo(f"{meaning.sentence} {meaning.remedy}")
    # A file by its name and the start of its hash: two of one name may both be in use. --json has the whole.
    told = [(f"{names.get(r.file, '')} {r.file[:12]}".lstrip(), r) for _, r in found]
    lines = [(r.source, file, str(r.row), r.entity, r.field, _day(r.since_run)) for file, r in told]
    return say_table(("Source", "File", "Row*", "Entity", "Field", "Since*"), lines)


def _day(run: str) -> str:
    return f"{run[:4]}-{run[4:6]}-{run[6:8]}"


def _file_names(runs: Iterable[Run]) -> dict[str, str]:
    """SHA-256 of a file -> its name."""
    return {f.sha256: f.name for run in runs for s in run.sources for f in s.files}


@group.command("replay")
@district_option
@year_option
@_source
@common
def replay_held(district: str | None, year: int | None, source: str | None, config: Path | None, as_json: bool) -> int:
    """Read the landed files again, without asking any vendor: after a mapping, rule or answer has changed.

    \b
    Example:
      hub held replay --district maple-hollow --source map
    """
    settings = settings_of(config)
    known_sources(settings, district, [source] if source else [])
    from hub import pipeline

    runs = []
    for slice in slices_of(settings, district, year):
        with progress() as callback:
            runs.append(pipeline.replay(settings, slice, source=source, progress=callback))
    if as_json:
        say_json(runs)
    else:
        for run in runs:
            say_run(run)
    return exit_code(runs)
