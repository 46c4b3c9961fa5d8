"""Ids that disagree become open reviews in the store."""

from __future__ import annotations

from pathlib import Path

from hub.model import Slice
from hub.store import Candidate, Review, Store, add_reviews


def open_reviews(opened: Store, slice: Slice, folder: Path) -> int:
    """Opens a review for each new set of ids in `reviews.parquet`; returns how many were new."""
    import pyarrow.parquet as pq

    path, whom = folder / "reviews.parquet", folder / "candidates.parquet"
    if not path.is_file():
        return 0
    candidates: dict[tuple[str, str], set[Candidate]] = {}
    for row in pq.read_table(whom).to_pylist() if whom.is_file() else ():
        one = Candidate(row["key"], row["_source"] or "", row["_file"] or "", row["_row"] or 0)
        candidates.setdefault((row["asks"], row["ids_digest"]), set()).add(one)
    asked: dict[tuple[str, str], Review] = {}
    for row in pq.read_table(path).to_pylist():
        key = (row["_source"], row["ids_digest"])
        who = tuple(sorted(candidates.get(key, ()), key=lambda c: c.key))
        asked.setdefault(key, Review(slice.year, *key, row["_file"], row["_row"], who))
    return add_reviews(opened, asked.values())
