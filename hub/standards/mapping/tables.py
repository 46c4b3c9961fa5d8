"""Tables that several mappings of a source read: made once, in the order in which they read each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis
from sqlglot import exp

from hub.engine import keep, parsed, view
from hub.errors import FixConfiguration
from hub.model import Field, Source, Table
from hub.standards.mapping.values import Context
from hub.standards.mapping.verbs import compile_verb


def make_tables(
    con: Any, source: Source, base: Context, codes: dict[str, frozenset[str]], asked: Iterable[str] | None = None
) -> dict[str, int]:
    """Makes the source's `tables`; returns what they mended, by rule. `asked` are names that will be read: tables
    that nothing of it reads, by itself or through another, are not made. None: all of them are.

    Beside the streams and each other they may read `slice` (one row: the options and the slice's facts as text) and
    `descriptors` (descriptor, namespace, code: the standard's vocabulary). Raises FixConfiguration for a circle.
    """
    if not source.tables:
        return {}
    _facts(con, base)
    _vocabulary(con, source, codes)
    repairs: dict[str, int] = {}
    waiting = list(source.tables) if asked is None else _asked(source, set(asked))
    while waiting:
        left = {t.name for t in waiting}
        ready = [t for t in waiting if not reads(t.rows) & left]
        if not ready:
            raise FixConfiguration(
                f"{source.vendor}: the tables {', '.join(sorted(left))} read each other.", "Break the circle."
            )
        for table in ready:
            for rule, rows in _make(con, table, base).items():
                repairs[rule] = repairs.get(rule, 0) + rows
        waiting = [t for t in waiting if t not in ready]
    return repairs


def _asked(source: Source, names: set[str]) -> list[Table]:
    known = {t.name: t for t in source.tables}
    found: set[str] = set()
    while new := names & known.keys() - found:
        found |= new
        names = set().union(*(reads(known[name].rows) for name in new))
    return [t for t in source.tables if t.name in found]


def reads(rows: str) -> set[str]:
    """Names of the tables that a SELECT reads."""
    return {t.name for t in parsed(rows).find_all(exp.Table)}


def _make(con: Any, table: Table, base: Context) -> dict[str, int]:
    rows = view(con, f"rows_of_{table.name}", table.rows)
    context = Context(rows, base.crosswalks, base.options, base.facts)
    values = {name: compile_verb(word, Field(name, "string"), context) for name, word in table.fields.items()}
    flags = [(rule, f"_mended.{n}", c) for n, (rule, c) in enumerate(r for v in values.values() for r in v.repairs)]
    made = keep(
        con,
        table.name,
        rows.mutate(**{n: v.expr for n, v in values.items()}, **{c: e.fill_null(False) for _, c, e in flags}),
    )
    sums = {column: made[column].sum() for _, column, _ in flags} | {c: made[c].sum() for c in table.repairs.values()}
    if not sums:
        return {}
    found = con.to_pyarrow(made.aggregate(**sums)).to_pylist()[0]
    total: dict[str, int] = {}
    for rule, column in [*((rule, column) for rule, column, _ in flags), *table.repairs.items()]:
        if found[column]:
            total[rule] = total.get(rule, 0) + int(found[column])
    return total


def _facts(con: Any, base: Context) -> None:
    said = {**base.options, **base.facts}
    row = {k: None if v is None else str(v) for k, v in said.items() if not isinstance(v, list | dict)}
    schema = ibis.schema(dict.fromkeys(row, "string"))
    keep(con, "slice", con.create_table("slice_facts", ibis.memtable([row], schema=schema), temp=True))


def _vocabulary(con: Any, source: Source, codes: dict[str, frozenset[str]]) -> None:
    words = {w for t in source.tables for w in _texts(t.rows)}
    wanted = [n for n in codes if n in words] or sorted(codes)[:1]
    rows = [
        {"descriptor": name, "uri": uri, "code": uri.rpartition("#")[2].lower()}
        for name in wanted
        for uri in sorted(codes[name])
    ]
    schema = ibis.schema({"descriptor": "string", "uri": "string", "code": "string"})
    keep(con, "descriptors", con.create_table("descriptor_codes", ibis.memtable(rows, schema=schema), temp=True))


def _texts(rows: str) -> set[str]:
    return {str(t.this) for t in parsed(rows).find_all(exp.Literal) if t.is_string}
