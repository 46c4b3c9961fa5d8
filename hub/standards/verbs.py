"""What each value means: a closed set of verbs, compiled to Ibis expressions.

Verbs instead of templates, so that the engine can tell a value that was lost (a date that did not parse, a code without
a crosswalk) from a value that was never there. The grammar is in schemas/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from hub.errors import FixConfiguration
from hub.model import Field

Expr = Any  # an ibis value; ibis ships no types

TYPES: dict[str, str] = {"integer": "int64", "number": "float64", "boolean": "boolean", "date": "date"}
TRUE, FALSE = ("true",), ("false",)


@ibis.udf.scalar.builtin
def try_strptime(text: str, format: str) -> dt.timestamp:  # type: ignore[empty-body]
    """DuckDB's parse that yields null instead of raising."""


@ibis.udf.scalar.builtin(name="strftime")
def format_time(value: dt.timestamp, format: str) -> str:  # type: ignore[empty-body]
    """DuckDB's strftime."""


@dataclass(frozen=True)
class Value:
    """`lost` is true where a non-blank input gave no value, for `rule`; repairs count what was mended on the way."""

    expr: Expr
    lost: Expr | None = None
    rule: str = ""
    repairs: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True)
class Context:
    """What a verb may see: the rows, the vendor's crosswalks, the source's options and the slice."""

    rows: Any
    crosswalks: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)  # of the slice: schoolYear, localEducationAgencyId, today

    def column(self, name: str) -> Expr:
        return self.rows[name] if name in self.rows.columns else ibis.null("string")

    def text(self, name: str) -> Expr:
        column = self.column(name)
        return column if column.type().is_string() else column.cast("string")


def compile_verb(word: Any, target: Field, context: Context) -> Value:
    """`word` is a column name (read by the field's type) or {verb: argument, ...}.

    Raises FixConfiguration for a verb that does not exist.
    """
    if isinstance(word, str):
        word = {_BY_TYPE.get(target.type, "text"): word}
    for name, verb in _VERBS.items():
        if name in word:
            return verb(word, target, context)
    raise FixConfiguration(
        f"field {target.name!r}: no verb in {sorted(word)}.", f"The verbs are: {', '.join(sorted(_VERBS))}."
    )


def inputs(word: Any) -> set[str]:
    """Names a verb may read as columns (a superset: constants can be among them)."""
    if isinstance(word, str):
        return {word}
    if isinstance(word, dict):
        return set().union(*(inputs(v) | ({k} if isinstance(k, str) else set()) for k, v in word.items()), set())
    if isinstance(word, list | tuple):
        return set().union(*(inputs(v) for v in word), set())
    return set()


def _text(word: dict[str, Any], _target: Field, context: Context) -> Value:
    return Value(context.text(word["text"]))


def _const(word: dict[str, Any], target: Field, _context: Context) -> Value:
    return Value(ibis.literal(word["const"]).cast(TYPES.get(target.type, "string")))


def _option(word: dict[str, Any], target: Field, context: Context) -> Value:
    return Value(ibis.literal(context.options[word["option"]]).cast(TYPES.get(target.type, "string")))


def _slice(word: dict[str, Any], target: Field, context: Context) -> Value:
    fact = context.facts[word["slice"]]
    kind = TYPES.get(target.type, "string")
    return Value(ibis.null(kind) if fact is None else ibis.literal(fact).cast(kind))


def _integer(word: dict[str, Any], _target: Field, context: Context) -> Value:
    raw = context.column(word["integer"])
    if not raw.type().is_string():
        return Value(raw.cast("int64"))
    value = raw.re_search(r"^[+-]?\d{1,18}(\.0+)?$").ifelse(raw.re_replace(r"\.0+$", ""), ibis.null("string"))
    value = value.try_cast("int64")
    return Value(value, raw.notnull() & value.isnull(), "type.integer")


def _number(word: dict[str, Any], _target: Field, context: Context) -> Value:
    raw = context.column(word["number"])
    if not raw.type().is_string():
        return Value(raw.cast("float64"))
    value = raw.try_cast("float64")
    value = (value.isinf() | value.isnan()).ifelse(ibis.null("float64"), value)
    return Value(value, raw.notnull() & value.isnull(), "type.number")


