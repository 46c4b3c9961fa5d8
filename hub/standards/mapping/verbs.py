"""What each value means: a closed set of verbs, compiled to Ibis expressions.

Verbs instead of templates, so that the engine can tell a value that was lost (a date that did not parse, a code without
a crosswalk) from a value that was never there. The grammar is in schemas/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import ibis

from hub.errors import FixConfiguration
from hub.model import Field
from hub.standards.mapping import scores
from hub.standards.mapping.values import TYPES, Context, Expr, Value, all_of, any_of, format_time, to_json, try_strptime

TRUE, FALSE = ("true",), ("false",)
#: Among `formats` of a date: day and month in either order, where only one order makes a day.
EITHER = "either"


def compile_verb(word: Any, target: Field, context: Context) -> Value:
    """`word` is a column name (read by the field's type) or {verb: argument, ...}.

    Raises FixConfiguration for a verb that does not exist.
    """
    if isinstance(word, str):
        word = {_BY_TYPE.get(target.type, "text"): word}
    for name, verb in _VERBS.items():
        if name in word:
            value = verb(word, target, context)
            return replace(value, required=True) if word.get("required") is True else value
    raise FixConfiguration(
        f"field {target.name!r}: no verb in {sorted(word)}.", f"The verbs are: {', '.join(sorted(_VERBS))}."
    )


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


def _boolean(word: dict[Any, Any], _target: Field, context: Context) -> Value:
    raw = context.column(word["boolean"])
    if raw.type().is_boolean():
        return Value(raw)
    # YAML reads the bare keys true and false as booleans.
    true = [str(v) for v in word.get(True, word.get("true", TRUE))]
    false = [str(v) for v in word.get(False, word.get("false", FALSE))]
    folded = raw.lower()
    value = ibis.cases(
        (folded.isin([v.lower() for v in true]), True),
        (folded.isin([v.lower() for v in false]), False),
        else_=ibis.null("boolean"),
    )
    mended = value.notnull() & ~raw.isin([*true, *false])
    return Value(value, raw.notnull() & value.isnull(), "type.boolean", (("value.case", mended),))


def _either(raw: Expr) -> Expr:
    """Month and day in either order, only where one order makes a day: 05/13/2027, 13/05/2027, not 05/06/2027."""
    month, later = r"(0?[1-9]|1[0-2])", r"(1[3-9]|2\d|3[01])"
    iso = raw.re_replace(rf"^{month}/{later}/(\d{{4}})$", r"\3-\1-\2")
    iso = iso.re_replace(rf"^{later}/{month}/(\d{{4}})$", r"\3-\2-\1")
    same = "|".join(f"0?{n}/0?{n}" for n in range(1, 13))
    twice = raw.re_search(rf"^(?:{same})/\d{{4}}$").ifelse(raw, ibis.null("string"))
    return ibis.coalesce(try_strptime(iso, "%Y-%m-%d"), try_strptime(twice, "%m/%d/%Y"))


def _year(word: dict[str, Any], _target: Field, context: Context) -> Value:
    """{year: Col, repair: rule}: the year in which a school year ends, also out of 2026-2027, 2026-27 or 2026/27."""
    raw = context.text(word["year"])
    whole = raw.re_search(r"^\d{4}$").ifelse(raw, ibis.null("string"))
    span = r"^(\d{4})\s*[-/]\s*(\d{4}|\d{2})$"
    first, last = raw.re_extract(span, 1).try_cast("int64"), raw.re_extract(span, 2).try_cast("int64")
    ends = (last < 100).ifelse(first - first % 100 + last, last)
    ends = (ends == first + 1).ifelse(ends, ibis.null("int64"))
    value = ibis.coalesce(whole.try_cast("int64"), ends)
    repairs = ((word["repair"], whole.isnull() & ends.notnull()),) if "repair" in word else ()
    return Value(value, raw.notnull() & value.isnull(), "type.integer", repairs)


def _moment(kind: str, formats: tuple[str, ...], shape: str) -> Callable[[dict[str, Any], Field, Context], Value]:
    def verb(word: dict[str, Any], _target: Field, context: Context) -> Value:
        raw = context.column(word[kind])
        if kind == "date" and not raw.type().is_string():
            return Value(raw.cast("date"))
        given = word.get("formats", formats)
        reads = [_either(raw) if f == EITHER else try_strptime(raw, f) for f in given]
        parsed = ibis.coalesce(*reads)
        value = parsed.date() if kind == "date" else format_time(parsed, shape)
        if kind == "datetime" and word.get("local"):  # a clock on a wall: no zone is known, and none is made up
            value = format_time(parsed, "%Y-%m-%dT%H:%M:%S")
        if word.get("minus_days"):  # an exclusive end becomes an inclusive one
            value = value - ibis.interval(days=int(word["minus_days"]))
        repairs = ((word["repair"], reads[0].isnull() & parsed.notnull()),) if "repair" in word else ()
        return Value(value, raw.notnull() & value.isnull(), f"type.{kind}", repairs)

    return verb


def _code(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{code: Column, crosswalk: name}: the crosswalk decides; a code it lacks is a fault, never a default."""
    return _read_code(context.text(word["code"]), word, target, context)


def _read_code(raw: Expr, word: dict[str, Any], target: Field, context: Context) -> Value:
    table = context.crosswalks.get(word["crosswalk"])
    if table is None:
        raise FixConfiguration(
            f"field {target.name!r}: no crosswalk {word['crosswalk']!r}.", "Add crosswalks/<name>.csv with code,value."
        )
    key = raw if word.get("exact") else raw.lower()
    fold = (lambda s: s) if word.get("exact") else str.lower
    # An empty value in the crosswalk: known, and means nothing. (DuckDB 2.0 fails on functions over NULLIF(CASE ...).)
    said = [(fold(k), v) for k, (v, _) in table.items() if v]
    value = key.cases(*said, else_=ibis.null("string")) if said else ibis.null("string")
    lost = raw.notnull() & ~key.isin([fold(k) for k in table])
    if "namespace" in word:  # what the crosswalk lacks stays the vendor's own descriptor
        value = lost.ifelse(ibis.literal(_space(word, target, context)) + raw, value)
        lost = None
    repairs = tuple(
        (rule, key.isin([fold(k) for k, (_, r) in table.items() if r == rule]))
        for rule in sorted({r for _, r in table.values() if r})
    )
    kind = TYPES.get(target.type)
    return Value(value.cast(kind) if kind else value, lost, "code.unknown", () if word.get("quiet") else repairs)


def _descriptor(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{descriptor: Column, namespace: uri}: the vendor's own code in the vendor's own namespace."""
    return Value(ibis.literal(_space(word, target, context)) + context.text(word["descriptor"]))


def _space(word: dict[str, Any], target: Field, context: Context) -> str:
    space = word["namespace"]
    uri = str(context.options[space["option"]] if isinstance(space, dict) else space)
    return f"{uri.rstrip('/')}/{word.get('of') or target.of}#"


def _hash(word: dict[str, Any], _target: Field, context: Context) -> Value:
    """md5 of the parts' canonical text: the same on every engine, unlike an engine's own hash()."""
    part = Field(_target.name, "string")
    values = [compile_verb({"text": p} if isinstance(p, str) else p, part, context).expr for p in word["hash"]]
    parts = [v if v.type().is_string() else v.cast("string") for v in values]
    joined = ibis.literal("\x1f").join([p.fill_null("") for p in parts])
    blank = all_of([p.isnull() for p in parts])
    return Value(blank.ifelse(ibis.null("string"), joined.hexdigest("md5")))


def _join(word: dict[str, Any], target: Field, context: Context) -> Value:
    parts = [compile_verb(p, Field(target.name, "string"), context) for p in word["join"]]
    losses = [v.lost for v in parts if v.lost is not None]
    return Value(
        ibis.literal(word.get("with", "")).join([v.expr for v in parts]),
        any_of(losses) if losses else None,
        next((v.rule for v in parts if v.rule), ""),
        tuple(r for v in parts for r in v.repairs),
    )


def _first(word: dict[str, Any], target: Field, context: Context) -> Value:
    values = [compile_verb(w, target, context) for w in word["first"]]
    expr = ibis.coalesce(*[v.expr for v in values])
    losses = [v.lost for v in values if v.lost is not None]
    lost = (any_of(losses) & expr.isnull()) if losses else None
    rule = next((v.rule for v in values if v.rule), "")
    repairs = tuple(r for v in values for r in v.repairs)
    if "repair" in word:
        repairs += ((word["repair"], values[0].expr.isnull() & expr.notnull()),)
    return Value(expr, lost, rule, repairs)


def _when(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{when: {Column: [values]}, then: verb}: the value only in those rows."""
    tests = [context.text(c).isin([str(v) for v in values]) for c, values in word["when"].items()]
    test = all_of([t.fill_null(False) for t in tests])
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
    """Ed-Fi organization ids are int64: the first column that is a number, else one made of the last."""
    columns = [context.text(c) for c in word["number_id"]]
    plain = [c.re_search(r"^\d{1,15}$").ifelse(c, ibis.null("string")).try_cast("int64") for c in columns]
    digits = ibis.literal("0x") + columns[-1].hexdigest("md5")[0:12]
    made = columns[-1].notnull().ifelse(digits.cast("int64") + 1_000_000_000_000_000, ibis.null("int64"))
    value = ibis.coalesce(*plain, made)
    return Value(value, None, "", (("id.derived", value.notnull() & all_of([p.isnull() for p in plain])),))


def _unique_id(word: dict[str, Any], _target: Field, context: Context) -> Value:
    """Ed-Fi unique ids hold 32 characters: a UUID loses its dashes, anything else too long becomes its md5."""
    raw = ibis.coalesce(*[context.text(c) for c in word["unique_id"]])
    uuid = raw.re_search(r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")
    limit = word.get("max", 32)
    long = raw.length() > limit
    bare = raw.replace("-", "").lower() if limit < 36 else raw
    value = ibis.cases((uuid, bare), (long, raw.hexdigest("md5")), else_=raw)
    return Value(value, None, "", (("id.derived", raw.notnull() & long),))


def _short_id(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{short_id: Column}: a text that is too long for the field ends in eight characters of its md5, never in a cut."""
    raw, limit = context.text(word["short_id"]), target.max_length or 60
    long = raw.length() > limit
    short = raw.left(limit - 9).concat("~", raw.hexdigest("md5").left(8))
    return Value(long.ifelse(short, raw), None, "", (("id.derived", long),))


def _cut(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{cut: Column}: words for a reader that are too long for the field end in an ellipsis."""
    raw, limit = context.text(word["cut"]), target.max_length or 255
    long = raw.length() > limit
    return Value(long.ifelse(raw.left(limit - 1).concat("…"), raw), None, "", (("length.cut", long),))


def _school_year(word: dict[str, Any], _target: Field, context: Context) -> Value:
    """{school_year: Column, formats: [...]}: the school year of a date: it starts on 1 July."""
    raw = context.text(word["school_year"])
    day = ibis.coalesce(*[try_strptime(raw, f) for f in word.get("formats", ("%Y-%m-%d",))])
    year = (day.year() + (day.month() >= 7).cast("int64")).cast("int64")
    return Value(year, raw.notnull() & day.isnull(), "type.date")


def _object(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{object: {field: verb, ...}}: one object; absent where its first field is."""
    kinds = {f.name: f for f in target.items}
    values = {n: compile_verb(w, kinds.get(n, Field(n, "string")), context) for n, w in word["object"].items()}
    members = [
        ibis.literal(f'"{n}":').concat(to_json(v.expr if v.expr.type().is_string() else v.expr.cast("string")))
        for n, v in values.items()
    ]
    first = next(iter(values.values())).expr
    text = first.notnull().ifelse(ibis.literal("{").concat(ibis.literal(",").join(members), "}"), ibis.null("string"))
    losses = [v.lost for v in values.values() if v.lost is not None]
    rule = next((v.rule for v in values.values() if v.rule), "")
    return Value(text, any_of(losses) if losses else None, rule, tuple(r for v in values.values() for r in v.repairs))


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
    for entry, item in zip(word["each"], items, strict=True):
        others = [item[n] for n, w in entry.items() if n != keep and not _is_fixed(w)]
        if others:  # what else the row says of it has no place: told, as the row itself can do without
            left = item[keep].isnull() & any_of([other.notnull() for other in others])
            repairs.append(("list.item_without_key", left))
    present = ibis.array(items).filter(lambda item: item[keep].notnull())
    text = (present.length() == 0).ifelse(ibis.null("string"), present.cast("json").cast("string"))
    return Value(text, any_of(losses) if losses else None, rule, tuple(repairs))


def _is_fixed(word: Any) -> bool:
    return isinstance(word, dict) and bool({"const", "option", "slice"} & word.keys())


def _split(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{split: Column, by: ",", as: field}: a delimited cell into a list of one-field items, each once, sorted.

    `crosswalk` reads each part as `code` does; `with: {field: Column}` adds the same to every item.
    """
    raw = context.text(word["split"])
    parts = raw.split(word.get("by", ",")).map(lambda part: part.strip()).filter(lambda part: part != "")
    made, lost, repairs = parts, None, []
    if "crosswalk" in word:
        item = next((f for f in target.items if f.name == word["as"]), Field(word["as"], "string"))
        table = context.crosswalks.get(word["crosswalk"], {})
        rules = sorted({r for _, r in table.values() if r}) if not word.get("quiet") else []
        for number, rule in enumerate(rules):

            def mended(part: Expr, number: int = number) -> Expr:
                return _read_code(part, word, item, context).repairs[number][1]

            repairs.append((rule, parts.filter(mended).length() > 0))
        if "namespace" not in word and not word.get("quiet"):  # quiet: judged where the codes stand
            lost = parts.filter(lambda part: _read_code(part, word, item, context).lost).length() > 0
        made = parts.map(lambda part: _read_code(part, word, item, context).expr)
    made = made.filter(lambda value: value.notnull()).unique().sort()
    more = {f: context.text(column) for f, column in word.get("with", {}).items()}
    items = made.map(lambda part: ibis.struct({word["as"]: part, **more}))
    text = (made.length() > 0).ifelse(items.cast("json").cast("string"), ibis.null("string"))
    return Value(text, lost, "code.unknown" if lost is not None else "", tuple(repairs))


_ISO_DATETIME: tuple[str, ...] = (
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%SZ",
)
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
    "year": _year,
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
    "object": _object,
    "short_id": _short_id,
    "cut": _cut,
    "school_year": _school_year,
    "scores": scores.scores,
    "levels": scores.levels,
    "objectives": partial(scores.objectives, compile_verb),
    "score_types": scores.score_types,
    "level_types": scores.level_types,
    "split": _split,
}
