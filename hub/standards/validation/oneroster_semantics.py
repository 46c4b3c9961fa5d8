"""The rules that files break together: SELECTs of the rule library over views of a package's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import ibis
import sqlglot
import sqlglot.expressions as sge

from hub.engine import view
from hub.model import Rule
from hub.standards.rules import load_rules
from hub.standards.validation.oneroster_layout import layouts
from hub.standards.validation.oneroster_read import Table
from hub.standards.validation.profiles import Judge


def checks(version: str) -> Iterator[tuple[Rule, dict[str, Any]]]:
    """(rule, check) of the library that apply to this version of the CSV binding."""
    for rule in load_rules().values():
        for check in rule.check:
            if rule.id.startswith("oneroster") and version in check.get("versions", (version,)):
                yield rule, check


@lru_cache(maxsize=4)
def wanted(version: str) -> dict[str, set[str]]:
    """By file the columns that keys, references and checks read; no other has to be kept."""
    found = {name: {c.name for c in f.columns if c.to or c.name == "sourcedId"} for name, f in layouts(version).items()}
    for _, check in checks(version):
        query = sqlglot.parse_one(check["rows"], dialect="duckdb")
        words = {c.name for c in query.find_all(sge.Column)}
        for table in _tables(query) & found.keys():
            found[table] |= words & {c.name for c in layouts(version)[table].columns}
    return found


def make_views(con: Any, tables: Mapping[str, Table], version: str) -> None:
    """A view per file with all columns that checks read, null where the file lacks one; without deleted rows."""
    for name, table in tables.items():
        rows = table.rows
        if "_status" in rows.columns:
            rows = rows.filter(rows["_status"].fill_null("") != "tobedeleted")
        kinds = {
            c.name: {"date": "date", "float": "float64"}.get(c.kind, "string") for c in layouts(version)[name].columns
        }
        lacking = {c: ibis.null(kinds[c]) for c in wanted(version)[name] if c not in rows.columns}
        con.create_view(name, rows.mutate(**lacking), overwrite=True)


def judge_checks(con: Any, judge: Judge, tables: Mapping[str, Table], version: str) -> None:
    """Runs each check whose files are all there; one that looks for what is absent needs those files as bulk."""
    for rule, check in checks(version):
        needs = _tables(sqlglot.parse_one(check["rows"], dialect="duckdb"))
        whole = all(tables[f].source.mode == "bulk" for f in check.get("whole", ()) if f in tables)
        if not judge.judged(rule.id) or not needs <= tables.keys() or not whole:
            continue
        rows = view(con, "check", check["rows"]).distinct()
        found = rows.mutate(_column=rows["_column"] if "_column" in rows.columns else ibis.literal(check["column"]))
        places = found.group_by("_column").aggregate(
            n=found.count(), rows=found["_row"].collect(order_by=found["_row"])[: judge.max_per_rule]
        )
        for place in con.to_pyarrow(places).to_pylist():
            judge.find(rule.id, tables[check["file"]].source.name, place["_column"], place["rows"], place["n"])


def _tables(query: Any) -> set[str]:
    """The names of real tables a SELECT reads, its own WITH names left out."""
    own = {cte.alias for cte in query.find_all(sge.CTE)}
    return {t.name for t in query.find_all(sge.Table)} - own
