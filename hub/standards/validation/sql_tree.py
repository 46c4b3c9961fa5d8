"""SQL as trees: an expression or SELECT is written once with named holes, and filled per column. No text is pasted."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlglot
import sqlglot.expressions as sge


@lru_cache(maxsize=512)
def _parsed(text: str) -> Any:
    return sqlglot.parse_one(text, dialect="duckdb")


def fill(text: str, **parts: Any) -> Any:
    """The tree of `text` in which each column or table named like a part is that part: a tree, a name or a number."""
    tree = _parsed(text).copy()
    for node in list(tree.find_all(sge.Column, sge.Table)):
        part = parts.get(node.name)
        if part is None or node.args.get("table") or node.args.get("db"):
            continue
        new = _tree(part, isinstance(node, sge.Table))
        if isinstance(node, sge.Table) and node.alias:
            new = sge.alias_(new, node.alias, table=True)
        if node is tree:
            return new
        node.replace(new)
    return tree


def _tree(part: Any, table: bool) -> Any:
    if isinstance(part, sge.Expression):
        return part.copy()
    if isinstance(part, int):
        return sge.convert(part)
    return sge.table_(part, quoted=True) if table else sge.column(part, quoted=True)


def text(value: str) -> Any:
    """A string as a literal."""
    return sge.Literal.string(value)


def call(name: str, *arguments: Any) -> Any:
    return sge.Anonymous(this=name, expressions=list(arguments))


def create(kind: str, name: str, query: Any) -> str:
    """CREATE OR REPLACE TABLE or VIEW `name` AS the query."""
    made = sge.Create(this=sge.table_(name, quoted=True), kind=kind, replace=True, expression=query)
    return str(made.sql("duckdb"))


def select(items: dict[str, Any], source: str) -> Any:
    """SELECT of trees by name from a table."""
    columns = [sge.alias_(tree, name, quoted=True, copy=False) for name, tree in items.items()]
    return sge.Select(expressions=columns).from_(sge.table_(source, quoted=True), copy=False)


def added(trees: list[Any]) -> Any:
    """The sum of trees."""
    total = trees[0]
    for tree in trees[1:]:
        total = sge.Add(this=total, expression=tree)
    return total
