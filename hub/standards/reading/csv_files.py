"""CSV as vendors send it. Never sniffed: the header is read first, held against the layout, and decides the columns."""

from __future__ import annotations

import bisect
import csv
import io
import itertools
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from hub.engine import keep, keep_cells, scratch
from hub.errors import AskVendor
from hub.model import Stream
from hub.standards.reading.fingerprint import likeness
from hub.standards.reading.line_ends import mixed_line_ends, with_line_feeds
from hub.standards.reading.plain_text import dialect, head, read_strictly
from hub.standards.reading.wide_records import bearable, blank_fields_behind, is_garbled, narrowed

_REJECTS = {
    "MISSING COLUMNS": "csv.columns.missing",
    "TOO MANY COLUMNS": "csv.columns.extra",
    "UNQUOTED VALUE": "csv.quote",
    "LINE SIZE OVER MAXIMUM": "csv.line_too_long",
    "INVALID ENCODING": "csv.encoding",
}


@dataclass(frozen=True)
class Header:
    """`columns` as the file has them; `missing` breaks the layout, `unknown` are kept out and counted."""

    columns: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)  # layout's name -> the file's name, declared in the spec
    version: str = ""  # of the layout, where records have no header


@dataclass(frozen=True)
class Reject:
    row: int  # record number, 1 for the first after the header
    rule: str
    swallows: bool = False  # an open quote runs over line ends: other records may be inside
    digest: str | None = None  # of the record's text, where it is known


@dataclass(frozen=True)
class Records:
    """What the reader refused, and what it took although it is not written as it should be, by rule."""

    rejects: list[Reject]
    repairs: dict[str, int] = field(default_factory=dict)


def read_header(path: Path, name: str, stream: Stream) -> Header:
    """Reads the first record only.

    Raises AskVendor (file, rule and remedy) for an empty file, an unreadable or doubled header, or missing columns.
    """
    columns = first_record(path, name, stream)
    if not dialect(stream)["header"]:
        return _by_width(columns, name, stream)
    return against_layout(columns, name, stream)


def first_record(path: Path, name: str, stream: Stream) -> list[str]:
    """The cells of the first record, a header or not. Raises AskVendor for what cannot be read."""
    text, words = head(path, name, stream), dialect(stream)
    try:
        if len(words["delimiter"]) > 1:  # more than Python's reader takes
            first = re.split(r"\r\n|\n|\r", text, maxsplit=1)[0]
            return [c.strip(words["quote"] or None) for c in first.split(words["delimiter"])]
        escape = None if words["escape"] in ("", words["quote"]) else words["escape"]
        return next(
            csv.reader(
                io.StringIO(text, newline=""),
                delimiter=words["delimiter"],
                quotechar=words["quote"] or None,
                escapechar=escape,
                quoting=csv.QUOTE_MINIMAL if words["quote"] else csv.QUOTE_NONE,
            ),
            [],
        )
    except csv.Error as error:
        raise AskVendor(
            f"{name}: the header cannot be read (rule csv.quote).", "Check the quotes of the first line."
        ) from error


def _by_width(record: list[str], name: str, stream: Stream) -> Header:
    """A file without a header: the layout with as many columns, in its order."""
    fitting = [layout for layout in stream.options["layouts"].values() if len(layout) == len(record)]
    if len(fitting) != 1:
        raise AskVendor(
            f"{name}: the first record has {len(record)} fields, which is no layout or more than one "
            f"(rule csv.header.missing_column).",
            "Send the layout named in the vendor's folder, or declare the new one there.",
        )
    return Header(tuple(fitting[0]))


def against_layout(columns: list[str], name: str, stream: Stream) -> Header:
    """The header as the layout that it fits best. Raises AskVendor for a doubled name or a missing column."""
    columns = [c.strip() for c in columns]
    if stream.options.get("number_repeated"):
        columns = _numbered(columns)
    first, again = _twice(columns)
    if again:
        # By place: where the header is missing, the first line is a student's row.
        raise AskVendor(
            f"{name}: columns {first} and {again} of the header have one name (rule csv.header.duplicate_column).",
            "Each column may occur once; the first line must be the header.",
        )
    return _fit(columns, name, stream)


def _numbered(columns: list[str]) -> list[str]:
    """A name that comes again has its number behind it: Filler, Filler.2, Filler.3."""
    counts = dict.fromkeys(columns, 0)
    found = []
    for column in columns:
        counts[column] += 1
        found.append(f"{column}.{counts[column]}" if column and counts[column] > 1 else column)
    return found


