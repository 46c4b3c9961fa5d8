"""A vendor's sample file as a header and rows, or why it is none. What is said names places, never a value."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from hub.errors import AskVendor
from hub.standards.reading.excel import largest_sheet

ROWS = 20_000  # read of a sample
_JSON = "Write the folder by hand with `format: json`; schemas/README.md has `items:` and `columns:`."
_OTHER = (
    (b"%PDF", "a PDF", "Ask the vendor for the data as CSV or Excel: a PDF holds a page, not rows."),
    (b"PK\x03\x04", "a zip", "Unpack it, and take one of its files."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook, or one with a password", "Save it as .xlsx without a password."),
    (b"<", "XML or HTML", "Ask for CSV; Ed-Fi XML needs no new folder: the vendor is edfi-xml."),
    (b"{", "JSON", _JSON),
    (b"[", "JSON", _JSON),
)
_VALUE = re.compile(r"[+-]?\d+([.,]\d+)*%?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\S+@\S+\.\S+|")


@dataclass(frozen=True)
class SampleFile:
    """`rows` have at most as many cells as the header: in a longer one, cells stand under other columns' names.

    `sheet` is None of text; of a workbook "", or the sheet's name where it has several.
    """

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sheet: str | None = None


def read_sample(path: Path) -> SampleFile:
    """Raises AskVendor for a file that is neither delimited text nor a workbook, with a header and a row."""
    if _is_workbook(path):
        sheet, cells = largest_sheet(path)
        return _table(path, [tuple(row) for row in islice(cells, ROWS + 1)], "utf-8", ",", sheet)
    encoding, text = _decoded(path)
    delimiter = max(",\t;|", key=text.split("\n", 1)[0].count)
    lines: list[tuple[str, ...]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            lines.append(tuple(cell.strip() for cell in row))
            if len(lines) > ROWS:
                break
    except csv.Error:
        raise _refused(path, f"line {len(lines) + 1} is no row of a CSV file", "Export it anew, as CSV.") from None
    return _table(path, lines, encoding, delimiter)


def _is_workbook(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "xl/workbook.xml" in archive.namelist()


def _table(
    path: Path, lines: list[tuple[str, ...]], encoding: str, delimiter: str, sheet: str | None = None
) -> SampleFile:
    if not lines:
        raise _refused(path, "the file is empty", "Take a file with a header and at least one row.")
    header, rows = lines[0], [row for row in lines[1:] if any(row)]
    # A delimiter at the end of each line makes a column of no name and no value.
    blank = {n for n, name in enumerate(header) if not name} - {n for row in rows for n, cell in enumerate(row) if cell}
    _hold_header(path, header, rows, blank)
    fitting = tuple(row for row in rows if not any(row[len(header) :]))
    if len(rows) - len(fitting) > len(rows) / 10:
        said = (
            f"{len(rows) - len(fitting)} of {len(rows)} rows have more cells than the header has names, {len(header)}"
        )
        fix = "Delete lines that stand above the header, or have cells that hold the delimiter put in quotes."
        raise _refused(path, said, fix)
    kept, *taken = (tuple(cell for n, cell in enumerate(row) if n not in blank) for row in (header, *fitting))
    return SampleFile(encoding, delimiter, kept, tuple(taken), sheet)


def _hold_header(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], blank: set[int]) -> None:
    """The header's names go into the folder, so a line of values must never pass for one."""
    if len(header) - len(blank) < 2:
        fix = "Delete the lines above the header; the delimiter must be a comma, a semicolon, a tab or a |."
        raise _refused(path, "its first line is no header of several columns", fix)
    if not rows:
        raise _refused(path, "it has a header and no row", "Take a file with at least one row.")
    again = {n for row in rows for n, (name, cell) in enumerate(zip(header, row, strict=False)) if name == cell}
    values = [n + 1 for n, name in enumerate(header) if n not in blank and (n in again or _VALUE.fullmatch(name))]
    if values:
        said = f"its first line is no header: blank, or a value and not a name, in column {_places(values)}"
        fix = "Write the columns' names in the first line; where the vendor sends none, add `csv: {header: false}`."
        raise _refused(path, said, fix)
    if twice := [n for n, name in enumerate(header, 1) if name and header.count(name) > 1]:
        fix = "Delete titles above the header, or number the names (Score, Score.2) and add `number_repeated: true`."
        raise _refused(path, f"columns {_places(twice)} share a name", fix)


def _places(columns: Sequence[int]) -> str:
    return ", ".join(str(n) for n in columns[:5]) + (", ..." if len(columns) > 5 else "")


def _refused(path: Path, why: str, remedy: str) -> AskVendor:
    return AskVendor(f"{path.name}: {why}.", remedy)


def _decoded(path: Path) -> tuple[str, str]:
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", raw.decode("utf-16", errors="replace")
    for sign, what, remedy in _OTHER:
        if raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(sign):
            raise _refused(path, f"this is {what}", remedy)
    if b"\x00" in raw[:10_000]:
        raise _refused(path, "no text", "Export it as CSV, in UTF-8.")
    try:
        return "utf-8", raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252", raw.decode("cp1252", errors="replace")
