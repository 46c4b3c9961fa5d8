"""`hub validate PATH...`"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.commands.options import (
    config_option,
    debug_option,
    district_option,
    json_option,
    one_district,
    open_records,
    settings_of,
    year_option,
)
from hub.errors import FixConfiguration

if TYPE_CHECKING:
    from hub.standards.validation import Known

FORMATS = ("text", "json", "html", "csv", "junit")
_path = click.Path(path_type=Path)


@click.command("validate")
@click.argument("paths", metavar="PATH...", nargs=-1, type=_path)
@click.option("--standard", metavar="NAME", help="oneroster or ed-fi.  [default: recognised]")
@click.option("--version", metavar="X.Y", help="Version of the standard.  [default: recognised]")
@click.option(
    "--kind", metavar="NAME", help="Resource or collection of JSON, such as students.  [default: the file's name]"
)
@click.option(
    "--profile", default="strict", show_default=True, help="strict as a certification judges, lenient as an importer."
)
@click.option("--previous", type=_path, multiple=True, metavar="PATH", help="An earlier delivery to compare with.")
@click.option("--store", "look_up", is_flag=True, help="Look references up in what is published (of hub.yaml) too.")
@config_option
@district_option
@year_option
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the result there.")
@click.option(
    "--max-per-rule", type=click.IntRange(min=1), default=100, show_default=True, help="Places shown; counts are exact."
)
@click.option("--show-values", is_flag=True, help="Show the values too: they may be a student's.")
@click.option("--explain", metavar="RULE", help="Print what a rule asks for, and stop.")
@json_option
@debug_option
def command(
    paths: tuple[Path, ...],
    standard: str | None,
    version: str | None,
    kind: str | None,
    profile: str,
    previous: tuple[Path, ...],
    look_up: bool,
    config: Path | None,
    district: str | None,
    year: int | None,
    form: str,
    out: Path | None,
    max_per_rule: int,
    show_values: bool,
    explain: str | None,
    as_json: bool,
) -> int:
    """Check a feed before it is sent: a zip, a folder, CSV, XML or JSON files, or - for standard input.

    Needs no configuration and no network. Exit code 0: the feed conforms, 1: it does not, 2: it is no feed or
    cannot be read, 3: usage.

    \b
    Examples:
      hub validate package.zip
      hub validate package.zip --profile lenient --previous last-night.zip
      hub validate delta.zip --store --district my-district
      hub validate package.zip --format junit --out result.xml
      hub validate --explain oneroster.type.date
    """
    if explain:
        return _explain(explain, as_json)
    if as_json and form not in ("text", "json"):
        raise click.UsageError(f"--json and --format {form} ask for two formats at once.")
    form = "json" if as_json else form
    if not paths:
        raise click.UsageError("Name what to check: a zip, a folder, files, or - for standard input.")
    from hub.commands.words import progress
    from hub.standards.validation import validate
    from hub.standards.validation.formats import FORMATS as WRITERS
    from hub.standards.validation.formats import counted, text

    if not look_up and (district or year or config):
        raise click.UsageError("--config, --district and --year say whose store --store looks into: add --store.")
    if out is not None and not out.parent.is_dir():
        raise _unwritable(out, "No such folder")
    with _on_disk(paths) as given, _published(look_up, config, district, year) as known, progress() as told:
        found = validate(
            given,
            standard=standard,
            version=version,
            profile=profile,
            previous=previous or None,
            max_per_rule=max_per_rule,
            show_values=show_values,
            kind=kind,
            store=known,
            progress=told,
        )
    if form == "text" and out is None:
        click.echo(_coloured(text(found, _width())), nl=False)
    elif out is None:
        click.echo(WRITERS[form](found), nl=False)
    else:
        _write(out, WRITERS[form](found))
        said = "conforms" if found.conforms else "does not conform"
        click.echo(f"{said}: {counted(found.errors, 'error')}, {counted(found.warnings, 'warning')}. {out}", err=True)
    return 0 if found.conforms else 1


def _width() -> int:
    """As wide as the terminal, from 40 columns to the 100 that read well."""
    return min(max(shutil.get_terminal_size((80, 24)).columns, 40), 100)


_COLOURS = {"error:": "red", "warning:": "yellow", "does not conform.": "red", "conforms.": "green"}
_COLOURED = re.compile(r"(?m)(?<=^  )(?:error|warning):|(?<=: )(?:does not conform|conforms)\.$")


def _coloured(said: str) -> str:
    """Severities and verdict in colour; click takes it out again where there is no terminal."""
    return _COLOURED.sub(lambda found: click.style(found[0], fg=_COLOURS[found[0]]), said)


def _write(out: Path, said: str) -> None:
    try:
        out.write_text(said, encoding="utf-8")
    except OSError as error:
        raise _unwritable(out, str(error.strerror)) from None


def _unwritable(out: Path, why: str) -> FixConfiguration:
    return FixConfiguration(f"{out} cannot be written ({why}).", "Name a file in a folder that is there.")


@contextmanager
def _on_disk(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Standard input as a file that is deleted afterwards."""
    if Path("-") not in paths:
        yield list(paths)
        return
    with tempfile.TemporaryDirectory(prefix="hub-stdin-") as folder:
        copy = Path(folder) / "stdin"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield [copy if path == Path("-") else path for path in paths]


@contextmanager
def _published(look_up: bool, config: Path | None, district: str | None, year: int | None) -> Iterator[Known | None]:
    """What the store of a district knows, or None where it is not to be asked."""
    if not look_up:
        yield None
        return
    from hub.commands.published import known

    settings = settings_of(config)
    slice_ = settings.slice(one_district(settings, district).id, year)
    with tempfile.TemporaryDirectory(prefix="hub-published-") as folder:
        yield known(open_records(settings, slice_.district), slice_, Path(folder))


def _explain(name: str, as_json: bool) -> int:
    from hub.commands.words import say_json
    from hub.standards.validation.explain import explain, page

    found = explain(name)
    if as_json:
        say_json(found)
    else:
        click.echo(page(found), nl=False)
    return 0
