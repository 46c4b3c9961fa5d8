"""`hub export`: the published record in a standard that others read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.commands.options import common, district_option, one_district, open_records, settings_of, year_option
from hub.commands.words import progress, say_json, say_table
from hub.errors import FixConfiguration

if TYPE_CHECKING:
    from hub.commands.words import Progress
    from hub.model import Slice
    from hub.serve.oneroster_csv import Package
    from hub.store import Store


@click.group("export")
def group() -> None:
    """The published record, for systems that read a standard."""


@group.command("oneroster")
@click.option("--version", type=click.Choice(["1.1", "1.2"]), default="1.2", show_default=True)
@district_option
@year_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.zip")
@common
def oneroster(
    version: str, district: str | None, year: int | None, out: Path, config: Path | None, as_json: bool
) -> None:
    """Write a OneRoster CSV package, and tell what of the record it cannot carry.

    The package is bulk and conforms: `hub validate` passes it in the strict profile. Ids are those that the sources
    gave, else made of the natural key, the same on every export.

    \b
    Examples:
      hub export oneroster --out roster.zip
      hub export oneroster --version 1.1 --year 2027 --out roster.zip --json
    """
    settings = settings_of(config)
    slice_ = settings.slice(one_district(settings, district).id, year)
    if not out.parent.is_dir():
        raise FixConfiguration(f"There is no folder {out.parent}.", "Make it, or name another file.")
    with progress() as tell:
        made = write(open_records(settings, slice_.district), slice_, version, out, tell)
    if as_json:
        told = {"out": out, "version": version, "district": slice_.district, "year": slice_.year}
        return say_json({**told, "files": made.files, "filled": made.filled, "not_carried": made.lost})
    click.echo(f"{out}: OneRoster {version}, {slice_.district}, school year {slice_.year}.")
    say_table(("File*", "Rows"), [(f"{name}.csv", rows) for name, rows in made.files.items()])
    if made.filled:
        say_table(("Filled in*", "With"), list(made.filled.items()), "Required, and not in the record")
    if made.lost:
        rows = [(f"{x.of}{'.' if x.field else ''}{x.field}", x.rows, x.reason) for x in made.lost]
        say_table(("Not carried", "Values or rows", "Why"), rows)
    return None


def write(opened: Store, slice_: Slice, version: str, out: Path, tell: Progress) -> Package:
    """The package of one slice. Raises FixConfiguration where nothing is published."""
    from hub import store
    from hub.serve.oneroster_csv import Column, Plan, write_package
    from hub.standards.export.oneroster import columns, mapping

    plan = Plan(**mapping())
    published = store.snapshot(opened, slice_).keys()
    if not published:
        raise FixConfiguration(
            f"Nothing is published of {slice_.district} in {slice_.year}.", "Run `hub sync`, or name another --year."
        )
    layouts = {
        name: [Column(c.name, c.required, c.many, c.to, () if c.extensible else c.values) for c in of_file]
        for name, of_file in columns(version).items()
    }
    wanted = sorted(published | plan.carried.keys())
    with tempfile.TemporaryDirectory(prefix="hub-export-") as folder:
        record = {}
        for done, name in enumerate(wanted):
            tell("reading what is published", done, len(wanted))
            record[name] = Path(folder) / f"{name}.parquet"
            store.published_rows(opened, slice_, name, record[name])
        tell("writing the package", 0, 0)
        return write_package(record, layouts, plan, version, slice_.year, out, Path(folder) / "files")
