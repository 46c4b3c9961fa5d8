"""What an earlier package says otherwise: records that are gone, changed in masses, or known under another id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.engine import keep
from hub.standards.validation.connection import Connection
from hub.standards.validation.oneroster_read import Table, first_rows
from hub.standards.validation.profiles import Judge
from hub.standards.validation.sql_tree import fill


def judge_difference(
    con: Connection, judge: Judge, tables: Mapping[str, Table], known: Mapping[str, Table], notes: list[str]
) -> None:
    """Compares each bulk file with the same one of an earlier package, by sourcedId and content.

    Limits are shares of the earlier records, from the profile. Adds one sentence per file that differs to `notes`.
    """
    for name, before in known.items():
        now = tables.get(name)
        if now is None:
            judge.find("oneroster.difference.file_gone", before.source.layout.csv)
        elif now.source.mode == "bulk" and "sourcedId" in now.columns and "sourcedId" in before.columns:
            _judge_file(con, judge, now, before, notes)


def _judge_file(con: Connection, judge: Judge, now: Table, before: Table, notes: list[str]) -> None:
    ibis = con.ibis
    old, new = (rows.filter(rows["sourcedId"].notnull()) for rows in (ibis.table(t.rows) for t in (before, now)))
    gone = keep(ibis, "gone", old.anti_join(new, "sourcedId").select("sourcedId", "_content"))
    come = keep(ibis, "come", new.anti_join(old, "sourcedId").select("sourcedId", "_content", "_row"))
    both = new.inner_join(old.select("sourcedId", _before="_content"), "sourcedId")
    changed = _count(ibis, both.filter(both["_content"] != both["_before"]))
    renamed = keep(ibis, "renamed", _once(come).inner_join(_once(gone), "_content").select("_row"))
    other = _count(ibis, renamed)
    removed, added = _count(ibis, gone) - other, _count(ibis, come) - other
    file, share = now.source.name, 1 / max(before.accepted, 1)
    if removed * share > judge.profile.limits["removed"]:
        judge.find("oneroster.difference.mass_removal", file, count=removed)
    else:
        judge.find("oneroster.difference.removed", file, count=removed)
    if changed * share > judge.profile.limits["changed"]:
        judge.find("oneroster.difference.mass_change", file, count=changed)
    places = first_rows(con, fill("SELECT _row FROM renamed"), judge.max_per_rule) if other else []
    judge.find("oneroster.difference.ids_changed", file, "sourcedId", places, other)
    if removed or added or changed or other:
        notes.append(
            f"{file}: {added:,} records added, {changed:,} changed, {removed:,} removed, "
            f"{other:,} under another id since the earlier package."
        )


def _once(rows: Any) -> Any:
    """Rows whose content no other row has: only these can be known again without their id."""
    alone = rows.group_by("_content").aggregate(_n=rows.count())
    return rows.semi_join(alone.filter(alone["_n"] == 1), "_content")


def _count(con: Any, rows: Any) -> int:
    return int(con.to_pyarrow(rows.count()).as_py())
