"""What a run did, in words, and the exit code that says whether a person must act."""

from __future__ import annotations

from collections.abc import Iterable

import click

from hub.commands.words import printable, say_table
from hub.model import Run

_FAILED = ("failed", "refused")


def exit_code(runs: Iterable[Run]) -> int:
    """0, or 1 where a source failed, a delivery was refused, or a publish is held or failed."""
    return int(any(r.status in ("held", "failed") or any(s.status in _FAILED for s in r.sources) for r in runs))


def say_run(run: Run) -> None:
    """One run: its sources, what it changed, what it held, what to do next."""
    click.echo(f"{run.district}, school year {run.year}: {run.status}. Run {run.id}.")
    if run.message:
        click.echo(printable(run.message))
    if run.sources:
        rows = [(s.source, s.status, len(s.files), s.received) for s in run.sources]
        say_table(("Source", "Status*", "Files", "Received (UTC)*"), rows)
    changes = [c for c in run.changes if c.added or c.changed or c.removed]
    if changes:
        rows_ = [(c.entity, c.before, c.added, c.changed, c.removed, c.after) for c in changes]
        say_table(("Entity", "Before", "Added", "Changed", "Removed", "After"), rows_)
    held = sum(h.rows for h in run.held)
    if held:
        faults = f"{held:,} fault{'' if held == 1 else 's'}"
        click.echo(f"Held back: {faults}. See `hub held list --district {run.district} --year {run.year}`.")
    for kept in (k for k in run.kept if k.source):
        click.echo(
            f"Kept: {kept.rows:,} of {kept.entity} from {kept.source} stay as run {kept.since} left them or later; "
            "the row that would confirm or end them cannot be used."
        )
    for source in run.sources:
        if source.message:
            owner = f" [{source.owner}]" if source.owner else ""
            click.echo(printable(f"{source.source}{owner}: {source.message} {source.remedy}".rstrip()))
        for proposal in source.proposals:
            click.echo(printable(f"{proposal.file} looks like {proposal.stream} under another name or header. Look:"))
            click.echo(f"  hub source adopt {source.source} --district {run.district} --year {run.year}")
    for breach in run.breaches:
        whose = f" of {breach.source}" if breach.source else ""
        click.echo(
            f"Guard: {breach.entity}{whose} would have {breach.rows:,} rows {breach.kind} ({breach.share:.1%}, "
            f"allowed {breach.limit:.1%})."
        )
    if run.status == "held":
        click.echo(f"Look at `hub report {run.id}`, then `hub publish approve {run.id}` or `... discard {run.id}`.")
