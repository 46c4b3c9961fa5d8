"""A reference that a source gives in part (a section's id without its course and session) is completed from the record.

Only a single candidate counts; several are never guessed. Where a date is given, the candidate's session must hold it.
What fits nothing of tonight is looked for among what was published earlier in the year: a class may have ended.
A row that gives no part refers to nothing: it stays as it is, where the standard lets the reference be left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis

from hub.engine import count, keep
from hub.model import Entity, Reference
from hub.standards.mapping.checks import PLACE
from hub.standards.mapping.values import all_of

Record = Callable[[str], Any | None]  # the rows of an entity by its name, or None
PREFIX = "_on."
SESSION = ("schoolId", "schoolYear", "sessionName")


def completions(rows: Any) -> list[str]:
    """Columns `_on.<reference>|<given fields>` that ask for a completion; each holds the date, or null."""
    return [c for c in rows.columns if c.startswith(PREFIX)]


def completed_tables(rows: Any, name: str) -> list[str]:
    """The tables that `complete_references` makes under `name`."""
    return [f"{name}_{kind}_{n}" for n in range(len(completions(rows))) for kind in ("completed", "ended")]


def complete_references(
    con: Any, rows: Any, entity: Entity, record: Record, before: Record, name: str
) -> tuple[Any, Any]:
    """(places of rows that could not be completed, rows with their references whole).

    Rules: reference.unresolved for no candidate, reference.ambiguous for more than one. `record` gives an entity's
    accepted rows, `before` those that were ever published in the year; None where there are none.
    """
    held = []
    for number, column in enumerate(completions(rows)):
        wanted, given = column.removeprefix(PREFIX).split("|")
        reference = next(r for r in entity.references if r.name == wanted)
        asked = rows
        rows = keep(con, f"{name}_completed_{number}", _complete(asked, column, reference, given.split(","), record))
        missing = rows.filter(rows["_rule"] == "reference.unresolved")
        if count(con, missing) and before(reference.entity) is not None:
            late = _complete(asked.semi_join(missing, PLACE), column, reference, given.split(","), before)
            late = keep(con, f"{name}_ended_{number}", late.select(*rows.columns))
            rows = rows.filter(rows["_rule"] != "reference.unresolved").union(late)
        lost = rows.filter(rows["_rule"] != "")
        held.append(
            lost.select(*PLACE, entity=ibis.literal(entity.name), field=ibis.literal(wanted), rule=lost["_rule"])
        )
        rows = rows.filter(rows["_rule"] == "").drop("_rule")
    return held[0] if len(held) == 1 else ibis.union(*held), rows


def _complete(
    rows: Any,
    column: str,
    reference: Reference,
    given: list[str],
    record: Record,
) -> Any:
    theirs = dict(reference.fields)
    missing = [f for f, _ in reference.fields if f not in given]
    targets = record(reference.entity)
    if targets is None:
        return rows.mutate(_rule=ibis.literal("reference.unresolved"))
    timed = _timed(targets.select(*_needed(targets, reference)), record)
    known = timed.select("_begin", "_end", **{f"_{mine}": timed[key] for mine, key in theirs.items()})
    asked = rows.select(*given, _date=rows[column]).distinct()
    same = [asked[g] == known[f"_{g}"] for g in given]
    in_time = (asked["_date"] >= known["_begin"]) & (asked["_date"] <= known["_end"])
    pairs = asked.inner_join(known, [*same, in_time.fill_null(True)])
    whole = ibis.literal("\x1f").join([pairs[f"_{f}"].cast("string") for f in missing])
    found = pairs.group_by([*given, "_date"]).aggregate(
        **{f"_found_{f}": pairs[f"_{f}"].min() for f in missing}, _n=whole.nunique()
    )
    keys = [rows[g].identical_to(found[g]) for g in given] + [rows[column].identical_to(found["_date"])]
    both = rows.left_join(found, keys)
    unasked = all_of([rows[g].isnull() for g in given])
    rule = ibis.cases(
        (unasked | (both["_n"] == 1), ""), (both["_n"] > 1, "reference.ambiguous"), else_="reference.unresolved"
    )
    kept = [c for c in rows.columns if c not in {*missing, column}]
    return both.select(*kept, **{f: both[f"_found_{f}"] for f in missing}, _rule=rule)


def _needed(targets: Any, reference: Reference) -> list[str]:
    wanted = {key for _, key in reference.fields} | {*SESSION, "beginDate", "endDate", "termDescriptor"}
    return [c for c in targets.columns if c in wanted]


def _timed(targets: Any, record: Record) -> Any:
    """The targets with `_begin` and `_end` of their own session; null (any date fits) where they have none."""
    sessions = record("Session") if {*SESSION} <= set(targets.columns) else None
    if "termDescriptor" in targets.columns and {*SESSION} <= set(targets.columns):
        return targets.mutate(_begin=targets["beginDate"], _end=targets["endDate"])
    if sessions is None:
        return targets.mutate(_begin=ibis.null("date"), _end=ibis.null("date"))
    dates = sessions.select(*SESSION, _begin="beginDate", _end="endDate")
    return targets.left_join(dates, list(SESSION)).select(*targets.columns, "_begin", "_end")
