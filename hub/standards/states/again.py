"""Held rows of a file that appends go when the file comes again: also those of which nobody can say what they were.

A row whose key cannot be read (a torn line at the end of a file that was cut off) has no later row by which it is
known. It goes when later files have brought again every row that was made of its file, and one of them is at least as
long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from hub.engine import keep, parquet, stacked, write_parquet
from hub.standards.mapping.checks import PLACE

_FILE = ("_stream", "_file", "_seq")
Released = Counter[tuple[str, str]]  # by (stream, entity); under (stream, "") the rows that nothing holds any more


def come_again(con: Any, out: Path, files: Sequence[Mapping[str, Any]]) -> Released:
    """Takes the rows without a key of files that came again out of `held.parquet`; returns how many went.

    `files` are all that are in the state, each with its stream, SHA-256, seq and rows; the entities' rows under `out`
    are those that no later file has superseded.
    """
    path = out / "held.parquet"
    if not path.is_file():
        return Counter()
    held = keep(con, "held_unread", parquet(con, path))
    asked = con.to_pyarrow(held.filter(held["_same"].isnull()).select(*_FILE).distinct()).to_pylist()
    open_ = {tuple(row.values()) for row in asked} & _outgrown(files)
    if not open_:
        return Counter()
    live = [held.filter(held["_same"].notnull()), *(parquet(con, p) for p in sorted((out / "rows").glob("*.parquet")))]
    open_ -= _files(con, live, {sha for _, sha, _ in open_})
    if not open_:
        return Counter()
    names = [f"{stream}/{sha}/{seq}" for stream, sha, seq in sorted(open_)]
    late = (held["_stream"] + "/" + held["_file"] + "/" + held["_seq"].cast("string")).isin(names)
    left = keep(con, "held_read", held.filter(~late))
    rewrite(con, left, path)
    return let_go(con, held, left, held.filter(late & (held["entity"] != "")).select("entity", *PLACE).distinct())


def let_go(con: Any, held: Any, left: Any, gone: Any) -> Released:
    """What is no longer held where `left` remains of `held`; `gone` are the entity and place of each row that went."""
    free = held.select(*PLACE).distinct().anti_join(left, PLACE)
    counts = Counter({(r["_stream"], r["entity"]): r["n"] for r in _tally(con, gone, "_stream", "entity")})
    return counts + Counter({(r["_stream"], ""): r["n"] for r in _tally(con, free, "_stream")})


def rewrite(con: Any, rows: Any, path: Path) -> None:
    """Replaces a file by rows that may be read from it."""
    part = path.with_name(f"{path.name}.partial")
    write_parquet(con, rows, part)
    part.replace(path)


def with_rows(con: Any, files: Sequence[Mapping[str, Any]], rows: Iterable[Path]) -> tuple[dict[str, Any], ...]:
    """The files, each with whether any of these `rows` was made of it."""
    found = _files(con, [parquet(con, path) for path in rows], {file["sha256"] for file in files})
    return tuple({**f, "made": (f["stream"], f["sha256"], f["seq"]) in found} for f in files)


def _files(con: Any, tables: Sequence[Any], shas: Collection[str]) -> set[tuple[Any, ...]]:
    if not tables:
        return set()
    some = stacked([t.filter(t["_file"].isin(sorted(shas))).select(*_FILE) for t in tables]).distinct()
    return {tuple(row.values()) for row in con.to_pyarrow(some).to_pylist()}


def _outgrown(files: Sequence[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """The files of which rows were made and behind which one of their stream came that is at least as long."""
    found: set[tuple[Any, ...]] = set()
    longest: dict[str, int] = {}
    newest_first = sorted(files, key=lambda file: file["seq"], reverse=True)
    for _, together in groupby(newest_first, key=lambda file: file["seq"]):
        came = list(together)
        grown = [f for f in came if f["made"] and f["rows"] <= longest.get(f["stream"], -1)]
        found |= {(f["stream"], f["sha256"], f["seq"]) for f in grown}
        for f in came:
            longest[f["stream"]] = max(longest.get(f["stream"], 0), f["rows"])
    return found


def _tally(con: Any, rows: Any, *by: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = con.to_pyarrow(rows.group_by(*by).aggregate(n=rows.count())).to_pylist()
    return found
