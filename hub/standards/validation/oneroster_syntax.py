"""What the parser of CSV does not take, or takes although RFC 4180 does not allow it, with its record number."""

from __future__ import annotations

import csv
from bisect import bisect_right
from pathlib import Path
from typing import Any

from hub.engine import keep
from hub.standards.reading.plain_text import LINE_LIMIT
from hub.standards.validation.connection import Connection
from hub.standards.validation.oneroster_source import Source
from hub.standards.validation.profiles import Judge

#: A line of RFC 4180: fields are quoted whole with quotes doubled inside, or hold none.
_LINE = r'^("([^"]|"")*"|[^",]*)(,("([^"]|"")*"|[^",]*))*$'


def record_numbers(path: Path, lines: list[int], broken: bool) -> list[int]:
    """The record numbers of these lines (ascending), as the parser counts lines: one per record and per blank line.

    `broken`: some records are not one line each, so some lines may be blank.
    """
    if not broken or not lines:
        return [line - 1 for line in lines]
    wanted, numbers = set(lines), {}
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.reader(file)
        number = -1
        try:
            for line, record in enumerate(reader, start=1):
                number += bool(record)
                if line in wanted:
                    numbers[line] = number
        except csv.Error:  # a field longer than any: what follows keeps its line
            pass
    return sorted({max(numbers.get(line, line - 1), 1) for line in lines})


def judge_rejects(judge: Judge, source: Source, rejects: list[tuple[int, str]], numbers: list[int]) -> None:
    by_rule: dict[str, list[int]] = {}
    for (_, rule), number in zip(rejects, numbers, strict=False):
        by_rule.setdefault(rule, []).append(number)
    for rule, rows in by_rule.items():
        judge.find(rule, source.name, "", rows)


def judge_width(judge: Judge, source: Source, rejected: list[int]) -> None:
    """RFC 4180, section 2: each record has as many fields. DuckDB drops blank ones behind the last column."""
    wide: list[int] = []
    with source.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            records = (record for record in csv.reader(file) if record)
            wide = [number for number, record in enumerate(records) if number and len(record) > source.width]
        except csv.Error:  # a field longer than any: it has a finding of its own
            pass
    judge.find("oneroster.csv.blank_fields_behind", source.name, "", sorted(set(wide) - set(rejected)))


def judge_line_breaks(con: Connection, judge: Judge, source: Source, view: str, rejected: list[int]) -> None:
    """OneRoster CSV binding: no line break inside a field.

    The file is read once for all columns: once for each took 17 s where 60,000 records are refused.
    """
    import ibis

    names = {place: name for name, place in source.places.items()}
    rows = con.ibis.table(view)
    marks = {name: (rows[name].contains("\n") | rows[name].contains("\r")).fill_null(False) for name in rows.columns}
    marked = rows.select(_taken=ibis.row_number() + 1, **marks)
    broken = keep(con.ibis, f"{view}__broken", marked.filter(ibis.or_(*(marked[name] for name in marks))))
    for place, name in enumerate(marks):
        found = broken.filter(broken[name]).select("_taken")
        count = int(con.ibis.to_pyarrow(found.count()).as_py())
        if count:
            first = con.ibis.to_pyarrow(found.order_by("_taken").limit(judge.max_per_rule))
            places = [_shifted(row, rejected) for row in first["_taken"].to_pylist()]
            column = names.get(place, f"column {place + 1}")
            judge.find("oneroster.csv.line_break_in_field", source.name, column, places, count)


def judge_quotes(con: Connection, judge: Judge, source: Source) -> None:
    """RFC 4180, section 2: a field that is not quoted holds no quote. Each record is one line here."""
    lines = _lines(con, source)
    wrong = lines.filter(lines["line"].contains('"') & ~lines["line"].re_search(_LINE))
    judge.find("oneroster.csv.unescaped_quote", source.name, "", _rows(con, wrong))


def _lines(con: Connection, source: Source) -> Any:
    import ibis

    relation = con.plain.read_csv(
        str(source.path),
        columns={"line": "VARCHAR"},
        auto_detect=False,
        header=True,
        delimiter="\x01",
        quotechar="",
        escapechar="",
        strict_mode=False,
        ignore_errors=True,
        max_line_size=LINE_LIMIT,
        encoding="utf-8",
    )
    relation.create_view("lines__csv", replace=True)
    return con.ibis.table("lines__csv").mutate(_row=ibis.row_number() + 1)


def _rows(con: Connection, lines: Any) -> list[int]:
    rows: list[int] = con.ibis.to_pyarrow(lines.select("_row").order_by("_row"))["_row"].to_pylist()
    return rows


def _shifted(taken: int, rejected: list[int]) -> int:
    return taken + bisect_right([row - j for j, row in enumerate(rejected)], taken)
