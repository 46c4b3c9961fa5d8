"""`hub review list|decide`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.commands.options import (
    by_option,
    common,
    decider,
    district_option,
    districts_of,
    one_district,
    open_ledger,
    open_records,
    settings_of,
)
from hub.commands.words import say_json, say_table
from hub.errors import FixConfiguration

if TYPE_CHECKING:
    from hub.store import Review, Store


@click.group("review")
def group() -> None:
    """Ids that disagree about who a student is: a person decides once, the hub remembers."""


@group.command("list")
@district_option
@click.option("--all", "everything", is_flag=True, help="Also those that are decided.")
@common
def list_reviews(district: str | None, everything: bool, config: Path | None, as_json: bool) -> None:
    """List what waits for a decision. The ids themselves stand in the landed file, at file and row.

    \b
    Example:
      hub review list
    """
    settings = settings_of(config)
    from hub import store

    found = [
        (each.id, review)
        for each in districts_of(settings, district)
        for review in store.reviews(open_ledger(settings, each.id), not everything)
    ]
    if as_json:
        return say_json([{"district": id_, "id": review.id} | vars(review) for id_, review in found])
    if not found:
        return click.echo("Nothing waits for a decision.")
    rows = [
        (r.id, id_, r.source, r.file, str(r.row), len(r.candidates), f"by {r.decided_by}" if r.decided_at else "open")
        for id_, r in found
    ]
    say_table(("Review*", "District", "Source", "File", "Row", "Students", "State"), rows)
    return click.echo("Whom the ids point at: `hub review show REVIEW`.")


@group.command("show")
@click.argument("review_id", metavar="REVIEW")
@district_option
@common
def show_review(review_id: str, district: str | None, config: Path | None, as_json: bool) -> None:
    """Show where the ids of a review stand, and where the students they point at do. No value is shown: open the landed
    file at that row.

    \b
    Example:
      hub review show 3f9a0c12d4e5b678
    """
    settings = settings_of(config)
    chosen = one_district(settings, district)
    review = _review(open_ledger(settings, chosen.id), review_id)
    if as_json:
        return say_json({"district": chosen.id, "id": review.id} | vars(review))
    blobs = settings.state / "landing" / chosen.id / "blobs"
    click.echo(f"Row {review.row:,} of a file of {review.source} gives ids of {len(review.candidates)} students:")
    click.echo(f"  {blobs / review.file[:2] / review.file}")
    rows = [(n, c.key[:12], c.source, c.row, c.file[:12]) for n, c in enumerate(review.candidates, 1)]
    say_table(("Candidate", "Key*", "Source", "Row", "File*"), rows)
    for file in dict.fromkeys(c.file for c in review.candidates if c.file):
        click.echo(f"File {file[:12]}: {blobs / file[:2] / file}")
    return click.echo(f"Decide: `hub review decide {review.id} --candidate N`, `--student ID` or `--none`.")


def _review(opened: Store, review_id: str) -> Review:
    from hub import store

    for review in store.reviews(opened, open_only=False):
        if review.id == review_id:
            return review
    raise FixConfiguration(f"No review {review_id}.", "List them with `hub review list --all`.")


@group.command("decide")
@click.argument("review_id", metavar="REVIEW")
@click.option("--student", metavar="ID", help="The studentUniqueId these ids belong to.")
@click.option("--candidate", type=click.IntRange(min=1), metavar="N", help="The student `hub review show` numbers so.")
@click.option("--none", "nobody", is_flag=True, help="They belong to none of the candidates.")
@district_option
@by_option
@common
def decide(
    review_id: str,
    student: str | None,
    candidate: int | None,
    nobody: bool,
    district: str | None,
    who: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Say whose ids these are. It holds from the next sync (or `hub held replay`) on, every night.

    \b
    Examples:
      hub review decide 3f9a0c12d4e5b678 --candidate 2
      hub review decide 3f9a0c12d4e5b678 --student 604822
      hub review decide 3f9a0c12d4e5b678 --none
    """
    if (student is not None) + (candidate is not None) + nobody != 1:
        raise click.UsageError("Give one of --candidate N, --student ID or --none.")
    settings = settings_of(config)
    chosen = one_district(settings, district)
    from hub import store

    opened = open_ledger(settings, chosen.id)
    if candidate is not None:
        known = _review(opened, review_id).candidates
        if candidate > len(known):
            raise FixConfiguration(f"Review {review_id} has {len(known)} candidates.", "See `hub review show`.")
        student = store.student_of(open_records(settings, chosen.id), known[candidate - 1].key)
    store.decide_review(opened, review_id, student, decider(who))
    if as_json:
        return say_json({"review": review_id, "decided": True})
    return click.echo(f"Review {review_id} is decided. `hub held replay` applies it now, `hub sync` tonight.")
