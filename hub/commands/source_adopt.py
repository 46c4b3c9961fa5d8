"""`hub source adopt`: a person confirms what a renamed file or column is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from hub.commands.options import common, district_option, one_district, settings_of, year_option
from hub.commands.words import printable, say_json, say_table
from hub.errors import FixConfiguration
from hub.model import Proposal


@click.command("adopt")
@click.argument("source")
@district_option
@year_option
@click.option("--file", "file", metavar="NAME", help="Only this file of the newest delivery.")
@click.option("--stream", metavar="NAME", help="The stream that the file is, where it looks like several.")
@click.option("--column", "columns", multiple=True, metavar="FILE=LAYOUT", help="Its name in the file and the layout.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@common
def adopt(
    source: str,
    district: str | None,
    year: int | None,
    file: str | None,
    stream: str | None,
    columns: tuple[str, ...],
    yes: bool,
    config: Path | None,
    as_json: bool,
) -> int:
    """Show what a file of SOURCE with an unknown name or header is probably, and write it down once you agree.

    It is written to `sources/VENDOR/` beside hub.yaml, which extends the hub's own folder. --json asks nothing: it
    writes only with --yes.

    \b
    Examples:
      hub source adopt map
      hub source adopt map --column "Test Result=TestRITScore" --yes
    """
    settings = settings_of(config)
    from hub.pipeline.proposals import proposals
    from hub.standards.vendors.adopting import adopt as write
    from hub.standards.vendors.sources import load_source

    slice = settings.slice(one_district(settings, district).id, year)
    named = {s.name: s for s in settings.district(slice.district).sources_of(slice.year)}
    if source not in named:
        raise FixConfiguration(f"hub.yaml has no source {source!r} in {slice.year}.", f"Use {', '.join(named)}.")
    vendor = named[source].vendor
    found = proposals(settings, slice, named[source], load_source(vendor, settings.specs, settings.vendors))
    found = tuple(p for p in found if file in (None, p.file) and stream in (None, p.stream))
    found = tuple(_told(p, columns) for p in found)
    ready = [p for p in found if p.columns or p.pattern]
    if not as_json:
        _say(found)
    twice = [p.file for p in ready if sum(p.file == q.file for q in ready) > 1]
    if twice and yes:
        raise FixConfiguration(f"{twice[0]} looks like several streams.", "Name the right one with --stream.")
    agreed = yes or bool(ready and not twice and not as_json and click.confirm("Write this?"))
    written = [write(p, vendor, settings.vendors, settings.specs) for p in ready] if agreed else []
    if as_json:
        say_json({"proposals": found, "written": sorted(set(written))})
    elif written:
        where = f" --district {slice.district} --year {slice.year}"
        click.echo(f"Written to {', '.join(sorted({str(p) for p in written}))}.")
        click.echo("The next sync reads what landed so. To read it now:")
        click.echo(f"  hub held replay --source {source}{where}")
    return int(not written)


def _told(proposal: Proposal, columns: tuple[str, ...]) -> Proposal:
    """The proposal with what the operator says of its columns: those it knows as unknown and as lost."""
    said = {}
    for pair in columns:
        name, equal, to = pair.partition("=")
        if not equal or name not in {*proposal.unknown, *proposal.columns}:
            raise FixConfiguration(
                f"{proposal.file} has no unknown column {name!r}.",
                'Write --column "FILE=LAYOUT" with the name in the file\'s header first.',
            )
        said[name] = to
    kept = {c: to for c, to in proposal.columns.items() if to not in said.values()}
    lost = tuple(c for c in proposal.lost if c not in said.values())
    return replace(proposal, columns={**kept, **said}, lost=lost, unknown=tuple(set(proposal.unknown) - said.keys()))


def _say(found: tuple[Proposal, ...]) -> None:
    if not found:
        click.echo("No file of the newest delivery looks like one of the vendor's under another name or header.")
    for p in found:
        click.echo(printable(f"{p.file} looks like stream {p.stream}, layout {p.layout}. In {p.document}:"))
        rows = [("renamed", name, to) for name, to in p.columns.items()]
        rows += [("pattern", p.file, p.pattern)] if p.pattern else []
        if rows:
            say_table(("Key*", "The file has", "It is"), rows)
        if p.lost:
            click.echo(printable(f"Still missing: {', '.join(p.lost)}."))
        if p.lost and p.unknown:
            click.echo(printable(f"One of these, perhaps? --column FILE=LAYOUT: {', '.join(p.unknown[:20])}."))
