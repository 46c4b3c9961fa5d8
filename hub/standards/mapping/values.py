"""What a verb gives and what it may see: an expression, and where an input was lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.datatypes as dt

Expr = Any  # an ibis value; ibis ships no types

TYPES: dict[str, str] = {"integer": "int64", "number": "float64", "boolean": "boolean", "date": "date"}


@ibis.udf.scalar.builtin(name="try_strptime")
def _strptime(text: str, format: str) -> dt.timestamp:
    """DuckDB's parse that yields null instead of raising."""


def try_strptime(text: Expr, format: str) -> Expr:
    """The moment that `text` names in this form, else null. %Y is four digits: DuckDB reads 25 as the year 25."""
    moment = _strptime(text, format)
    return (moment.year() >= 1000).ifelse(moment, ibis.null("timestamp")) if "%Y" in format else moment


@ibis.udf.scalar.builtin(name="strftime")
def format_time(value: dt.timestamp, format: str) -> str:  # type: ignore[empty-body]
    """DuckDB's strftime."""


@ibis.udf.scalar.builtin(name="to_json")
def to_json(text: str) -> str:  # type: ignore[empty-body]
    """A text as a JSON string, with its quotes."""


@dataclass(frozen=True)
class Value:
    """`lost` is true where a non-blank input gave no value, for `rule`; repairs count what was mended on the way.

    `parts` say it of each input column of a list: (column, rule, lost). Worked out only for lost rows.
    """

    expr: Expr
    lost: Expr | None = None
    rule: str = ""
    repairs: tuple[tuple[str, Expr], ...] = ()
    parts: tuple[tuple[str, str, Expr], ...] = ()
    required: bool = False  # a blank holds the row although the standard leaves it open


@dataclass(frozen=True)
class Context:
    """What a verb may see: the rows, the vendor's crosswalks, the source's options and the slice."""

    rows: Any
    crosswalks: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)  # of the slice: schoolYear, localEducationAgencyId, today
    blank: frozenset[str] = frozenset()  # columns without a value in any row: nothing is worked out of them

    def has(self, name: str) -> bool:
        return name in self.rows.columns and name not in self.blank

    def column(self, name: str) -> Expr:
        return self.rows[name] if self.has(name) else ibis.null("string")

    def text(self, name: str) -> Expr:
        column = self.column(name)
        return column if column.type().is_string() else column.cast("string")


def any_of(conditions: list[Expr]) -> Expr:
    result = conditions[0]
    for condition in conditions[1:]:
        result = result | condition
    return result


def all_of(conditions: list[Expr]) -> Expr:
    result = conditions[0]
    for condition in conditions[1:]:
        result = result & condition
    return result


def inputs(word: Any) -> set[str]:
    """Names a verb may read as columns (a superset: constants can be among them)."""
    if isinstance(word, str):
        return {word}
    if isinstance(word, dict):
        return set().union(*(inputs(v) | ({k} if isinstance(k, str) else set()) for k, v in word.items()), set())
    if isinstance(word, list | tuple):
        return set().union(*(inputs(v) for v in word), set())
    return set()
