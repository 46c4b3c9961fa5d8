"""`hub student show ID`"""

from __future__ import annotations

from datetime import UTC, datetime, time, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from hub.commands.options import common, district_option, one_district, open_records, settings_of, year_option
from hub.commands.words import printable, say_json, say_table
from hub.errors import FixConfiguration

if TYPE_CHECKING:
    from hub.config import Settings


@click.group("student")
def group() -> None:
    """One student's record, now or as it was."""


@group.command("show")
@click.argument("student_id", metavar="ID")
@district_option
@click.option(
    "--as-of", "day", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="As it was at the end of this day."
)
@year_option
@common
def show_student(
    student_id: str, district: str | None, day: datetime | None, year: int | None, config: Path | None, as_json: bool
) -> None:
    """Show everything published about a student (studentUniqueId), each row with where it came from.

    \b
    Examples:
      hub student show 604822
      hub student show 604822 --as-of 2026-10-01
    """
    settings = settings_of(config)
    chosen = one_district(settings, district)
    from hub import store

    when = None if day is None else datetime.combine(day, time.max, _zone(settings)).astimezone(UTC)
    record = store.student_record(open_records(settings, chosen.id), student_id, when, year)
    if not record:
        at = f" on {day:%Y-%m-%d}" if day else ""
        raise FixConfiguration(
            f"No student with that id is published in {chosen.id}{at}.", "Check the id (studentUniqueId) and the date."
        )
    if as_json:
        return say_json(record)
    for entity, rows in record.items():
        for row in rows:
            click.echo(f"{entity}: {_origin(row)}")
            told = ((k, _lines(v)) for k, v in row.items() if _told(k, v))
            say_table(("Field*", "Value"), [("" if n else k, line) for k, v in told for n, line in enumerate(v)])
    return None


def _origin(row: dict[str, Any]) -> str:
    # A file by the start of its hash; --json has the whole.
    return f"{row['_source']}, file {str(row['_file'])[:12]} row {row['_row']}, since {row['_valid_from']:%Y-%m-%d}"


def _told(name: str, value: Any) -> bool:
    return not name.startswith("_") and value not in (None, "", [], {})


def _zone(settings: Settings) -> tzinfo:
    return ZoneInfo(settings.schedule.timezone) if settings.schedule else UTC


def _lines(value: Any, indent: str = "") -> list[str]:
    """A line for each item of a list and, further in, of the lists in it; --json has the names of its values."""
    if isinstance(value, list):
        return [line for item in value for line in _lines(item, indent)]
    if isinstance(value, dict):
        plain = _plain({k: v for k, v in value.items() if not isinstance(v, list)})
        inner = [line for v in value.values() if isinstance(v, list) for line in _lines(v, indent + "  ")]
        return [indent + plain, *inner] if plain else inner
    return [indent + _plain(value)]


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(_plain(v) for v in value.values() if v not in (None, ""))
    text = printable(value)
    # A descriptor reads better by its code; --json has the whole.
    return text.split("#", 1)[1] if text.startswith("uri://") and "#" in text else text
