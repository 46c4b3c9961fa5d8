"""Ids that disagree become open reviews in the store."""

from __future__ import annotations

from pathlib import Path

from hub.model import Slice
from hub.store import Review, Store, add_reviews


def open_reviews(opened: Store, slice: Slice, folder: Path) -> int:
    """Opens a review for each new set of ids in `reviews.parquet`; returns how many were new."""
    import pyarrow.parquet as pq

    path = folder / "reviews.parquet"
    if not path.is_file():
        return 0
    asked: dict[tuple[str, str], Review] = {}
    for row in pq.read_table(path).to_pylist():
        key = (row["_source"], row["ids_digest"])
        asked.setdefault(key, Review(slice.year, row["_source"], row["ids_digest"], row["_file"], row["_row"]))
    return add_reviews(opened, asked.values())
