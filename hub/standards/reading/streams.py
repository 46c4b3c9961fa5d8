"""Files of a delivery become stream tables: which file is which stream, and what must refuse a file whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import ibis

from hub.engine import count, keep, keep_counted, rename, stacked
from hub.errors import AskVendor
from hub.model import OpenedDelivery, OpenedFile, Source, Stream
from hub.standards.mapping.values import try_strptime
from hub.standards.reading.csv_files import (
    Header,
    Records,
    Reject,
    first_record,
    is_header_only,
    read_header,
    read_records,
)
from hub.standards.reading.excel import first_row, is_workbook, read_sheet, sheet_header
from hub.standards.reading.fixed_width import cut_records, read_version
from hub.standards.reading.plain_text import dialect, plain
from hub.standards.reading.xml_document import form

_JULY = 7  # the month in which a school year begins


@dataclass(frozen=True)
class StreamRead:
    """One file read into table `table`. `rows` counts accepted and rejected records."""

    stream: str
    file: OpenedFile
    seq: int
    table: str
    rows: int
    rejects: tuple[Reject, ...] = ()
    repairs: dict[str, int] = field(default_factory=dict)


def assign(source: Source, files: Sequence[OpenedFile]) -> tuple[dict[str, list[OpenedFile]], list[OpenedFile]]:
    """Files by stream: the one it was asked for, else by name, else by a header that fits exactly one layout (a
    renamed file); and the rest."""
    found: dict[str, list[OpenedFile]] = {}
    rest = []
    for file in files:
        stream = named(source, file) or _by_header(source, file)
        if stream is None:
            rest.append(file)
        else:
            found.setdefault(stream.name, []).append(file)
    return found, rest


def named(source: Source, file: OpenedFile) -> Stream | None:
    """The stream that a file was asked for, or that its name says."""
    base = Path(file.name).name
    asked = next((s for s in source.streams if s.name == file.stream), None)
    return asked or next((s for s in source.streams if re.search(s.pattern, base)), None)


def columns_of(file: OpenedFile, stream: Stream) -> list[str]:
    """The column names of a file as it has them, read as the stream says; none where its format has no header.

    Raises AskVendor for what cannot be read.
    """
    if stream.format == "excel" and is_workbook(file.path):
        return [c.strip() for c in first_row(file.path, file.name, stream)]
    if stream.format in ("csv", "oneroster-csv") and dialect(stream)["header"] and not is_workbook(file.path):
        return [c.strip() for c in first_record(file.path, file.name, stream)]
    return []


def _by_header(source: Source, file: OpenedFile) -> Stream | None:
    fitting = []
    for stream in source.streams:
        if (
            stream.format == "edfi-xml"
            and not file.name.lower().endswith(".xml")
            and form(file.path, file.name) == "xml"
        ):
            return stream
        if stream.format in ("edfi-xml", "edfi-json", "json") or not stream.columns:
            continue
        if stream.format == "excel" and not is_workbook(file.path):
            continue
        try:
            header = _header(stream)(file.path, file.name, stream)
        except AskVendor:
            continue
        if len(header.unknown) * 2 < len(header.columns):
            fitting.append((stream, _columns(stream, header)))
    if len(fitting) > 1:  # a short layout fits many: the one that it is counts
        fitting = [(s, c) for s, c in fitting if any(c == set(one) for one in s.options["layouts"].values())]
    return fitting[0][0] if len(fitting) == 1 else None


_HEADERS: dict[str, Callable[[Path, str, Stream], Header]] = {"fixed-width": read_version, "excel": sheet_header}


def _header(stream: Stream) -> Callable[[Path, str, Stream], Header]:
    return _HEADERS.get(stream.format, read_header)


def _records(
    con: Any,
    file: OpenedFile,
    table: str,
    header: Header,
    stream: Stream,
    wanted: set[str],
    place: dict[str, str | int | None],
) -> tuple[Records, int | None]:
    """The rows as a table; what was rejected or mended, and how many rows the file says it has, where it says so."""
    if stream.format == "excel":
        return Records(read_sheet(con, file.path, file.name, table, header, stream, wanted, place)), None
    with plain(con, file.path, file.name, stream) as text:
        if stream.format == "fixed-width":
            return Records(list(cut_records(con, text.path, table, header, stream, wanted, place))), text.rows
        return read_records(con, text.path, table, header, stream, wanted, place), text.rows


def read_file(
    con: Any, stream: Stream, file: OpenedFile, seq: int, used: set[str] | None, facts: dict[str, Any]
) -> StreamRead:
    """Reads one file of rows into its own table with `_file`, `_row`, `_seq`.

    Raises AskVendor for a file that must be refused whole: header, layout, empty, header only, NUL bytes, an open
    quote, last year's dates.
    """
    header = _header(stream)(file.path, file.name, stream)
    wanted = _columns(stream, header) if used is None else {c for c in _columns(stream, header) if c in used}
    table = f"{stream.name}__{seq}_{file.sha256[:12]}"
    place: dict[str, str | int | None] = {"_file": file.sha256, "_seq": seq}
    place |= {c: None for c in stream.columns if c in (used or ()) and c not in wanted}
    try:
        records, promised = _records(con, file, table, header, stream, wanted, place)
    except duckdb.InvalidInputException:  # its text may quote the file
        raise AskVendor(
            f"{file.name}: the file cannot be read as delimited text (rule file.unreadable).",
            "Use one kind of line end and the delimiter and quotes of the layout throughout.",
        ) from None
    rejects = records.rejects
    torn = next((r for r in rejects if r.swallows), None)
    if torn is not None:
        raise AskVendor(
            f"{file.name}: record {torn.row} opens a quote that it does not close (rule csv.quote).",
            "Close each quoted field and double the quotes inside a value: what follows an open quote is unknown.",
        )
    if is_header_only(con, table, rejects) and not stream.options.get("may_be_empty"):
        raise AskVendor(
            f"{file.name}: a header and no rows (rule csv.header_only).",
            "An empty file never deletes: send the rows, or leave the file out.",
        )
    refuse_wrong_year(con, table, stream, file, facts)
    total = int(con.execute(con.table(table).count())) + len(rejects)
    if promised is not None and promised != total:
        raise AskVendor(
            f"{file.name}: the last line says {promised} rows and {total} came (rule file.cut_off).",
            "Check that the upload had ended and send the whole file again.",
        )
    repairs = dict(records.repairs)
    if header.unknown:
        repairs["csv.header.unknown_column"] = len(header.unknown)
    if header.renamed:
        repairs["csv.header.renamed_column"] = len(header.renamed)
    return StreamRead(stream.name, file, seq, table, total, tuple(rejects), repairs)


def repeated(reads: Sequence[StreamRead], files: Sequence[tuple[int, OpenedFile]]) -> list[StreamRead]:
    """Files whose bytes came under another name in the same delivery: their rows are counted, not read again."""
    rows = {(r.seq, r.file.sha256): (r.stream, r.rows) for r in reads}
    found = [(seq, f, *rows[seq, f.sha256]) for seq, f in files]
    return [StreamRead(stream, f, seq, "", count) for seq, f, stream, count in found]


def _columns(stream: Stream, header: Header) -> set[str]:
    back = {file: layout for layout, file in header.renamed.items()}
    return {back.get(c, c) for c in header.columns}


def refuse_wrong_year(con: Any, table: str, stream: Stream, file: OpenedFile, facts: dict[str, Any]) -> None:
    """A file whose dates belong to another school year is last year's under this year's name."""
    rule = stream.options.get("dates")
    rows = con.table(table)
    if not rule or rule["column"] not in rows.columns:
        return
    parsed = ibis.coalesce(*[try_strptime(rows[rule["column"]], f) for f in rule["formats"]]).date()
    start, end = school_year_window(facts)
    inside = parsed.between(start, end)
    theirs = (parsed.year() + (parsed.month() >= _JULY).cast("int64")).mode()
    row = con.to_pyarrow(rows.aggregate(known=parsed.count(), inside=inside.sum(), theirs=theirs)).to_pylist()[0]
    if row["known"] and (row["inside"] or 0) * 2 < row["known"]:
        raise AskVendor(
            f"{file.name}: {row['known'] - (row['inside'] or 0)} of {row['known']} dates in {rule['column']!r} lie "
            f"outside the school year {facts['schoolYear'] - 1}-{facts['schoolYear']}, most of them in "
            f"{row['theirs'] - 1}-{row['theirs']} (rule file.wrong_year).",
            f"Send the export of {facts['schoolYear'] - 1}-{facts['schoolYear']}, or put this one where files of "
            f"{row['theirs']} are and run `hub sync --year {row['theirs']}`.",
        )


def school_year_window(facts: dict[str, Any]) -> tuple[date, date]:
    """The district's school year (1 July to 30 June where hub.yaml says nothing) and a month on either side, as summer
    sessions and late postings cross the line."""
    year = facts["schoolYear"]
    first = date.fromisoformat(facts.get("yearBegins", f"{year - 1}-07-01"))
    last = date.fromisoformat(facts.get("yearEnds", f"{year}-06-30"))
    return first - timedelta(days=30), last + timedelta(days=31)


def empty_table(con: Any, stream: Stream, extra: set[str]) -> None:
    """A stream that did not come still has its columns, so that a SELECT with LEFT JOIN works."""
    import pyarrow as pa

    columns = {**dict.fromkeys({*stream.columns, *extra}, pa.string()), "_file": pa.string(), "_row": pa.int64()}
    nothing = pa.schema({**columns, "_seq": pa.int64()}).empty_table()
    con.con.from_arrow(nothing).create(stream.name)  # Ibis writes a statement of 400 columns in 40 ms


def stack(con: Any, stream: Stream, reads: Sequence[StreamRead], used: set[str]) -> None:
    """The stream's table: all its files under one name; a column one layout lacks is null there."""
    if len(reads) == 1 and (set(stream.columns) & used) <= set(con.table(reads[0].table).columns):
        rename(con, reads[0].table, stream.name)
        return
    tables = [con.table(r.table) for r in reads]
    columns = sorted({c for t in tables for c in t.columns} | (set(stream.columns) & used))
    parts = [t.select(**{c: (t[c] if c in t.columns else ibis.null("string")) for c in columns}) for t in tables]
    keep(con, stream.name, stacked(parts))
    for read in reads:
        con.drop_table(read.table, force=True)


def newest(deliveries: Sequence[OpenedDelivery], source: Source, stream: Stream) -> list[tuple[int, OpenedFile]]:
    """For a full delivery: the files of this stream in the newest delivery that has any."""
    for delivery in reversed(deliveries):
        found = assign(source, delivery.files)[0].get(stream.name, [])
        if found:
            return [(delivery.seq, f) for f in found]
    return []


def keep_newest(
    con: Any, name: str, key: Sequence[str], order: Sequence[Any], *, blank: Sequence[str], whole: bool = False
) -> tuple[Any, int]:
    """Leaves in table `name` the first in `order` of the rows of each key, and how many went. A row in which one of
    `blank` is null has no key: it stays, for the mapping to hold. With `whole` rows that are equal in `order` are one.
    """
    rows = con.table(name)
    rank = ibis.dense_rank() if whole else ibis.row_number()
    placed = rows.mutate(_place=rank.over(group_by=list(key), order_by=list(order)))
    first = (placed["_place"] == 0) | ibis.or_(*[placed[c].isnull() for c in blank])
    before = count(con, rows)
    kept, left = keep_counted(con, name, placed.filter(first).drop("_place"))
    return kept, before - left
