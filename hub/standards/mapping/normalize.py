"""One engine for every vendor: stream tables in, typed Ed-Fi rows and faults out. Set-based, never row by row.

The clean path reads each stream once per entity and writes parquet; faults are worked out only where a row has any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis

from hub.engine import filled_columns, keep_counted, row_count, view
from hub.model import Count, Entity, Field, Mapping
from hub.standards.mapping.checks import digest, same_thing
from hub.standards.mapping.values import Context, Expr, Value, all_of, any_of, inputs
from hub.standards.mapping.verbs import compile_verb

LISTS = {"scores", "levels", "objectives"}  # verbs of 8 KB a row: they go to the file and nowhere else
WIDE_ROWS = 16_384  # of a row group: a writer holds one in memory for each thread
PLACE = ("_file", "_row", "_seq")


@dataclass(frozen=True)
class EntityRows:
    """What one mapping made: accepted rows in `path`, faults in `held` (None where there are none)."""

    entity: str
    stream: str
    accepted: int
    held_rows: int
    path: Path
    held: Path | None
    repairs: dict[str, int] = field(default_factory=dict)

    def count(self, source: str) -> Count:
        total = self.accepted + self.held_rows
        return Count("normalize", source, self.stream, self.entity, total, self.accepted, self.held_rows)


@dataclass(frozen=True)
class Vocabulary:
    """Descriptor URIs a row may carry: the standard's, and any in a namespace the source or district declares."""

    codes: dict[str, frozenset[str]]
    open_namespaces: tuple[str, ...] = ()


def normalize_entity(
    con: Any,
    source: str,
    mapping: Mapping,
    entity: Entity,
    base: Context,
    vocabulary: Vocabulary,
    out: Path,
    *,
    prints: bool = False,
) -> EntityRows:
    """Runs one mapping over the stream tables in `con`: `<out>.parquet`, and with faults `<out>.held.parquet`.

    The mapping's SELECT must carry `_file`, `_row` and `_seq` of the row it speaks of. `prints`: held rows get the
    digest of all that was read of them.
    """
    rows = view(con, f"rows_{out.name}", mapping.rows) if mapping.rows else con.table(mapping.stream)
    lists = [w for w in mapping.fields.values() if isinstance(w, dict) and LISTS & w.keys()]
    # Of a wide file most columns are blank: their lists are not written, and the statement is a fraction as long.
    total, filled = (
        filled_columns(con, rows.get_name(), sorted(inputs(lists) & {*rows.columns})) if lists else (0, set())
    )
    blank = frozenset(inputs(lists) - filled)
    context = Context(rows, base.crosswalks, base.options, base.facts, blank)
    values = {
        name: compile_verb(word, entity.field(name), context)
        for name, word in mapping.fields.items()
        if not (isinstance(word, dict) and "person" in word)
    }
    people = {
        f"_id.{system}": context.text(column)
        for word in mapping.fields.values()
        if isinstance(word, dict) and "person" in word
        for system, column in word["person"].items()
    }
    later = {n for n, w in mapping.fields.items() if isinstance(w, dict) and "person" in w}
    later |= {f for r in entity.references if r.name in mapping.complete for f, _ in r.fields} - set(values)
    partly = {completion_column(mapping, entity, name): _day(rows, values, on) for name, on in mapping.complete.items()}
    read = {n: compile_verb(word, Field(n, "string"), context) for n, word in mapping.checks.items()} | values
    losses = {f"_lost.{n}": v.lost.fill_null(False) for n, v in read.items() if v.lost is not None}
    mended = {
        f"_mended.{i}": c.fill_null(False) for i, (_, c) in enumerate(r for v in read.values() for r in v.repairs)
    }
    names = [rule for v in read.values() for rule, _ in v.repairs]
    columns = {
        **{n: v.expr for n, v in values.items()},
        **people,
        **partly,
        "_file": rows["_file"],
        "_row": rows["_row"].cast("int64"),
        "_seq": rows["_seq"].cast("int64"),
        **losses,
    }
    typed = rows.select(**columns, **mended)
    checks = [*_losses(typed, read), *_checks(typed, entity, values, later, vocabulary)]
    faulty = any_of([c for _, _, c in checks]).fill_null(False) if checks else ibis.literal(False)
    typed = typed.mutate(_faulty=faulty)
    if not lists:  # kept, as what follows reads it three times: the SELECT with its joins runs only once
        typed, total = keep_counted(con, "typed", typed)
    carried = [*values, *people, *partly]
    kept = typed.filter(~typed["_faulty"]).select(
        *carried, _source=ibis.literal(source), _stream=ibis.literal(mapping.stream), **{c: typed[c] for c in PLACE}
    )
    path = out.with_suffix(".parquet")
    con.to_parquet(_complete(kept, entity), path, **({"row_group_size": WIDE_ROWS} if lists else {}))
    accepted = row_count(path)
    held = None
    if accepted < total:
        held = out.with_suffix(".held.parquet")
        whole = sorted(c for c in rows.columns if c not in PLACE) if prints else []
        close = rows.select(**columns, **_parts(values), _print=digest(rows, whole) if whole else ibis.null("string"))
        checks = [*_losses(close, read), *_checks(close, entity, values, later, vocabulary)]
        close = close.mutate(_same=_same(close, entity, checks, [*people]))
        con.to_parquet(_faults(close, checks, source, mapping.stream, entity.name), held)
    repairs = _repairs(con, typed, mended, names)
    if not lists:
        con.drop_table("typed")
    return EntityRows(entity.name, mapping.stream, accepted, total - accepted, path, held, repairs)


