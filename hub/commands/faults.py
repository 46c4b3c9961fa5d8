"""How a command ends badly: the message and the remedy, never a traceback unasked, never a student's value."""

from __future__ import annotations

import json
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click

from hub.commands.words import printable
from hub.errors import HubError, places_of

DEFECT = 70


def fail(ctx: click.Context, error: HubError) -> None:
    """Say what went wrong and what to do; as JSON too where the caller asked for it."""
    if ctx.meta.get("hub.json"):
        click.echo(json.dumps(as_json(error), indent=2))
    tell(ctx, error)


def tell(ctx: click.Context, error: HubError) -> None:
    """The message and the remedy on stderr."""
    if ctx.meta.get("hub.debug"):
        traceback.print_exception(error)
    click.secho(_lines(error.message), fg="red", err=True)
    if error.remedy:
        click.echo(_lines(error.remedy), err=True)


def _lines(said: str) -> str:
    return "\n".join(printable(line) for line in said.split("\n"))


def as_json(error: HubError) -> dict[str, object]:
    return {"error": error.message, "remedy": error.remedy, "exit_code": error.exit_code}


def tell_defect(ctx: click.Context, error: Exception) -> None:
    """One line for the reader, the places for whoever repairs it. The error's own text may quote a row: it is kept
    out of both and shown with --debug only."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log = _write(ctx, [type(error).__name__, *places])
    if ctx.meta.get("hub.debug"):
        traceback.print_exception(error)
    click.secho(
        f"This is a defect of the hub, not of your data: {type(error).__name__} at {places_of(error)}. "
        f"The places are in {log}; please report it with that file.",
        fg="red",
        err=True,
    )


def _write(ctx: click.Context, lines: list[str]) -> Path:
    text = "\n  ".join([f"{datetime.now(UTC).isoformat(timespec='seconds')} {ctx.invoked_subcommand}", *lines]) + "\n"
    for folder in (ctx.meta.get("hub.state"), Path(tempfile.gettempdir())):
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with (folder / "hub-defects.log").open("a", encoding="utf-8") as log:
                    log.write(text)
            except OSError:
                continue
            return Path(folder / "hub-defects.log")
    return Path("no log: no folder could be written")