def _boolean(word: dict[str, Any], _target: Field, context: Context) -> Value:
    raw = context.column(word["boolean"])
    if raw.type().is_boolean():
        return Value(raw)
    true = [str(v) for v in word.get("true", TRUE)]
    false = [str(v) for v in word.get("false", FALSE)]
    folded = raw.lower()
    value = ibis.cases(
        (folded.isin([v.lower() for v in true]), True),
        (folded.isin([v.lower() for v in false]), False),
        else_=ibis.null("boolean"),
    )
    mended = value.notnull() & ~raw.isin([*true, *false])
    return Value(value, raw.notnull() & value.isnull(), "type.boolean", (("value.case", mended),))


def _moment(kind: str, formats: tuple[str, ...], shape: str) -> Callable[[dict[str, Any], Field, Context], Value]:
    def verb(word: dict[str, Any], _target: Field, context: Context) -> Value:
        raw = context.column(word[kind])
        if kind == "date" and not raw.type().is_string():
            return Value(raw.cast("date"))
        parsed = ibis.coalesce(*[try_strptime(raw, f) for f in word.get("formats", formats)])
        value = parsed.date() if kind == "date" else format_time(parsed, shape)
        if word.get("minus_days"):  # an exclusive end becomes an inclusive one
            value = value - ibis.interval(days=int(word["minus_days"]))
        return Value(value, raw.notnull() & value.isnull(), f"type.{kind}")

    return verb