def _twice(columns: list[str]) -> tuple[int, int]:
    """Places, from 1, of the first name that occurs again; (0, 0) where none does. Blank names are none."""
    places: dict[str, int] = {}
    for place, column in enumerate(columns, start=1):
        if column in places:
            return places[column], place
        if column:
            places[column] = place
    return 0, 0


def _fit(columns: list[str], name: str, stream: Stream) -> Header:
    layouts = [list(layout) for layout in stream.options.get("layouts", {}).values()]
    if not layouts:
        return Header(tuple(columns))
    optional = set(stream.options.get("optional", ()))
    aliases = _aliases(columns, stream, {c for layout in layouts for c in layout})
    seen = {aliases.get(c, c) for c in columns}
    best = min(layouts, key=lambda layout: (len(set(layout) - optional - seen), len(seen - set(layout))))
    missing = tuple(c for c in best if c not in seen and c not in optional)
    if missing:
        like = likeness(columns, stream)
        near = like.columns if like else {}
        hint = (
            f"Column {next(iter(near))!r} looks like {next(iter(near.values()))!r} (rule csv.header.renamed_column): "
            f"name it so again, or add to the stream `renamed: {json.dumps(near, ensure_ascii=False)}`."
            if near
            else "Send the layout named in the vendor's folder, or declare the new one there."
        )
        raise AskVendor(
            f"{name}: {len(missing)} column(s) of the layout are missing, first {missing[0]!r} "
            f"(rule csv.header.missing_column).",
            hint,
        )
    known = set(stream.columns)
    unknown = tuple(c for c in columns if aliases.get(c, c) not in known and not c.startswith("metadata."))
    return Header(tuple(columns), (), unknown, {layout: file for file, layout in aliases.items()})


def _aliases(columns: list[str], stream: Stream, known: set[str]) -> dict[str, str]:
    """The file's name -> the layout's: declared, or (where the stream says `fold_header`) another letter case of it."""
    declared: dict[str, str] = stream.options.get("renamed", {})
    taken = set(columns)
    if not stream.options.get("fold_header"):
        return {k: v for k, v in declared.items() if k in taken}
    folded = {c.lower(): c for c in known} | {k.lower(): v for k, v in declared.items() if v not in taken}
    found: dict[str, str] = {}
    for column in columns:
        name = folded.get(column.lower())
        if name and column not in known and name not in taken | set(found.values()):
            found[column] = name
    return found


def read_records(
    con: Any,
    path: Path,
    table: str,
    header: Header,
    stream: Stream,
    used: set[str],
    place: dict[str, str | int | None] | None = None,
) -> Records:
    """Makes DuckDB table `table` of the used columns as trimmed text (blank is null) with `_row`.

    `_row` is the record number in the file, rejected records counted; `place` are constant columns to add. Raises
    duckdb.InvalidInputException for a file that cannot be parsed at all. Where line ends of two kinds may be the
    cause, or that of a refused record, it is read again with one: files put together of others often have two.
    """
    try:
        found = _records(con, path, table, header, stream, used, place)
        mixed = mixed_line_ends(path) if found.rejects else 0
        if not mixed:
            return found
    except duckdb.InvalidInputException:
        mixed = mixed_line_ends(path)
        if not mixed:
            raise
    with scratch(con) as folder:
        found = _records(con, with_line_feeds(path, folder / "mended"), table, header, stream, used, place)
    return replace(found, repairs={**found.repairs, "csv.mixed_line_ends": mixed})


def _records(
    con: Any,
    path: Path,
    table: str,
    header: Header,
    stream: Stream,
    used: set[str],
    place: dict[str, str | int | None] | None,
) -> Records:
    words, width = dialect(stream), len(header.columns)
    with bearable(con, path, width, words) as (text, delimiters):
        taken = _read(con, text, table, header, stream, used, place or {})
        rejects = reject_records(con, header=words["header"])
        if rejects and is_garbled(con):
            with scratch(con) as folder:
                shape = (words["delimiter"], words["quote"], words["escape"])
                mended = narrowed(path, width, folder / "mended", *shape)
                taken = _read(con, mended, table, header, stream, used, place or {})
            rejects = reject_records(con, header=words["header"])
        expected = (width - 1) * (taken + len(rejects) + words["header"])
        behind = blank_fields_behind(con.con, text, width, words) if delimiters > expected else 0
    if rejects:
        rejects = _without_blank_lines(path, rejects, words)
        renumber(con, table, rejects)
    return Records(rejects, {"csv.blank_fields_behind": behind} if behind else {})