def completion_column(mapping: Mapping, entity: Entity, reference: str) -> str:
    """`_on.section|schoolId,sectionIdentifier`: the reference to complete and the parts of it that are given."""
    fields = next(r.fields for r in entity.references if r.name == reference)
    return f"_on.{reference}|{','.join(f for f, _ in fields if f in mapping.fields)}"


def _checks(
    typed: Any, entity: Entity, values: dict[str, Value], later: set[str], vocabulary: Vocabulary
) -> list[tuple[str, str, Expr]]:
    """(field, rule, condition that is true where the row breaks it), cheapest first."""
    checks: list[tuple[str, str, Expr]] = []
    for spec in entity.fields:
        present = spec.name in values
        asked = spec.required or spec.name in entity.key or (present and values[spec.name].required)
        if asked and spec.name not in later:
            blank = typed[spec.name].isnull() if present else ibis.literal(True)
            if present and f"_lost.{spec.name}" in typed.columns:
                blank = blank & ~typed[f"_lost.{spec.name}"]
            checks.append((spec.name, "required", blank))
        if present:
            checks += [(spec.name, rule, bad) for rule, bad in _shape(typed[spec.name], spec, vocabulary)]
    return checks


def _shape(column: Expr, spec: Field, vocabulary: Vocabulary) -> Iterable[tuple[str, Expr]]:
    if spec.type == "string":
        if spec.max_length:
            yield "length.max", column.length() > spec.max_length
        if spec.min_length and spec.min_length > 1:
            yield "length.min", column.length() < spec.min_length
        if spec.pattern:
            yield "pattern", ~column.re_search(f"^(?:{spec.pattern})$")
        if spec.values:
            yield "value.unknown", ~column.isin(spec.values)
    if spec.type in ("integer", "number"):
        if spec.minimum is not None:
            yield "range.min", column < spec.minimum
        if spec.maximum is not None:
            yield "range.max", column > spec.maximum
    if spec.type == "descriptor" and spec.of in vocabulary.codes:
        known = column.isin(sorted(vocabulary.codes[spec.of]))
        for namespace in vocabulary.open_namespaces:
            known = known | column.startswith(namespace)
        yield "descriptor.unknown", ~known


def _day(rows: Any, values: dict[str, Value], on: str) -> Any:
    """The date that a completed reference must hold: a field, or a column that `rows` made for it."""
    if not on:
        return ibis.null("date")
    return values[on].expr if on in values else rows[on].cast("date")


def _complete(kept: Any, entity: Entity) -> Any:
    """Every entity's file has every field, so that rows of several sources stack without guessing."""
    kinds = {"integer": "int64", "number": "float64", "boolean": "boolean", "date": "date"}
    missing = {f.name: ibis.null(kinds.get(f.type, "string")) for f in entity.fields if f.name not in kept.columns}
    whole = kept.mutate(**missing)
    fields = [f.name for f in entity.fields]
    return whole.select(*fields, *[c for c in whole.columns if c not in set(fields)])


def _losses(typed: Any, read: dict[str, Value]) -> list[tuple[str, str, Expr]]:
    """Non-blank inputs that gave no value; where `typed` has the parts of a list, by part, and whole beside them."""
    losses: list[tuple[str, str, Expr]] = []
    for name, value in read.items():
        if value.lost is None:
            continue
        known = [(i, p) for i, p in enumerate(value.parts) if f"_part.{name}.{i}" in typed.columns]
        parts = [(f"{name}.{p[0]}", p[1], typed[f"_part.{name}.{i}"]) for i, p in known]
        whole = typed[f"_lost.{name}"]
        if parts:
            whole = whole & ~any_of([lost for _, _, lost in parts])
        losses += [*parts, (name, value.rule, whole)]
    return losses


def _parts(values: dict[str, Value]) -> dict[str, Expr]:
    """Which column of a list was lost (`scoreResults.TestRITScore`): asked only where a row has a fault."""
    return {f"_part.{n}.{i}": p[2].fill_null(False) for n, v in values.items() for i, p in enumerate(v.parts)}


def _faults(typed: Any, checks: list[tuple[str, str, Expr]], source: str, stream: str, entity: str) -> Any:
    faulty = any_of([c for _, _, c in checks]).fill_null(False)
    pairs = ibis.array([c.fill_null(False).ifelse(f"{f}|{r}", ibis.null("string")) for f, r, c in checks])
    found = typed.mutate(_fault=pairs).filter(faulty).select(*PLACE, "_same", "_print", "_fault")
    each = found.mutate(_fault=found["_fault"].filter(lambda x: x.notnull()).unnest())
    parts = each["_fault"].split("|")
    return each.select(
        _source=ibis.literal(source),
        _stream=ibis.literal(stream),
        **{c: each[c] for c in PLACE},
        entity=ibis.literal(entity),
        field=parts[0],
        rule=parts[1],
        _same=each["_same"],
        _print=each["_print"],
    )


def _same(typed: Any, entity: Entity, checks: list[tuple[str, str, Expr]], people: list[str]) -> Expr:
    """Digest of the natural key and the ids of a person still to be found; null where a part of them has a fault."""
    unread = [c for f, _, c in checks if f.partition(".")[0] in entity.key]
    if people:
        unread.append(all_of([typed[c].isnull() for c in people]))
    whole = same_thing(typed, entity)
    return any_of(unread).fill_null(False).ifelse(ibis.null("string"), whole) if unread else whole


def _repairs(con: Any, typed: Any, mended: dict[str, Expr], names: list[str]) -> dict[str, int]:
    if not mended:
        return {}
    sums = con.to_pyarrow(typed.aggregate(**{k: typed[k].sum() for k in mended})).to_pylist()[0]
    totals: dict[str, int] = {}
    for key, rule in zip(mended, names, strict=True):
        if sums[key]:
            totals[rule] = totals.get(rule, 0) + int(sums[key])
    return totals
