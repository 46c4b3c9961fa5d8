"""The values behind findings, for whoever asked to see them. They are read again: nothing else ever holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hub.standards.validation.connection import Connection
from hub.standards.validation.findings import Finding
from hub.standards.validation.oneroster_read import Table
from hub.standards.validation.profiles import Judge

LIMIT = 200  # characters shown of a value


def fill_values(con: Connection, judge: Judge, tables: Mapping[str, Table]) -> None:
    """Sets `value` of every finding that names a row and a column of a table."""
    by_file = {t.source.name: t for t in tables.values()}
    values: dict[tuple[str, int, str], str | None] = {}
    for file, table in by_file.items():
        wanted = [f for f in judge.findings if f.file == file and f.row and f.column in table.source.places]
        if wanted:
            values |= _read(con, table, wanted)
    for i, finding in enumerate(judge.findings):
        value = values.get((finding.file, finding.row or 0, finding.column))
        if value is not None and finding.value is None:
            judge.findings[i] = replace(finding, value=value[:LIMIT])


def _read(con: Connection, table: Table, findings: list[Finding]) -> dict[tuple[str, int, str], str | None]:
    import ibis

    taken = {f.row: f.row - sum(r < f.row for r in table.rejected) for f in findings if f.row}
    places = {f.column: f"c{table.source.places[f.column]}" for f in findings}
    numbered = con.ibis.table(table.view).mutate(_taken=ibis.row_number() + 1)
    rows = numbered.filter(numbered["_taken"].isin(sorted(set(taken.values()))))
    found = {row["_taken"]: row for row in con.ibis.to_pyarrow(rows.select("_taken", **places)).to_pylist()}
    return {
        (f.file, f.row, f.column): found[taken[f.row]][f.column] for f in findings if f.row and taken[f.row] in found
    }
