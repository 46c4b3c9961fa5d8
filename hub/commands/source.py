"""`hub source`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.commands import source_adopt, source_new
from hub.commands.options import common, district_option, settings_of, slices_of, year_option
from hub.commands.words import say_json, say_table
from hub.errors import FixConfiguration

if TYPE_CHECKING:
    from hub.pipeline.probing import Looked


@click.group("source")
def group() -> None:
    """Look at the systems that deliver, and add one."""


@group.command("probe")
@district_option
@year_option
@click.option("--source", "only", metavar="NAME", help="Only this source.")
@common
def probe(district: str | None, year: int | None, only: str | None, config: Path | None, as_json: bool) -> int:
    """Connect to each source and show what it offers: lists, rows of the first page, columns and types, no values.

    Files are listed and not opened. Nothing is kept. Ends with 1 where a source or a list of it does not answer.

    \b
    Examples:
      hub source probe
      hub source probe --source sis --json
    """
    settings = settings_of(config)
    slices = slices_of(settings, district, year)
    chosen = [(s, source) for s in slices for source in settings.district(s.district).sources_of(s.year)]
    if only and only not in {source.name for _, source in chosen}:
        names = ", ".join(sorted({source.name for _, source in chosen}))
        raise FixConfiguration(f"hub.yaml has no source {only!r}.", f"Use one of {names}.")
    from hub.pipeline.probing import probe as look

    told = []
    failed = False
    for slice, source in chosen:
        if only in (None, source.name):
            found = look(settings, slice, source)
            failed = failed or any(one.status == "failed" for one in found) or not found
            told.append({"district": slice.district, "year": slice.year, "source": source.name, "streams": found})
            if not as_json:
                title = f"{slice.district}, {slice.year}: {source.name} ({source.vendor})"
                there = [o for o in found if o.status != "not offered"]
                say_table(
                    ["list*", "status*", "rows", "columns", "the folder reads and does not find"],
                    [[o.stream, o.status, *_seen(o), ", ".join(o.missing)] for o in there],
                    title,
                )
                if len(there) < len(found):
                    click.echo(f"{len(found) - len(there)} more lists that the folder knows are not offered (--json).")
                for message in dict.fromkeys(f"{o.message} {o.remedy}" for o in found if o.message):
                    click.echo(message, err=True)
    if as_json:
        say_json(told)
    return int(failed)


def _seen(one: Looked) -> tuple[int | str, int | str]:
    return ("-", "-") if one.rows is None else (one.rows, len(one.columns))


group.add_command(source_new.new)
group.add_command(source_new.test)
group.add_command(source_adopt.adopt)