def _read(
    con: Any,
    path: Path,
    table: str,
    header: Header,
    stream: Stream,
    used: set[str],
    place: dict[str, str | int | None],
) -> int:
    """The table of `read_records` as the parser numbers it; how many records it took."""
    words = dialect(stream)
    # By place: a name may be blank, or another one's in all but letter case, which the engine takes for the same.
    places = [f"c{i}" for i in range(len(header.columns))]
    how = {k: words[k] for k in ("header", "delimiter", "quote", "escape")}
    view = f"{table}__file"
    read_strictly(con.con, path, places, **how).create_view(view, replace=True)
    nulls = stream.options.get("nulls", [])
    at = dict(zip(header.columns, places, strict=True))
    names = {c: at[header.renamed.get(c, c)] for c in used if header.renamed.get(c, c) in at}
    taken = keep_cells(con, table, view, lambda cell: cleaned(cell, nulls), names, place)
    con.drop_view(view, force=True)
    return taken


def _without_blank_lines(path: Path, rejects: list[Reject], words: dict[str, Any]) -> list[Reject]:
    """The reader counts a blank line when it numbers what it refuses, and not when it numbers what it takes."""
    with path.open("rb") as file:
        if not any(re.search(rb"\n\r?\n|\r\r", chunk) for chunk in iter(lambda: file.read(1 << 24), b"")):
            return rejects
    if len(words["delimiter"]) > 1 or not words["quote"]:
        with path.open(encoding="utf-8", errors="replace") as lines:
            blank = [n for n, line in enumerate(lines, 1) if line == "\n"]
    else:
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:
            records = csv.reader(lines, delimiter=words["delimiter"], quotechar=words["quote"])
            try:
                blank = [n for n, record in enumerate(records, 1) if not record]
            except csv.Error:  # a field longer than Python's reader takes
                return rejects
    head = int(words["header"])
    return [replace(r, row=r.row - bisect.bisect_left(blank, r.row + head)) for r in rejects]


def constants(place: dict[str, str | int | None]) -> dict[str, Any]:
    """The columns that say the same of every row, as Ibis literals."""
    import ibis

    return {k: ibis.literal(v, "int64" if isinstance(v, int) else "string") for k, v in place.items()}


def cleaned(cell: Any, nulls: list[str]) -> Any:
    """An Ibis text without the white space around it; blank, or one of `nulls`, is null."""
    import ibis

    # Only what begins or ends in white space is stripped: asking every cell costs four times the reading.
    spaced = (cell < "!") | (cell.right(1).ascii_str() <= 32)
    value = spaced.ifelse(cell.strip().nullif(""), cell)
    return value.isin(nulls).ifelse(ibis.null("string"), value) if nulls else value


def reject_records(con: Any, *, header: bool) -> list[Reject]:
    """What the reader just refused, by record."""
    errors = con.table("reject_errors")
    torn = (errors["error_type"].cast("string") == "UNQUOTED VALUE") & errors["csv_line"].rstrip().re_search("[\r\n]")
    found = errors.group_by("line").aggregate(
        kind=errors["error_type"].cast("string").min(),
        torn=torn.any(),
        text=errors["csv_line"].min().hexdigest("md5"),
    )
    rows = con.to_pyarrow(found.order_by("line")).to_pylist()
    return [Reject(r["line"] - header, _REJECTS.get(r["kind"], "csv.quote"), bool(r["torn"]), r["text"]) for r in rows]


def renumber(con: Any, table: str, rejects: list[Reject]) -> None:
    """`_row` becomes the record's number in the file: the reader numbers accepted records only, and the j-th reject
    at record r stands before accepted record r - j. Of rejects that stand before the same one the last counts.
    """
    import pyarrow as pa

    shifts = {r.row - j: j + 1 for j, r in enumerate(rejects)}
    known = pa.table({"at": list(shifts), "shift": list(shifts.values())})
    gaps = con.create_table(f"{table}__gaps", known, overwrite=True)
    rows = con.table(table)
    shifted = rows.asof_join(gaps, on=rows["_row"] >= gaps["at"])
    fixed = shifted.select(*[c for c in rows.columns if c != "_row"], _row=rows["_row"] + shifted["shift"].fill_null(0))
    keep(con, table, fixed.order_by("_row"))


def is_header_only(con: Any, table: str, rejects: list[Reject]) -> bool:
    return not rejects and not list(itertools.islice(con.table(table).limit(1).to_pyarrow().to_pylist(), 1))
