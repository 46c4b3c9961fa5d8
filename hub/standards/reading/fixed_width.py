"""Fixed-width records: the layout table says where each column stands; nothing is guessed from the text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.engine import keep, keep_cells
from hub.errors import AskVendor, FixConfiguration
from hub.model import Stream
from hub.standards.reading.csv_files import Header, Reject, cleaned, constants, reject_records, renumber
from hub.standards.reading.plain_text import head, read_strictly

_BLANK = " \t\r\x1a"  # \x1a ends a file on older systems


@dataclass(frozen=True)
class Cut:
    """Where a column stands: `start` from 1, `length` in characters. Every record must fit `matches`, where there."""

    name: str
    start: int
    length: int
    matches: str = ""

    @property
    def end(self) -> int:
        return self.start + self.length - 1


def read_layout(path: Path) -> tuple[Cut, ...]:
    """A layout table: a CSV file with `name,start,length` and, where wanted, `matches` (a regular expression).

    Raises FixConfiguration with the line of what is no place.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cuts: list[Cut] = []
    for line, row in enumerate(rows, start=2):
        try:
            cut = Cut(row["name"], int(row["start"]), int(row["length"]), row.get("matches") or "")
            if cut.start < 1 or cut.length < 1 or not cut.name or cut.name in {c.name for c in cuts}:
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise FixConfiguration(
                f"{path.parent.parent.name}/lists/{path.name}:{line}: not a column of a fixed-width layout.",
                "Write name,start,length: each name once, start from 1, length in characters.",
            ) from None
        cuts.append(cut)
    return tuple(cuts)


def read_version(path: Path, name: str, stream: Stream) -> Header:
    """Which layout the first record has, by its length and by what `matches` asks of it: its columns and version.

    Raises AskVendor for an empty file, NUL bytes, or a record that fits no layout or more than one.
    """
    text = head(path, name, stream)
    first = next((line for line in re.split(r"\r\n|\n|\r", text) if line.strip(_BLANK)), "")
    layouts: dict[str, tuple[Cut, ...]] = stream.options["cuts"]
    fitting = [version for version, cuts in layouts.items() if _fits(first, cuts, stream)]
    if len(fitting) != 1:
        lengths = ", ".join(f"{version}: {_length(cuts)}" for version, cuts in layouts.items())
        raise AskVendor(
            f"{name}: the first record has {len(first)} characters and is of "
            f"{'more than one' if fitting else 'no'} layout (records of {lengths}; rule fixed.layout).",
            "Send the layout named in the vendor's folder, or declare the new one there.",
        )
    return Header(tuple(c.name for c in layouts[fitting[0]]), version=fitting[0])


def cut_records(
    con: Any,
    path: Path,
    table: str,
    header: Header,
    stream: Stream,
    used: set[str],
    place: dict[str, str | int | None],
) -> Iterator[Reject]:
    """Makes DuckDB table `table` of the used columns as trimmed text (blank is null) with `_row`, the number of the
    line; yields what is no record of the layout. Blank lines are none and are passed over.
    """
    # No text holds the delimiter: a line that does is refused as more than one column.
    relation = read_strictly(con.con, path, ["line"], header=False, delimiter="\x01", quote="", escape="")
    view, raw = f"{table}__file", f"{table}__lines"
    relation.create_view(view, replace=True)
    keep_cells(con, raw, view, lambda cell: cell, {"line": "line"}, {})
    con.drop_view(view, force=True)
    unread = reject_records(con, header=False)
    if unread:
        renumber(con, raw, unread)
    cuts: tuple[Cut, ...] = stream.options["cuts"][header.version]
    lines = con.table(raw)
    lines = lines.filter(~lines["line"].strip().isin(["", "\x1a"]))
    length = lines["line"].length()
    whole = length.between(1, _length(cuts)) if _short(stream) else length == _length(cuts)
    fits = whole
    for cut in cuts:
        if cut.matches:
            fits &= _cell(lines, cut).re_search(f"^(?:{cut.matches})$")
    wrong = lines.filter(~fits).select("_row", ragged=~whole).order_by("_row")
    rejects = [Reject(r["_row"], "fixed.length" if r["ragged"] else "fixed.layout") for r in _rows(con, wrong)]
    cells = {c.name: cleaned(_cell(lines, c), stream.options.get("nulls", [])) for c in cuts if c.name in used}
    keep(con, table, lines.filter(fits).select(**cells, _row=lines["_row"], **constants(place)).order_by("_row"))
    con.drop_table(raw, force=True)
    yield from sorted([*rejects, *unread], key=lambda reject: reject.row)


def _cell(lines: Any, cut: Cut) -> Any:
    return lines["line"].substr(cut.start - 1, cut.length)


def _rows(con: Any, rows: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = con.to_pyarrow(rows).to_pylist()
    return found


def _length(cuts: tuple[Cut, ...]) -> int:
    return max(cut.end for cut in cuts)


def _short(stream: Stream) -> bool:
    """Whether blanks at the end of a record may have been cut off."""
    return bool(stream.options.get("short_records"))


def _fits(record: str, cuts: tuple[Cut, ...], stream: Stream) -> bool:
    whole = len(record) <= _length(cuts) if _short(stream) else len(record) == _length(cuts)
    return whole and all(re.fullmatch(c.matches, record[c.start - 1 : c.end]) for c in cuts if c.matches)
