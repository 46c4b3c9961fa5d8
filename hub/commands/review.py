"""`hub review list|decide`"""

from __future__ import annotations

from pathlib import Path

import click

from hub.commands.options import (
    by_option,
    common,
    decider,
    district_option,
    districts_of,
    one_district,
    open_ledger,
    settings_of,
)
from hub.commands.words import say_json, say_table


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
    return click.echo("Decide with `hub review decide REVIEW --student ID`, or `--none`.")


@group.command("decide")
@click.argument("review_id", metavar="REVIEW")
@click.option("--student", metavar="ID", help="The studentUniqueId these ids belong to.")
@click.option("--none", "nobody", is_flag=True, help="They belong to none of the candidates.")
@district_option
@by_option
@common
def decide(
    review_id: str,
    student: str | None,
    nobody: bool,
    district: str | None,
    who: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Say whose ids these are. It holds from the next sync (or `hub held replay`) on, every night.

    \b
    Examples:
      hub review decide 3f9a0c12d4e5b678 --student 604822
      hub review decide 3f9a0c12d4e5b678 --none
    """
    if bool(student) == nobody:
        raise click.UsageError("Give either --student ID or --none.")
    settings = settings_of(config)
    chosen = one_district(settings, district)
    from hub import store

    store.decide_review(open_ledger(settings, chosen.id), review_id, student, decider(who))
    if as_json:
        return say_json({"review": review_id, "decided": True})
    return click.echo(f"Review {review_id} is decided. `hub held replay` applies it now, `hub sync` tonight.")
