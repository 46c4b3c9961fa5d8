"""A sheet of a workbook as rows of text: as a person reads the cells, where the workbook tells it.

What cannot be told is refused and not made blank: a formula's error, and the digits Excel drops past the fifteenth.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from lxml import etree

from hub.engine import keep
from hub.errors import AskVendor
from hub.model import Stream
from hub.standards.reading.csv_files import Header, Reject, against_layout, cleaned, constants

_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_BATCH = 50_000
_EXACT = 10**15  # Excel keeps fifteen digits of a number


def is_workbook(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def largest_sheet(path: Path) -> tuple[str, Iterator[list[str]]]:
    """The name of the sheet with the most rows, "" where it is the only one, and its rows as text. For a sample: a
    night is told which sheet is meant. Raises AskVendor for what is no workbook or locked."""
    with _book(path, path.name) as book:
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
    sheet = max(sheets, key=lambda sheet: sheet.height)
    return (sheet.name if len(sheets) > 1 else ""), ([_text(cell).strip() for cell in row] for row in _rows(sheet))


def sheet_header(path: Path, name: str, stream: Stream) -> Header:
    """The header row of the stream's sheet.

    Raises AskVendor for what is no workbook or locked, for no sheet of that name or several, and as for CSV.
    """
    return against_layout(first_row(path, name, stream), name, stream)


def first_row(path: Path, name: str, stream: Stream) -> list[str]:
    """The cells of the header row. Raises AskVendor as `sheet_header` does for what it cannot read."""
    rows = islice(_rows(_sheet(path, name, _pattern(stream))), _skip(stream), None)
    columns = [_text(cell).strip() for cell in next(rows, [])]
    while columns and not columns[-1]:
        columns.pop()
    if not columns:
        raise AskVendor(f"{name}: the sheet is empty (rule csv.empty).", "Send the file again; nothing was changed.")
    return columns


def read_sheet(
    con: Any,
    path: Path,
    name: str,
    table: str,
    header: Header,
    stream: Stream,
    used: set[str],
    place: dict[str, str | int | None],
) -> list[Reject]:
    """Makes DuckDB table `table` of the used columns as trimmed text (blank is null) with `_row`, counted from the row
    below the header; gives the rows that hold an error or a number whose digits are lost. Blank rows are passed over.
    """
    import ibis
    import pyarrow as pa

    at = {column: i for i, column in enumerate(header.columns)}
    names = {c: at[header.renamed.get(c, c)] for c in sorted(used) if header.renamed.get(c, c) in at}
    first = _skip(stream) + 2  # the sheet's own number of the row below the header
    errors = {row - first + 1 for row, column in _errors(path, name, stream) if column in names.values()}
    rejects = [Reject(row, "excel.error") for row in errors if row > 0]
    schema = pa.schema([("_n", pa.int64()), *((f"c{i}", pa.string()) for i in names.values())])
    view = f"{table}__file"
    con.create_table(view, schema=ibis.Schema.from_pyarrow(schema), overwrite=True)
    numbered = enumerate(islice(_rows(_sheet(path, name, _pattern(stream))), first - 1, None), start=1)
    while rows := list(islice(numbered, _BATCH)):
        good: list[tuple[int, list[Any]]] = []
        for n, row in rows:
            if n in errors or not any(cell != "" for cell in row[: len(header.columns)]):
                continue
            if any(isinstance(row[i], float) and abs(row[i]) >= _EXACT for i in names.values()):
                rejects.append(Reject(n, "excel.number"))
            else:
                good.append((n, row))
        arrays = [pa.array([n for n, _ in good], pa.int64())]
        arrays += [pa.array([_text(row[i]) for _, row in good], pa.string()) for i in names.values()]
        con.insert(view, pa.table(arrays, schema=schema))
    _sheet.cache_clear()
    nulls = stream.options.get("nulls", [])
    _keep(con, table, view, names, nulls, place)
    return sorted(rejects, key=lambda reject: reject.row)


def _keep(
    con: Any, table: str, view: str, names: dict[str, int], nulls: list[str], place: dict[str, str | int | None]
) -> None:
    rows = con.table(view)
    cells = {c: cleaned(rows[f"c{i}"], nulls) for c, i in names.items()}
    keep(con, table, rows.select(**cells, _row=rows["_n"], **constants(place)).order_by("_row"))
    con.drop_table(view, force=True)


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else format(cell, ".15g")
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(cell)


def _rows(sheet: Any) -> Iterator[list[Any]]:
    """The rows from the sheet's first column on: the reader begins at the first that is not blank."""
    _, right = sheet.start or (0, 0)
    yield from ([""] * right + row for row in sheet.iter_rows())


