"""One OneRoster file into a table: the cells that checks across files need, and each row's faults packed in integers.

The file is read once. Cells that only have to be looked at are never kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb
import sqlglot.expressions as sge

from hub.engine import keep
from hub.standards.oneroster_layout import Column, FileLayout, layouts
from hub.standards.reading.plain_text import read_strictly
from hub.standards.reading.wide_records import is_garbled
from hub.standards.validation.connection import Connection
from hub.standards.validation.oneroster_bytes import count_lines
from hub.standards.validation.oneroster_cells import TYPED, UNTIDY, codes_of, fault, good, kept, rule_of
from hub.standards.validation.oneroster_source import Source
from hub.standards.validation.oneroster_syntax import (
    judge_line_breaks,
    judge_quotes,
    judge_rejects,
    judge_width,
    record_numbers,
)
from hub.standards.validation.profiles import Judge
from hub.standards.validation.sql_tree import added, call, create, fill, select

_BITS, _PER_MASK = 4, 15
_WITHIN = "CASE WHEN contains(raw, ',') THEN strlen(raw) - strlen(replace(raw, ',', '')) ELSE 0 END"
_CELL = "mask // divisor % 16 = code"
_COUNTED = "SELECT count(*), 0, 0, commas FROM read"
_KEYED = """SELECT count(*), count(sourcedId), count(DISTINCT hash(sourcedId)) FILTER (WHERE sourcedId IS NOT NULL),
    commas FROM read"""
_REJECTS = {
    "LINE SIZE OVER MAXIMUM": "oneroster.csv.row_too_long",
    "INVALID ENCODING": "oneroster.csv.encoding",
    "UNQUOTED VALUE": "oneroster.csv.quote",
    "MISSING COLUMNS": "oneroster.csv.row_width",
    "TOO MANY COLUMNS": "oneroster.csv.row_width",
}


@dataclass(frozen=True)
class Table:
    """A file in the connection, as relations with the `columns` and `_row`, the record number.

    `rows` holds all rows that could be read, `living` those that no delta deletes, under the names that the checks of
    the rule library use. `records` counts rejected ones too; `rejected` are their numbers. `twins`: a sourcedId
    stands more than once. `view` is the file's text, columns c0, c1, ...
    """

    source: Source
    rows: str
    living: str
    columns: tuple[str, ...]
    records: int
    accepted: int
    twins: bool
    view: str
    rejected: tuple[int, ...] = ()


def read_table(
    con: Connection, judge: Judge, source: Source, wanted: set[str], prefix: str = "", content: bool = False
) -> Table:
    """Reads and judges the file cell by cell and keeps its `wanted` columns.

    `content` adds `_content`, a hash of what the row says beside its id, status and dateLastModified. Raises
    duckdb.Error for a file that cannot be parsed at all, or not before it is `narrowed`.
    """
    name = f"{prefix}{source.layout.name}"
    view, rows = f"{name}__csv", f"{name}__rows"
    _open_csv(con, source, view)
    shape = tuple((c, source.places[c.name]) for c in source.columns)
    made = _statements(source.version, source.layout.name, prefix, source.mode, shape, frozenset(wanted), content,
                       source.width if source.found.quotes else 0)  # fmt: skip
    con.run(made.read)
    rejects = _rejects(con)
    if rejects and is_garbled(con.ibis):
        raise duckdb.InvalidInputException("two torn quotes in a record")
    count, keys, hashes, inside, *worst = con.one(made.count)
    records = count + len(rejects)
    broken = bool(rejects or source.found.quotes) and count_lines(source.path) != records + 1
    numbers = record_numbers(source.path, [line for line, _ in rejects], broken)
    judge_rejects(judge, source, rejects, numbers)
    if rejects or source.found.commas != (source.width - 1) * (records + 1) + inside + source.commas:
        judge_width(judge, source, numbers)
    if not source.found.utf8 and "oneroster.csv.encoding" not in {rule for _, rule in rejects}:
        judge.find("oneroster.csv.encoding", source.name)  # in the header, or in a column that is not read
    if numbers:
        _renumber(con, name, numbers)
    con.run(made.renumbered if numbers else made.numbered)
    con.run(made.live)
    if broken and source.found.quotes:
        judge_line_breaks(con, judge, source, view, numbers)
    faulty = {mask: top for mask, top in zip(made.masks, worst, strict=True) if top}
    if faulty.pop("_quoted", 0) and not broken:
        judge_quotes(con, judge, source)
    if faulty and _judge_cells(con, judge, source, rows, set(faulty)) & UNTIDY:
        con.run(made.mend)
    return Table(source, rows, name, made.columns, records, count, keys != hashes, view, tuple(numbers))


def _open_csv(con: Connection, source: Source, view: str) -> None:
    """The file as a view of text columns c0, c1, ...; what it rejects when read stands in reject_errors."""
    names = [f"c{i}" for i in range(source.width)]
    relation = read_strictly(con.plain, source.path, names, header=True, delimiter=",", quote='"', escape='"')
    relation.create_view(view, replace=True)


@dataclass(frozen=True)
class _Statements:
    """What makes the table of a file, counts it, tidies its cells, and makes the relations of its rows."""

    read: str
    count: str
    mend: str
    numbered: str
    renumbered: str
    live: str
    columns: tuple[str, ...]
    masks: tuple[str, ...]


@lru_cache(maxsize=256)
def _statements(
    version: str,
    file: str,
    prefix: str,
    mode: str,
    shape: tuple[tuple[Column, int], ...],
    wanted: frozenset[str],
    content: bool,
    quoted: int,
) -> _Statements:
    """`shape`: the columns that are there, each with its place; `quoted`: how many columns to search for quotes."""
    name, read = f"{prefix}{file}", f"{prefix}{file}__read"
    cell = {column.name: sge.column(f"c{place}", quoted=True) for column, place in shape}
    items = {
        c.name: sge.TryCast(this=cell[c.name], to=sge.DataType.build(TYPED[c.kind]))
        if c.kind in TYPED
        else cell[c.name]
        for c, _ in shape
        if c.name in wanted
    }
    mended = {c.name: kept(sge.column(c.name, quoted=True), c) for c, _ in shape if c.name in items}
    if content:
        said = [
            tree.copy() for column, tree in cell.items() if column not in ("sourcedId", "status", "dateLastModified")
        ]
        items["_content"] = call("hash", sge.convert(0), *said)
    masks = _masks([(good(cell[c.name], c, mode), fault(cell[c.name].copy(), c, mode)) for c, _ in shape])
    inside: dict[str, Any] = {}
    if quoted:
        every = [f"c{i}" for i in range(quoted)]
        inside["_commas"] = added([fill(_WITHIN, raw=c) for c in every])
        masks["_quoted"] = added([fill("CAST(coalesce(contains(raw, '\"'), false) AS INT)", raw=c) for c in every])
    commas = fill("coalesce(CAST(sum(_commas) AS BIGINT), 0)") if inside else 0
    count = fill(_KEYED if "sourcedId" in items else _COUNTED, read=read, commas=commas)
    count = count.select(*[sge.Max(this=sge.column(mask, quoted=True)) for mask in masks])
    tidy = sge.Star(replace=[sge.alias_(tree, c, quoted=True) for c, tree in mended.items()])
    numbered = fill("SELECT *, rowid + 1 AS _row FROM read", read=read)
    return _Statements(
        read=create("TABLE", read, select({**items, **inside, **masks}, f"{name}__csv")),
        count=str(count.sql("duckdb")),
        mend=create("TABLE", read, sge.Select(expressions=[tidy]).from_(sge.table_(read, quoted=True), copy=False)),
        numbered=create("VIEW", f"{name}__rows", numbered),
        renumbered=create("VIEW", f"{name}__rows", fill("SELECT * FROM read", read=read)),
        live=create("VIEW", name, _living(layouts(version)[file], f"{name}__rows", mode, list(items), wanted)),
        columns=tuple(items),
        masks=tuple(masks),
    )


def _masks(cells: list[tuple[Any, Any]]) -> dict[str, Any]:
    """Four bits for the fault of each cell, fifteen cells to an integer, 0 at once where all fifteen are good."""
    masks = {}
    for start in range(0, len(cells), _PER_MASK):
        some = cells[start : start + _PER_MASK]
        parts = [
            sge.Mul(this=sge.cast(tree, "BIGINT"), expression=sge.convert(1 << (_BITS * i)))
            for i, (_, tree) in enumerate(some)
        ]
        all_good = sge.and_(*[tree for tree, _ in some], copy=False, wrap=False)
        masks[f"_fault{start // _PER_MASK}"] = (
            sge.Case().when(all_good, sge.convert(0), copy=False).else_(added(parts), copy=False)
        )
    return masks


def _living(layout: FileLayout, rows: str, mode: str, columns: list[str], wanted: frozenset[str]) -> Any:
    """The rows that checks see: a column that the file lacks is null, and what a delta deletes is not there."""
    kinds = {c.name: {"date": "DATE", "float": "DOUBLE"}.get(c.kind, "TEXT") for c in layout.columns}
    lacking = {c: sge.cast(sge.null(), kinds[c]) for c in sorted(wanted - set(columns))}
    query = select({c: sge.column(c, quoted=True) for c in (*columns, "_row")} | lacking, rows)
    if mode == "delta" and "status" in columns:
        query = query.where(fill("coalesce(lower(bare(raw)), '') <> 'tobedeleted'", raw="status"))
    return query


def _rejects(con: Connection) -> list[tuple[int, str]]:
    """(line, rule) of what the parser did not take, in order; of several errors in a line that which explains more."""
    rows = con.run("SELECT line, list(error_type::VARCHAR) FROM reject_errors GROUP BY line ORDER BY line")
    return [
        (line, next((rule for kind, rule in _REJECTS.items() if kind in kinds), "oneroster.csv.quote"))
        for line, kinds in rows
    ]


def _renumber(con: Connection, name: str, rejected: list[int]) -> None:
    """The parser counts only what it took: the j-th reject, record r, stands before its row r - j. Of rejects in a row,
    which stand before the same one, the last counts."""
    import pyarrow as pa

    gaps = {r - j: j + 1 for j, r in enumerate(rejected)}
    shifts = pa.table({"_at": list(gaps), "_shift": list(gaps.values())})
    places = con.ibis.create_table(f"{name}__gaps", shifts, overwrite=True)
    table = con.ibis.table(f"{name}__read")
    taken = table.mutate(_taken=table.rowid() + 1)
    shifted = taken.asof_join(places, on=taken["_taken"] >= places["_at"])
    columns = [shifted[c] for c in table.columns]
    keep(con.ibis, f"{name}__read", shifted.select(*columns, _row=shifted["_taken"] + shifted["_shift"].fill_null(0)))


def _judge_cells(con: Connection, judge: Judge, source: Source, name: str, masks: set[str]) -> set[int]:
    """Counts each kind of fault exactly, looks up the first rows of each that occurs, and returns which do."""
    faults: list[tuple[Column, int, Any]] = []
    for i, column in enumerate(source.columns):
        mask, divisor = f"_fault{i // _PER_MASK}", 1 << (_BITS * (i % _PER_MASK))
        if mask in masks:
            faults += [
                (column, code, fill(_CELL, mask=mask, divisor=divisor, code=code))
                for code in codes_of(column, source.mode)
            ]
    counting = select({f"n{n}": fill("count(*) FILTER (WHERE test)", test=t) for n, (*_, t) in enumerate(faults)}, name)
    found = set()
    for (column, code, test), count in zip(faults, con.one(counting.sql("duckdb")), strict=True):
        if count:
            places = first_rows(con, fill("SELECT _row FROM held WHERE test", held=name, test=test), judge.max_per_rule)
            judge.find(rule_of(column, code), source.name, column.name, places, count)
            found.add(code)
    return found


def first_rows(con: Connection, query: Any, limit: int) -> list[int]:
    """The first record numbers of a query with `_row`."""
    first = fill("SELECT _row FROM broken ORDER BY _row LIMIT most", broken=query.subquery(), most=limit)
    return [int(row) for (row,) in con.run(first.sql("duckdb"))]
