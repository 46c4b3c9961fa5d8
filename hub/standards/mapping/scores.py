"""Test results stand one to a column in vendors' files: these verbs make the lists of an Ed-Fi assessment of them.

The lists are built as JSON text: on 100 score columns that is five times faster than arrays of structs. A score keeps
the vendor's own text; what is checked is that it has the form that its ResultDatatypeType promises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import ibis

from hub.errors import FixConfiguration
from hub.model import Field
from hub.standards.mapping.values import Context, Expr, Value, any_of, inputs, to_json

STANDARD = "uri://ed-fi.org"
RESULT_LENGTH = 35  # Ed-Fi 5.2, StudentAssessment.scoreResults.result
_NUMBER = r"^[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})$"
_END = r"[A-Za-z+-]{0,4}\d{1,6}(\.\d{1,4})?[A-Za-z+]{0,3}"
#: ResultDatatypeTypeDescriptor -> (rule where a text has another form, the form). A Level is any text.
FORMS = {
    "Integer": ("type.integer", r"^[+-]?\d{1,18}$"),
    "Decimal": ("type.number", _NUMBER),
    "Percentage": ("type.number", _NUMBER),
    "Percentile": ("type.percentile", r"^(100(\.0{1,4})?|\d{1,2}(\.\d{1,4})?)$"),
    "Range": ("type.range", rf"^{_END} ?- ?{_END}$"),
}

Compile = Callable[[Any, Field, Context], Value]
_Crosswalk = dict[str, tuple[str, str]]  # code -> (value, repair rule or "")


@dataclass(frozen=True)
class _Item:
    """JSON text of one list item without its last brace, and a value that is null where it is absent.

    `raw` and `long` are the column itself where a "no score" or a cut of it is to be counted: many columns are asked
    at once, as each expression takes time to compile.
    """

    text: Expr
    sign: Expr
    part: tuple[str, str, Expr] | None = None
    raw: Expr | None = None
    long: Expr | None = None
    repairs: tuple[tuple[str, Expr], ...] = ()


def scores(word: dict[str, Any], _target: Field, context: Context) -> Value:
    """{scores: {Column: [reporting method, result datatype]}, namespace: uri}: the columns that are there, as results.

    Lost where a text does not have its datatype's form. A Level longer than Ed-Fi's 35 characters is cut and counted.
    `none: [texts]` are what the vendor writes for "no score"; they are counted and left out.
    """
    return _value(_scores(word, context), word)


def levels(word: dict[str, Any], _target: Field, context: Context) -> Value:
    """{levels: {Column: [reporting method, crosswalk]}, namespace: uri}: the columns as performance levels.

    The crosswalk lists every level of the vendor, as written (letter case counts); an empty value says nothing.
    """
    return _value(_levels(word, context), word)


def objectives(compile_verb: Compile, word: dict[str, Any], target: Field, context: Context) -> Value:
    """{objectives: [{identificationCode: verb, scores: {}, levels: {}}], of: {field: verb}, namespace: uri}.

    An objective without any score or level is not there, unless its code comes from a column that has a value. Lost
    where there are scores and no code (`required`). `compile_verb` reads the verbs that stand inside this one.
    """
    fields = {f.name: f for f in target.items}
    whose = [
        _member(name, compile_verb(verb, fields.get(name, Field(name, "string")), context).expr)
        for name, verb in word["of"].items()
    ]
    made: list[_Item] = []
    inner: list[_Item] = []
    for entry in word["objectives"]:
        shared = {k: v for k, v in word.items() if k in ("namespace", "none")}
        found = _scores({**shared, "scores": entry.get("scores", {})}, context)
        reached = _levels({**shared, "levels": entry.get("levels", {})}, context)
        inner += [*found, *reached]
        code = compile_verb(entry["identificationCode"], fields["identificationCode"], context)
        fixed = "const" in entry["identificationCode"]
        signs = [i.sign for i in (*found, *reached)]
        if not fixed and any(context.has(c) for c in inputs(entry["identificationCode"])):
            signs.append(code.expr)
        if not signs:
            continue
        body = ibis.literal(",").join(
            [
                _member("identificationCode", code.expr),
                *whose,
                *(ibis.literal(f'"{name}":') + _list(items) for name, items in _lists(found, reached)),
            ]
        )
        sign = ibis.coalesce(*signs)
        text = sign.notnull().ifelse(ibis.literal("{").concat(body), ibis.null("string"))
        part = None
        if not fixed and (found or reached):
            column = next(iter(entry.get("scores") or entry.get("levels")))
            scored = ibis.coalesce(*[i.sign for i in (*found, *reached)]).notnull()
            part = (column, "required", scored & code.expr.isnull())
        made.append(_Item(text, sign, part, repairs=code.repairs))
    outer = _value(made, {})
    rest = _value(inner, word)
    losses = [v.lost for v in (outer, rest) if v.lost is not None]
    return Value(
        outer.expr,
        any_of(losses) if losses else None,
        outer.rule or rest.rule,
        (*outer.repairs, *rest.repairs),
        (*outer.parts, *rest.parts),
    )


def score_types(word: dict[str, Any], _target: Field, _context: Context) -> Value:
    """{score_types: what `scores` says, namespace: uri}: the scores an assessment can have (Assessment.scores)."""
    methods: dict[str, str] = dict(word["score_types"].values())
    items = [
        {
            "assessmentReportingMethodDescriptor": _method(word["namespace"], method),
            "resultDatatypeTypeDescriptor": _datatype(datatype),
        }
        for method, datatype in methods.items()
    ]
    return Value(ibis.literal(_json(items)))


def level_types(word: dict[str, Any], target: Field, context: Context) -> Value:
    """{level_types: what `levels` says, namespace: uri}: the levels an assessment can have."""
    found: dict[tuple[str, str], None] = {}
    for method, crosswalk in word["level_types"].values():
        for value, _ in _crosswalk(crosswalk, target.name, context).values():
            if value:
                found[method, _level(word["namespace"], value)] = None
    items = [
        {
            "assessmentReportingMethodDescriptor": _method(word["namespace"], method),
            "performanceLevelDescriptor": level,
        }
        for method, level in found
    ]
    return Value(ibis.literal(_json(items)))


def _scores(word: dict[str, Any], context: Context) -> list[_Item]:
    for column, (_, kind) in word["scores"].items():
        if kind != "Level" and kind not in FORMS:
            raise FixConfiguration(f"{column}: no result datatype {kind!r}.", f"There are: {', '.join(FORMS)}, Level.")
    asked = word["scores"].items()
    return [_score(column, method, kind, word, context) for column, (method, kind) in asked if context.has(column)]


def _score(column: str, method: str, datatype: str, word: dict[str, Any], context: Context) -> _Item:
    raw = context.text(column)
    value = raw
    for none in word.get("none", ()):
        value = value.nullif(str(none))
    start = _json(
        {
            "assessmentReportingMethodDescriptor": _method(word["namespace"], method),
            "resultDatatypeTypeDescriptor": _datatype(datatype),
        }
    )[:-1]
    start = f'{start},"result":'
    if datatype == "Level":
        text = ibis.literal(start).concat(to_json(value.left(RESULT_LENGTH)))
        return _Item(text, value, raw=raw, long=value)
    rule, form = FORMS[datatype]
    text = ibis.literal(start).concat(to_json(value))
    return _Item(text, value, (column, rule, ~value.re_search(form)), raw)


def _levels(word: dict[str, Any], context: Context) -> list[_Item]:
    asked = [(c, method, _crosswalk(name, c, context)) for c, (method, name) in word["levels"].items()]
    return [_reached(column, method, table, word, context) for column, method, table in asked if context.has(column)]


def _reached(column: str, method: str, table: _Crosswalk, word: dict[str, Any], context: Context) -> _Item:
    raw = context.text(column)
    says = {code: value for code, (value, _) in table.items() if value}
    start = _json({"assessmentReportingMethodDescriptor": _method(word["namespace"], method)})[:-1]
    space = f'{start},"performanceLevelDescriptor":'
    said = _among(raw, says)
    if all(code == value and _json(code) == f'"{code}"' for code, value in says.items()):
        prefix = _json(_level(word["namespace"], ""))[:-1]
        text = said.ifelse(ibis.literal(space + prefix).concat(raw, '"'), ibis.null("string"))
    else:
        pairs = [(c, f"{space}{_json(_level(word['namespace'], v))}") for c, v in says.items()]
        text = raw.cases(*pairs, else_=ibis.null("string"))
    silent = [code for code in table if code not in says]
    rules = {table[code][1] for code in silent if table[code][1]}
    repairs = tuple((rule, _among(raw, [c for c in silent if table[c][1] == rule])) for rule in sorted(rules))
    return _Item(
        text, said.ifelse(raw, ibis.null("string")), (column, "code.unknown", ~_among(raw, table)), None, None, repairs
    )


def _among(raw: Expr, codes: Iterable[str]) -> Expr:
    """One pattern: DuckDB makes a join of each long IN list, which took a second to plan."""
    return raw.re_search(f"^(?:{'|'.join(re.escape(code) for code in codes)})$")


def _lists(found: list[_Item], reached: list[_Item]) -> list[tuple[str, list[_Item]]]:
    return [(name, items) for name, items in (("scoreResults", found), ("performanceLevels", reached)) if items]


def _list(items: list[_Item]) -> Expr:
    if not items:
        return ibis.null("string")
    # Each byte is copied as seldom as can be: the braces between the items are the separator.
    joined = ibis.literal("").join(["[", ibis.literal("},").join([i.text for i in items]), "}]"])
    return ibis.coalesce(*[i.sign for i in items]).notnull().ifelse(joined, ibis.null("string"))


def _value(items: list[_Item], word: dict[str, Any]) -> Value:
    parts = tuple(i.part for i in items if i.part)
    repairs: dict[str, list[Expr]] = {}
    for item in items:
        for rule, condition in item.repairs:
            repairs.setdefault(rule, []).append(condition)
    raws = [item.raw for item in items if item.raw is not None]
    for none in word.get("none", ()) if raws else ():
        repairs.setdefault("score.none", []).append(ibis.literal(str(none)).isin(raws))
    longs = [item.long.length() for item in items if item.long is not None]
    if longs:
        repairs.setdefault("length.cut", []).append(ibis.greatest(*longs, 0) > RESULT_LENGTH)
    return Value(
        _list(items),
        any_of([condition for _, _, condition in parts]) if parts else None,
        parts[0][1] if parts else "",
        tuple((rule, any_of(conditions)) for rule, conditions in repairs.items()),
        parts,
    )


def _member(name: str, value: Expr) -> Expr:
    text = value if value.type().is_string() else value.cast("string")
    return ibis.literal(f'"{name}":').concat(to_json(text))


def _crosswalk(name: str, where: str, context: Context) -> _Crosswalk:
    if name not in context.crosswalks:
        raise FixConfiguration(f"{where}: no crosswalk {name!r}.", "Add crosswalks/<name>.csv with code,value.")
    return context.crosswalks[name]


def _method(namespace: str, method: str) -> str:
    if method.startswith("uri://"):
        return method
    return f"{namespace.rstrip('/')}/AssessmentReportingMethodDescriptor#{method}"


def _level(namespace: str, value: str) -> str:
    return value if value.startswith("uri://") else f"{namespace.rstrip('/')}/PerformanceLevelDescriptor#{value}"


def _datatype(name: str) -> str:
    return f"{STANDARD}/ResultDatatypeTypeDescriptor#{name}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
