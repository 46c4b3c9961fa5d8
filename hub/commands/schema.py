"""`hub schema list|show|export`: the standards that the hub knows, and their specs in other words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.commands.options import debug_option, json_option
from hub.commands.words import progress, say_json, say_table
from hub.errors import FixConfiguration

if TYPE_CHECKING:
    from hub.standards.export.catalog import Item
    from hub.standards.export.sheet import Line, Sheet

_standard = click.option("--standard", metavar="NAME", help="ed-fi or oneroster.")
_version = click.option("--version", metavar="X.Y", help="Version of the standard.")
_kind = click.option(
    "--kind", metavar="KIND", help="entity, association, descriptor, common, interchange, file or object."
)


@click.group("schema")
def group() -> None:
    """The standards as the hub knows them: read a spec, or take it along."""


@group.command("list")
@_standard
@_version
@_kind
@json_option
@debug_option
def list_(standard: str | None, version: str | None, kind: str | None, as_json: bool) -> None:
    """What there is: standard, version, kind and name of every spec.

    \b
    Examples:
      hub schema list --standard oneroster
      hub schema list --version 6.1 --kind descriptor --json
    """
    from hub.standards.export.catalog import items

    found = items(standard, version, kind)
    if as_json:
        return say_json([_as_json(i) for i in found])
    return say_table(
        ("Standard*", "Version*", "Kind*", "Name"), [(i.standard, i.version, i.kind, i.name) for i in found]
    )


@group.command("show")
@click.argument("name")
@_standard
@_version
@_kind
@json_option
@debug_option
def show(name: str, standard: str | None, version: str | None, kind: str | None, as_json: bool) -> None:
    """One spec: key, fields with type and limits, references, vocabulary, privacy class and rules.

    NAME is as `hub schema list` has it, or the resource of an entity. Without --version it is the one that the hub
    itself speaks: Ed-Fi 5.2, OneRoster 1.2.

    \b
    Examples:
      hub schema show StudentSchoolAssociation
      hub schema show users --standard oneroster --version 1.1
      hub schema show GradeLevelDescriptor --json
    """
    from hub.standards.export.catalog import items, one
    from hub.standards.export.sheets import sheet

    found = sheet(one(name, items(standard, version, kind)))
    if as_json:
        return say_json({**dataclasses.asdict(found), "item": _as_json(found.item)})
    return _say(found)


@group.command("export")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--format", "form", type=click.Choice(["json-schema", "xsd", "gx", "sql", "markdown"]), required=True,
    help="json-schema: bodies, objects and rows. xsd: interchanges. gx: Great Expectations suites. "
    "sql: the store's tables. markdown: the data dictionary.",
)  # fmt: skip
@_standard
@_version
@_kind
@click.option(
    "--dialect", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True, help="For sql."
)
@click.option("--out", required=True, metavar="DIR|-", help="A folder, or - for standard output.")
@debug_option
@json_option
def export(
    names: tuple[str, ...],
    form: str,
    standard: str | None,
    version: str | None,
    kind: str | None,
    dialect: str,
    out: str,
    as_json: bool,
) -> None:
    """Write specs in other words. Without NAME all that the format can say, of every version unless one is given.

    \b
    Examples:
      hub schema export --format markdown --out dictionary/
      hub schema export Student users --format json-schema --out -
      hub schema export --format xsd --version 6.1 --out xsd/
      hub schema export --format sql --dialect postgresql --version 5.2 --out -
    """
    from hub.commands.schema_files import made
    from hub.standards.export.catalog import items, named

    found = items(standard, version, kind)
    chosen = named(names, found, latest=version is None) if names else found
    if out == "-":
        for _, text in made(form, chosen, dialect):
            click.echo(text, nl=False)
        return
    written = _write(Path(out), form, chosen, dialect)
    if as_json:
        say_json({"folder": out, "files": written})


def _write(folder: Path, form: str, chosen: Sequence[Item], dialect: str) -> list[str]:
    from hub.commands.schema_files import made

    written: list[str] = []
    try:
        with progress() as tell:
            for name, text in made(form, chosen, dialect):
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                written.append(name)
                tell(f"writing {form}", len(written), 0)
    except OSError as error:
        raise FixConfiguration(f"{folder} cannot be written to ({error.strerror}).", "Name another folder.") from None
    click.echo(f"{len(written):,} file{'s' * (len(written) != 1)} in {folder}.", err=True)
    return written


def _say(found: Sheet) -> None:
    item = found.item
    click.echo(f"{item.name}: {item.kind} of {item.standard} {item.version}")
    for name, said in found.facts.items():
        click.echo(click.wrap_text(f"{name}: {said}", initial_indent="  ", subsequent_indent="    "))
    if found.fields:
        say_table(("Field*", "What it holds"), [(_indented(line.name), _holds(line)) for line in found.fields])
    if found.rules:
        say_table(("Rule", "Severity*", "Looks at"), [(r.rule, r.severity, r.columns) for r in found.rules])
    if found.codes:
        click.echo("Default codes:")
        for code in found.codes:
            click.echo(f"  {code}")


def _indented(name: str) -> str:
    """`addresses[].city` as `city` below `addresses`."""
    outer, _, own = name.rpartition(".")
    return f"{'  ' * outer.count('.') + '  ' * bool(outer)}{own}"


def _holds(line: Line) -> str:
    said = [line.type, line.limits, "required" * line.required, "key" * line.key]
    said += [
        f"names {line.references}" * bool(line.references),
        "one of " * (", " in line.vocabulary) + line.vocabulary,
    ]
    return ", ".join(s for s in said if s) + (f" [{line.pii}]" if line.pii else "")


def _as_json(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ("standard", "version", "kind", "name")}