def _pattern(stream: Stream) -> str:
    return str(stream.options.get("sheet", ""))


def _skip(stream: Stream) -> int:
    return int(stream.options.get("skip_lines", 0))


@lru_cache(maxsize=1)  # the header and the rows are asked for one after the other
def _sheet(path: Path, name: str, pattern: str) -> Any:
    with _book(path, name) as book:
        return book.get_sheet_by_name(_named(book.sheet_names, name, pattern))


@contextmanager
def _book(path: Path, name: str) -> Iterator[Any]:
    """The workbook, and what of it cannot be read while it is in use. Raises AskVendor."""
    import python_calamine as calamine

    if path.stat().st_size == 0:
        raise AskVendor(f"{name}: the file is empty (rule csv.empty).", "Send the file again; nothing was changed.")
    try:
        yield calamine.CalamineWorkbook.from_path(str(path))
    except calamine.PasswordError:
        raise AskVendor(
            f"{name}: the workbook is locked with a password (rule excel.unreadable).",
            "Send it without a password over an encrypted connection.",
        ) from None
    except (calamine.CalamineError, calamine.XmlError, calamine.ZipError, OSError):
        raise AskVendor(
            f"{name}: not a workbook that can be read (rule excel.unreadable).",
            "Save it as .xlsx and check that the upload had ended.",
        ) from None


def _named(sheets: list[str], name: str, pattern: str) -> str:
    fitting = [s for s in sheets if s == pattern or re.fullmatch(pattern, s)] if pattern else sheets
    if len(fitting) != 1:
        found = "no sheet" if not fitting else f"{len(fitting)} sheets"
        raise AskVendor(
            f"{name}: {found} of {len(sheets)} can be the one that is meant (rule excel.sheet).",
            f"Send one sheet named {pattern}." if pattern else "Send one sheet, or name it in the vendor's folder.",
        )
    return fitting[0]


def _errors(path: Path, name: str, stream: Stream) -> set[tuple[int, int]]:
    """Row (from 1) and column (from 0) of the cells that hold a formula's error: the reader gives them as blank."""
    if stream.options.get("values_only"):
        return set()
    wanted = _sheet(path, name, _pattern(stream)).name
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_part(archive, wanted)) as part:
            return set(_error_cells(part))
    except (zipfile.BadZipFile, KeyError, StopIteration, etree.XMLSyntaxError):
        raise AskVendor(
            f"{name}: only .xlsx tells the errors of formulas from blank cells (rule excel.format).",
            "Save it as .xlsx; if this vendor's files never hold formulas, say `values_only: true` in its folder.",
        ) from None


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    def tree(part: str) -> Any:
        return etree.fromstring(archive.read(part), etree.XMLParser(resolve_entities=False, no_network=True))

    link = next(s for s in tree("xl/workbook.xml").iter("{*}sheet") if s.get("name") == sheet)
    id_ = next(value for key, value in link.items() if key.endswith("}id"))
    target = next(r.get("Target") for r in tree("xl/_rels/workbook.xml.rels") if r.get("Id") == id_)
    return str(target).lstrip("/") if str(target).startswith("/") else str(PurePosixPath("xl", target))


def _error_cells(part: Any) -> Iterator[tuple[int, int]]:
    row = column = 0
    events = etree.iterparse(
        part, events=("start", "end"), tag=("{*}row", "{*}c"), resolve_entities=False, no_network=True, huge_tree=False
    )
    for event, element in events:
        if event == "end":
            element.clear()
            if element.tag.endswith("}row"):
                while element.getprevious() is not None:
                    del element.getparent()[0]
        elif element.tag.endswith("}row"):
            row, column = int(element.get("r", row + 1)), -1
        else:
            letters = re.sub(r"\d", "", element.get("r", ""))
            column = _column(letters) if letters else column + 1
            if element.get("t") == "e":
                yield row, column


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter.upper()) - 64
    return number - 1
