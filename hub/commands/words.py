"""Tables for people, JSON for programs, progress for both. Whatever a file is called, the terminal stays whole."""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

Progress = Callable[[str, int, int], None]
_PATIENCE = 2.0  # seconds before progress is shown


def say_json(value: Any) -> None:
    """Print dataclasses, paths and instants as JSON."""
    click.echo(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else list(value)


def printable(value: Any) -> str:
    """Text without control characters: a file's name must not steer the terminal."""
    text = "" if value is None else value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)
    return "".join(c if c.isprintable() else "�" for c in text)


def say_table(headings: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """A table as wide as the terminal, 80 columns where there is none. Numbers stand to the right; they and
    a column whose heading ends in `*` are never broken."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for i, heading in enumerate(headings):
        number = bool(rows) and all(isinstance(row[i], int) for row in rows)
        whole = number or heading.endswith("*")
        table.add_column(heading.rstrip("*"), justify="right" if number else "left", no_wrap=whole, overflow="fold")
    for row in rows:
        table.add_row(*(Text(f"{v:,}" if isinstance(v, int) else printable(v)) for v in row))
    Console(highlight=False).print(table)


@contextmanager
def progress() -> Iterator[Progress]:
    """A callback `(step, done, total)` that shows on stderr what takes over two seconds: a bar in a terminal,
    one line per step elsewhere."""
    show = _bar if sys.stderr.isatty() else _lines
    with show() as callback:
        yield callback


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    text = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("starting", total=None)
    timer = threading.Timer(_PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda step, done, total: bar.update(
            task, description=printable(step), completed=done, total=total or None
        )
    finally:
        timer.cancel()
        bar.stop()


@contextmanager
def _lines() -> Iterator[Progress]:
    began, told = time.monotonic(), ""

    def callback(step: str, done: int, total: int) -> None:
        nonlocal told
        if step != told and time.monotonic() - began > _PATIENCE:
            told = step
            click.echo(f"{printable(step)} ({done} of {total})" if total else printable(step), err=True)

    yield callback
