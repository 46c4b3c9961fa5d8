"""The rules that files break together: SELECTs of the rule library over a package's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlglot
import sqlglot.expressions as sge

from hub.errors import FixConfiguration
from hub.standards.rules import load_rules
from hub.standards.validation.oneroster_layout import layouts
from hub.standards.validation.oneroster_read import Table
from hub.standards.validation.profiles import Judge
from hub.standards.validation.sql_tree import fill, text

_PLACES = """SELECT _column, count(*), list(_row ORDER BY _row)[1:10000]
    FROM (SELECT DISTINCT _row, said AS _column FROM broken) GROUP BY _column"""


@dataclass(frozen=True)
class Check:
    """`places` finds (column, count, rows) of `file`; it reads the files `needs`, of which `whole` must be bulk."""

    rule: str
    file: str
    places: str
    needs: frozenset[str]
    whole: tuple[str, ...]
    columns: frozenset[str]


@lru_cache(maxsize=4)
def checks(version: str) -> tuple[Check, ...]:
    """Those of the library that apply to this version of the CSV binding.

    Raises FixConfiguration for one that is no SELECT over files of the standard.
    """
    found = []
    for rule in load_rules().values():
        for check in rule.check:
            if rule.id.startswith("oneroster") and version in check.get("versions", (version,)):
                query = sqlglot.parse_one(check["rows"], dialect="duckdb")
                tables = list(query.find_all(sge.Table))
                plain = isinstance(query, sge.Query) and all(isinstance(t.this, sge.Identifier) for t in tables)
                own = {cte.alias for cte in query.find_all(sge.CTE)}
                needs = frozenset(t.name for t in tables) - own
                if not plain or needs - layouts("1.2").keys():
                    raise FixConfiguration(f"rule {rule.id}: a check is a SELECT over files of the standard.")
                columns = frozenset(c.name for c in query.find_all(sge.Column))
                whole = tuple(check.get("whole", ()))
                said = "_column" if "_column" in query.named_selects else text(check["column"])
                places = str(fill(_PLACES, broken=query.subquery(), said=said).sql("duckdb"))
                found.append(Check(rule.id, check["file"], places, needs, whole, columns))
    return tuple(found)


@lru_cache(maxsize=4)
def wanted(version: str) -> dict[str, set[str]]:
    """By file the columns that keys, references and checks read; no other has to be kept."""
    files = layouts(version)
    found = {
        name: {c.name for c in f.columns if c.to or c.name in ("sourcedId", "status")} for name, f in files.items()
    }
    for check in checks(version):
        for name in check.needs & found.keys():
            found[name] |= check.columns & {c.name for c in files[name].columns}
    return found


def judge_checks(con: Any, judge: Judge, tables: Mapping[str, Table], version: str) -> None:
    """Runs each check whose files are all there; one that looks for what is absent needs those files as bulk."""
    for check in checks(version):
        whole = all(tables[f].source.mode == "bulk" for f in check.whole if f in tables)
        if not judge.judged(check.rule) or not check.needs <= tables.keys() or not whole:
            continue
        for column, count, places in con.raw_sql(check.places).fetchall():
            judge.find(check.rule, tables[check.file].source.name, column, places[: judge.max_per_rule], count)
