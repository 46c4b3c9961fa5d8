"""One OneRoster file into a table: the cells that checks across files need, and each row's faults packed in integers.

The file is read once. Cells that only have to be looked at are never kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import pyarrow as pa

from hub.engine import keep
from hub.standards.validation.oneroster_cells import codes_of, fault, kept, rule_of
from hub.standards.validation.oneroster_layout import Column
from hub.standards.validation.oneroster_source import Source
from hub.standards.validation.oneroster_syntax import (
    judge_line_breaks,
    judge_quotes,
    judge_rejects,
    record_numbers,
)
from hub.standards.validation.profiles import Judge

LINE_LIMIT = 16_000_000  # bytes a record may take; DuckDB buffers four of them per thread
_BITS, _PER_MASK = 4, 15
_REJECTS = {
    "MISSING COLUMNS": "oneroster.csv.row_width",
    "TOO MANY COLUMNS": "oneroster.csv.row_width",
    "UNQUOTED VALUE": "oneroster.csv.quote",
    "LINE SIZE OVER MAXIMUM": "oneroster.csv.row_too_long",
    "INVALID ENCODING": "oneroster.csv.encoding",
}


@dataclass(frozen=True)
class Table:
    """`rows` is an expression of the columns wanted and `_row`, the record number. Counts are of records."""

    source: Source
    rows: Any
    records: int  # rejected ones included
    accepted: int
    view: str  # of the file's text, c0, c1, ...
    rejected: tuple[int, ...] = ()  # record numbers


def open_csv(con: Any, source: Source, view: str) -> Any:
    """The file as a view of text columns c0, c1, ...; what it rejects when read stands in reject_errors."""
    con.raw_sql("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    relation = con.con.read_csv(
        str(source.path),
        columns={f"c{i}": "VARCHAR" for i in range(source.width)},
        auto_detect=False,
        header=True,
        delimiter=",",
        quotechar='"',
        escapechar='"',
        store_rejects=True,
        rejects_limit=0,
        null_padding=False,
        strict_mode=True,
        max_line_size=LINE_LIMIT,
        encoding="utf-8",
    )
    relation.create_view(view, replace=True)
    return con.table(view)


def read_table(con: Any, judge: Judge, source: Source, wanted: set[str], name: str, content: bool = False) -> Table:
    """Reads and judges the file cell by cell and keeps its `wanted` columns in tables that begin with `name`.

    `content` adds `_content`, a hash of what the row says beside its id, status and dateLastModified; a delta has
    `_status`. Raises duckdb.Error for a file that cannot be parsed at all.
    """
    raw = open_csv(con, source, f"{name}__csv")
    cell = {c.name: raw[f"c{source.places[c.name]}"] for c in source.columns}
    cells = {c.name: kept(cell[c.name], c) for c in source.columns if c.name in wanted}
    if content:
        cells["_content"] = _content(cell)
    if source.mode == "delta" and "status" in cell:
        cells["_status"] = cell["status"].strip().lower()
    masks = _masks(source, cell)
    if source.found.quotes:
        columns = [raw[c] for c in raw.columns]
        masks["_quoted"] = sum((c.contains('"').fill_null(False).cast("int64") for c in columns), ibis.literal(0))
    read = keep(con, f"{name}__read", raw.select(**cells, **masks))
    rejects = _rejects(con)
    counts = {"rows": read.count(), **{mask: read[mask].max() for mask in masks}}
    found = {k: int(v or 0) for k, v in con.to_pyarrow(read.aggregate(**counts)).to_pylist()[0].items()}
    records = found["rows"] + len(rejects)
    broken = source.found.lines != records + 1
    numbers = record_numbers(source.path, [line for line, _ in rejects], broken)
    judge_rejects(judge, source, rejects, numbers)
    rows = _numbered(con, name, read, numbers)
    if broken and source.found.quotes:
        judge_line_breaks(con, judge, source, raw, numbers)
    elif found.get("_quoted"):
        judge_quotes(con, judge, source, raw)
    _judge_cells(con, judge, source, rows, [m for m in masks if found[m] and m != "_quoted"])
    return Table(source, rows.drop(*masks), records, found["rows"], f"{name}__csv", tuple(numbers))


def _content(cell: dict[str, Any]) -> Any:
    said = [
        text.fill_null("") for name, text in cell.items() if name not in ("sourcedId", "status", "dateLastModified")
    ]
    return ibis.literal("\x1f").join([ibis.literal(""), *said]).hash()


def _masks(source: Source, cell: dict[str, Any]) -> dict[str, Any]:
    """Four bits for the fault of each cell, fifteen cells to an integer."""
    masks = {}
    columns = source.columns
    for start in range(0, len(columns), _PER_MASK):
        parts = [
            fault(cell[c.name], c, source.mode).cast("int64") * (1 << (_BITS * i))
            for i, c in enumerate(columns[start : start + _PER_MASK])
        ]
        masks[f"_fault{start // _PER_MASK}"] = sum(parts[1:], parts[0])
    return masks


def _rejects(con: Any) -> list[tuple[int, str]]:
    """(line, rule) of what the parser did not take, in order; a line with several errors once."""
    rows = con.raw_sql("SELECT line, min(error_type::VARCHAR) FROM reject_errors GROUP BY line ORDER BY line")
    return [(line, _REJECTS.get(kind, "oneroster.csv.quote")) for line, kind in rows.fetchall()]


def _numbered(con: Any, name: str, read: Any, rejected: list[int]) -> Any:
    """The rows with `_row`. The parser counts what it took: the j-th reject, record r, stands before its row r - j."""
    if not rejected:
        return read.mutate(_row=read.rowid() + 1)
    gaps = {"_at": [r - j for j, r in enumerate(rejected)], "_shift": list(range(1, len(rejected) + 1))}
    places = con.create_table(f"{name}__gaps", pa.table(gaps), overwrite=True)
    rows = read.mutate(_taken=read.rowid() + 1)
    shifted = rows.asof_join(places, on=rows["_taken"] >= places["_at"])
    columns = [shifted[c] for c in read.columns]
    return keep(con, f"{name}__rows", shifted.select(*columns, _row=shifted["_taken"] + shifted["_shift"].fill_null(0)))


def _judge_cells(con: Any, judge: Judge, source: Source, rows: Any, masks: list[str]) -> None:
    """Counts each kind of fault exactly, and looks up the first rows of each that occurs."""
    faults: dict[str, tuple[Column, int, Any]] = {}
    for i, column in enumerate(source.columns):
        mask = f"_fault{i // _PER_MASK}"
        if mask in masks:
            bits = (rows[mask] // (1 << (_BITS * (i % _PER_MASK)))) % (1 << _BITS)
            faults |= {f"{column.name}.{code}": (column, code, bits == code) for code in codes_of(column, source.mode)}
    if not faults:
        return
    counts = con.to_pyarrow(rows.aggregate(**{key: test.sum() for key, (_, _, test) in faults.items()})).to_pylist()[0]
    for key, (column, code, test) in faults.items():
        if counts[key]:
            places = first_rows(con, rows.filter(test), judge.max_per_rule)
            judge.find(rule_of(column, code), source.name, column.name, places, int(counts[key]))


def first_rows(con: Any, rows: Any, limit: int) -> list[int]:
    """The first record numbers of an expression with `_row`."""
    found = con.to_pyarrow(rows.select("_row").order_by("_row").limit(limit))
    return [int(row) for row in found["_row"].to_pylist()]
