"""The rows of one OneRoster file set right before any mapping sees them: status, folds, listed values, twin ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import ibis

from hub.engine import keep
from hub.model import Stream
from hub.standards.mapping.checks import digest
from hub.standards.reading.csv_files import Reject

#: Files that others point into: a sourcedId that stands there twice would double every row that points to it.
LOOKED_UP = ("academicSessions", "categories", "classes", "courses", "orgs", "users")


@dataclass
class Settled:
    """`rejects` by (file hash, delivery); counts by reason and by rule."""

    rejects: dict[tuple[str, int], tuple[Reject, ...]] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    repairs: dict[str, int] = field(default_factory=dict)


def settle(con: Any, stream: Stream, bulk: set[int], *, chained: bool) -> Settled:
    """Leaves in the stream's table one live row per sourcedId, its listed values in the standard's letter case.

    `bulk` are the deliveries in which the file was bulk; `chained` says that deltas follow it. One pass finds what
    there is to do; a table is only written again where there is something (CSV binding, status; enumerations).
    """
    settled = Settled()
    rows = con.table(stream.name)
    listed = {c: v for c, v in stream.options.get("values", {}).items() if c in rows.columns}
    wrong = {c: rows[c].notnull() & ~rows[c].isin(v) for c, v in listed.items()}
    status = rows["status"].lower()
    found = rows.aggregate(
        rows=rows.count(),
        blank=rows["sourcedId"].isnull().sum(),
        strange=(rows["status"].notnull() & ~status.isin(["active", "tobedeleted"])).sum(),
        dead=(status == "tobedeleted").sum(),
        filled=_filled(rows, bulk).sum(),
        **{f"wrong.{c}": test.sum() for c, test in wrong.items()},
    )
    counts = {k: int(v or 0) for k, v in con.to_pyarrow(found).to_pylist()[0].items()}
    settled.repairs["oneroster.bulk.status_filled"] = counts["filled"]
    spoiled = [c for c in listed if counts[f"wrong.{c}"]]
    if spoiled:
        settled.repairs["oneroster.value.case"] = _fold_case(con, stream, {c: listed[c] for c in spoiled})
    if counts["blank"]:
        _reject(con, stream, con.table(stream.name)["sourcedId"].isnull(), "required", settled)
    if counts["strange"]:
        test = con.table(stream.name)["status"].lower()
        _reject(con, stream, test.notnull() & ~test.isin(["active", "tobedeleted"]), "value.unknown", settled)
    if chained:
        _newest(con, stream, settled)
    if counts["dead"]:
        _bury(con, stream, settled)
    if stream.name in LOOKED_UP:
        _part_twins(con, stream, settled)
    return settled


def fold_case(con: Any, stream: Stream) -> dict[str, int]:
    """Listed values in the standard's letter case where they differ in that alone; how many were, by rule."""
    rows = con.table(stream.name)
    listed = {c: v for c, v in stream.options.get("values", {}).items() if c in rows.columns}
    if not listed:
        return {}
    wrong = rows.aggregate(**{c: (rows[c].notnull() & ~rows[c].isin(v)).sum() for c, v in listed.items()})
    counts = con.to_pyarrow(wrong).to_pylist()[0]
    spoiled = {c: v for c, v in listed.items() if counts[c]}
    mended = _fold_case(con, stream, spoiled) if spoiled else 0
    return {"oneroster.value.case": mended} if mended else {}


def _filled(rows: Any, bulk: set[int]) -> Any:
    return rows["_seq"].isin(sorted(bulk)) & (rows["status"].notnull() | rows["dateLastModified"].notnull())


def _fold_case(con: Any, stream: Stream, listed: dict[str, list[str]]) -> int:
    """Writes values that differ in letter case alone as the standard does; others stay for the crosswalks to judge."""
    rows = con.table(stream.name)
    folded = {c: {v.lower(): v for v in values} for c, values in listed.items()}
    changed = {c: rows[c].lower().cases(*known.items(), else_=rows[c]) for c, known in folded.items()}
    mended = [(rows[c] != expr).fill_null(False).cast("int64") for c, expr in changed.items()]
    total = con.execute(rows.aggregate(n=sum(mended[1:], mended[0]).sum()))["n"].iloc[0]
    keep(con, stream.name, rows.mutate(**changed))
    return int(total)


def _reject(con: Any, stream: Stream, test: Any, rule: str, settled: Settled) -> None:
    rows = con.table(stream.name)
    content = digest(rows, sorted(c for c in rows.columns if not c.startswith("_")))
    found = rows.filter(test).select("_file", "_seq", "_row", text=content)
    for place in con.to_pyarrow(found.order_by("_row")).to_pylist():
        key = (place["_file"], place["_seq"])
        settled.rejects[key] = (*settled.rejects.get(key, ()), Reject(place["_row"], rule, digest=place["text"]))
    keep(con, stream.name, rows.filter(~test))


def _newest(con: Any, stream: Stream, settled: Settled) -> None:
    """Of several deliveries that hold a sourcedId the latest counts."""
    rows = con.table(stream.name)
    before = con.execute(rows.count())
    last = rows.group_by("sourcedId").aggregate(_seq=rows["_seq"].max())
    keep(con, stream.name, rows.semi_join(last, ["sourcedId", "_seq"]))
    _ignore(settled, "oneroster.superseded", before - con.execute(con.table(stream.name).count()))


def _bury(con: Any, stream: Stream, settled: Settled) -> None:
    rows = con.table(stream.name)
    before = con.execute(rows.count())
    keep(con, stream.name, rows.filter(rows["status"].lower().fill_null("active") != "tobedeleted"))
    _ignore(settled, "oneroster.status.tobedeleted", before - con.execute(con.table(stream.name).count()))


def _part_twins(con: Any, stream: Stream, settled: Settled) -> None:
    """The same sourcedId twice in one file: equal rows are one, rows that disagree are all held."""
    rows = con.table(stream.name)
    many = rows.group_by("sourcedId").aggregate(n=rows.count(), _row=rows["_row"].min())
    twins = keep(con, "twin_ids", many.filter(many["n"] > 1))
    if not con.execute(twins.count()):
        return
    content = [c for c in rows.columns if not c.startswith("_")]
    text = ibis.literal("\x1f").join([rows[c].fill_null("") for c in content])
    versions = rows.semi_join(twins, "sourcedId").mutate(text=text).group_by("sourcedId")
    judged = keep(con, "twin_judged", versions.aggregate(versions=lambda t: t["text"].nunique()))
    torn = judged.filter(judged["versions"] > 1)
    _reject(con, stream, rows["sourcedId"].isin(torn["sourcedId"]), "key.duplicate", settled)
    rows = con.table(stream.name)
    before = con.execute(rows.count())
    again = rows.anti_join(twins, "sourcedId").union(rows.semi_join(twins, ["sourcedId", "_row"]))
    keep(con, stream.name, again)
    _ignore(settled, "key.duplicate_identical", before - con.execute(con.table(stream.name).count()))


def _ignore(settled: Settled, reason: str, rows: Any) -> None:
    if rows:
        settled.ignored[reason] = settled.ignored.get(reason, 0) + int(rows)
