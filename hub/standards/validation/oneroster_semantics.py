"""The rules that files break together: SELECTs of the rule library over a package's files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from hub.errors import FixConfiguration
from hub.standards.oneroster_layout import layouts
from hub.standards.rules import load_rules
from hub.standards.validation.connection import Connection
from hub.standards.validation.oneroster_read import Table
from hub.standards.validation.profiles import Judge

_WORD = re.compile(r"\w+")
_ALL = "SELECT count(*), list(_row ORDER BY _row)[1:10000] FROM (SELECT DISTINCT _row FROM broken)"
_BY_COLUMN = """SELECT count(*), list(_row ORDER BY _row)[1:10000], _column
    FROM (SELECT DISTINCT _row, _column FROM broken) GROUP BY _column"""


@dataclass(frozen=True)
class Check:
    """`select` finds the `_row` (and `_column`, where `column` is blank) of `file`. It reads the files `needs`; of them
    those of `whole` must be bulk. `words` are all that it says."""

    rule: str
    file: str
    select: str
    column: str
    needs: frozenset[str]
    whole: tuple[str, ...]
    words: frozenset[str]


@lru_cache(maxsize=4)
def checks(version: str) -> tuple[Check, ...]:
    """Those of the library that apply to this version of the CSV binding. tests/schemas hold that each is a SELECT.

    Raises FixConfiguration for one that reads anything but files of the standard.
    """
    import duckdb

    found = []
    for rule in load_rules().values():
        for check in rule.check:
            if rule.id.startswith("oneroster") and version in check.get("versions", (version,)):
                needs = frozenset(duckdb.get_table_names(check["rows"]))
                if needs - layouts("1.2").keys():
                    raise FixConfiguration(f"rule {rule.id}: a check is a SELECT over files of the standard.")
                column = "" if "_column" in check["rows"] else check["column"]
                words = frozenset(_WORD.findall(check["rows"]))
                whole = tuple(check.get("whole", ()))
                found.append(Check(rule.id, check["file"], check["rows"], column, needs, whole, words))
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
            found[name] |= check.words & {c.name for c in files[name].columns}
    return found


def judge_checks(con: Connection, judge: Judge, tables: Mapping[str, Table], version: str) -> None:
    """Runs each check whose files are all there; one that looks for what is absent needs those files as bulk."""
    for check in checks(version):
        whole = all(tables[f].source.mode == "bulk" for f in check.whole if f in tables)
        if not judge.judged(check.rule) or not check.needs <= tables.keys() or not whole:
            continue
        con.plain.sql(check.select).create_view("broken", replace=True)
        for count, places, *said in con.run(_ALL if check.column else _BY_COLUMN):
            column = said[0] if said else check.column
            judge.find(check.rule, tables[check.file].source.name, column, (places or ())[: judge.max_per_rule], count)
