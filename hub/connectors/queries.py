"""What a vendor's folder may ask a database: one SELECT, and nothing that writes, locks or calls a command."""

from __future__ import annotations

import re

import sqlglot
import sqlglot.expressions as sge

from hub.errors import FixConfiguration

_DIALECTS = {"postgresql": "postgres", "mssql": "tsql", "mariadb": "mysql"}
_WRITES = (
    sge.Insert, sge.Update, sge.Delete, sge.Merge, sge.Create, sge.Drop, sge.Alter, sge.TruncateTable, sge.Command,
    sge.Into, sge.Lock, sge.Set, sge.Copy,
)  # fmt: skip
#: MySQL and MariaDB run what stands in such a comment, which the parser passes over.
_COMMENT_THAT_RUNS = re.compile(r"/\*M?!")


def one_select(query: str, dialect: str, where: str) -> str:
    """The query as it stands. Raises FixConfiguration for anything but one SELECT; its text is not repeated."""
    try:
        found = [tree for tree in sqlglot.parse(query, dialect=_DIALECTS.get(dialect, dialect)) if tree is not None]
    except (sqlglot.errors.SqlglotError, ValueError, RecursionError):
        found = []
    if (
        len(found) != 1
        or not isinstance(found[0], sge.Query)
        or any(found[0].find_all(*_WRITES))
        or _COMMENT_THAT_RUNS.search(query)
    ):
        raise FixConfiguration(f"{where}: the query is not one SELECT.", "Write one SELECT that only reads.")
    return query