def _code(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{code: Column, crosswalk: name}: the crosswalk decides; a code it lacks is a fault, never a default."""
    raw = context.text(word["code"])
    table = context.crosswalks.get(word["crosswalk"])
    if table is None:
        raise FixConfiguration(
            f"field {target.name!r}: no crosswalk {word['crosswalk']!r}.", "Add crosswalks/<name>.csv with code,value."
        )
    key = raw if word.get("exact") else raw.lower()
    fold = (lambda s: s) if word.get("exact") else str.lower
    value = key.cases(*[(fold(k), v) for k, (v, _) in table.items()], else_=ibis.null("string"))
    value = value.nullif("")  # an empty value in the crosswalk: known, and means nothing
    known = key.isin([fold(k) for k in table])
    repairs = tuple(
        (rule, key.isin([fold(k) for k, (_, r) in table.items() if r == rule]))
        for rule in sorted({r for _, r in table.values() if r})
    )
    kind = TYPES.get(target.type)
    return Value(value.cast(kind) if kind else value, raw.notnull() & ~known, "code.unknown", repairs)


def _descriptor(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{descriptor: Column, namespace: uri}: the vendor's own code in the vendor's own namespace."""
    raw = context.text(word["descriptor"])
    space = f"{word['namespace'].rstrip('/')}/{word.get('of') or target.of}#"
    return Value(ibis.literal(space) + raw)


def _hash(word: dict[str, Any], _target: Field, context: Context) -> Value:
    """md5 of the parts' canonical text: the same on every engine, unlike an engine's own hash()."""
    parts = [context.text(p) for p in word["hash"]]
    joined = ibis.literal("\x1f").join([p.fill_null("") for p in parts])
    blank = _all([p.isnull() for p in parts])
    return Value(blank.ifelse(ibis.null("string"), joined.hexdigest("md5")))


def _join(word: dict[str, Any], target: Field, context: Context) -> Value:
    parts = [compile_verb(p, Field(target.name, "string"), context).expr for p in word["join"]]
    return Value(ibis.literal(word.get("with", "")).join(parts))


def _first(word: dict[str, Any], target: Field, context: Context) -> Value:
    values = [compile_verb(w, target, context) for w in word["first"]]
    expr = ibis.coalesce(*[v.expr for v in values])
    losses = [v.lost for v in values if v.lost is not None]
    lost = (_any(losses) & expr.isnull()) if losses else None
    rule = next((v.rule for v in values if v.rule), "")
    return Value(expr, lost, rule, tuple(r for v in values for r in v.repairs))


def _when(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{when: {Column: [values]}, then: verb}: the value only in those rows."""
    tests = [context.text(c).isin([str(v) for v in values]) for c, values in word["when"].items()]
    test = _all([t.fill_null(False) for t in tests])
    inner = compile_verb(word["then"], target, context)
    empty = inner.expr.type()
    lost = None if inner.lost is None else test & inner.lost
    return Value(
        test.ifelse(inner.expr, ibis.null(empty)), lost, inner.rule, tuple((r, test & c) for r, c in inner.repairs)
    )


def _value(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{value: column, from: column}: made by the SELECT; lost where `from` is there and the value is not."""
    inner = compile_verb(word["value"], target, context)
    source = context.column(word["from"])
    return Value(inner.expr, source.notnull() & inner.expr.isnull(), word.get("rule", "reference.unresolved"))


def _number_id(word: dict[str, Any], _target: Field, context: Context) -> Value:
    """Ed-Fi organization ids are int64: the first column that is a number, else a stable number made of the last one."""
    columns = [context.text(c) for c in word["number_id"]]
    plain = [c.re_search(r"^\d{1,15}$").ifelse(c, ibis.null("string")).try_cast("int64") for c in columns]
    digits = ibis.literal("0x") + columns[-1].hexdigest("md5")[0:12]
    made = columns[-1].notnull().ifelse(digits.cast("int64") + 1_000_000_000_000_000, ibis.null("int64"))
    value = ibis.coalesce(*plain, made)
    return Value(value, None, "", (("id.derived", value.notnull() & _all([p.isnull() for p in plain])),))


def _unique_id(word: dict[str, Any], _target: Field, context: Context) -> Value:
    """Ed-Fi unique ids hold 32 characters: a UUID loses its dashes, anything else too long becomes its md5."""
    raw = ibis.coalesce(*[context.text(c) for c in word["unique_id"]])
    uuid = raw.re_search(r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")
    long = raw.length() > 32
    value = ibis.cases((uuid, raw.replace("-", "").lower()), (long, raw.hexdigest("md5")), else_=raw)
    return Value(value, None, "", (("id.derived", raw.notnull() & long),))


def _each(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{each: [{field: verb, ...}, ...], keep: field}: a list; an item whose `keep` is blank is not there."""
    kept = {f.name: f for f in target.items}
    items, losses, repairs, rule = [], [], [], ""
    for entry in word["each"]:
        parts = {n: compile_verb(w, kept.get(n, Field(n, "string")), context) for n, w in entry.items()}
        texts = {n: v.expr if v.expr.type().is_string() else v.expr.cast("string") for n, v in parts.items()}
        items.append(ibis.struct(texts))
        losses += [v.lost for v in parts.values() if v.lost is not None]
        repairs += [r for v in parts.values() for r in v.repairs]
        rule = next((v.rule for v in parts.values() if v.rule), rule)
    keep = word.get("keep") or next(iter(word["each"][0]))
    present = ibis.array(items).filter(lambda item: item[keep].notnull())
    text = (present.length() == 0).ifelse(ibis.null("string"), present.cast("json").cast("string"))
    return Value(text, _any(losses) if losses else None, rule, tuple(repairs))


def _split(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{split: Column, by: ",", as: field}: a delimited cell into a list of one-field items."""
    raw = context.text(word["split"])
    parts = raw.split(word.get("by", ",")).map(lambda part: part.strip()).filter(lambda part: part != "")
    items = parts.map(lambda part: ibis.struct({word["as"]: part}))
    return Value(raw.isnull().ifelse(ibis.null("string"), items.cast("json").cast("string")))


def _any(conditions: list[Expr]) -> Expr:
    result = conditions[0]
    for condition in conditions[1:]:
        result = result | condition
    return result


def _all(conditions: list[Expr]) -> Expr:
    result = conditions[0]
    for condition in conditions[1:]:
        result = result & condition
    return result


_ISO_DATETIME = ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ")
_ISO_DATETIME += ("%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
_BY_TYPE = {k: k for k in ("integer", "number", "boolean", "date", "time", "datetime")}
_VERBS: dict[str, Callable[[dict[str, Any], Field, Context], Value]] = {
    "text": _text,
    "const": _const,
    "option": _option,
    "slice": _slice,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _moment("date", ("%Y-%m-%d",), ""),
    "time": _moment("time", ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M"), "%H:%M:%S"),
    "datetime": _moment("datetime", _ISO_DATETIME, "%Y-%m-%dT%H:%M:%SZ"),
    "code": _code,
    "descriptor": _descriptor,
    "hash": _hash,
    "join": _join,
    "first": _first,
    "when": _when,
    "value": _value,
    "number_id": _number_id,
    "unique_id": _unique_id,
    "each": _each,
    "split": _split,
}
