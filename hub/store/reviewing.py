"""Ids that disagree, waiting for a person; and what the person said, remembered for every later night."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from hub.errors import FixConfiguration
from hub.store.connect import Store, reading, writing
from hub.store.files import export
from hub.store.ledger_tables import REVIEW


@dataclass(frozen=True)
class Review:
    """One set of ids that a source presents together and that point at more than one student.

    `ids_digest`: SHA-256 (hex) of the ids as `system=code|system=code`, systems in order of the alphabet. The ids
    themselves stay in the landed file, at `file` and `row`. `candidates`: digests of the students' keys.
    `student_unique_id` is the answer once `decided_at` is set; None then means "none of them".
    """

    year: int
    source: str
    ids_digest: str
    file: str
    row: int
    candidates: tuple[str, ...] = ()
    student_unique_id: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def id(self) -> str:
        """The same question from the same source has the same id, whatever night it is asked."""
        return hashlib.sha256(f"{self.source}|{self.ids_digest}".encode()).hexdigest()[:16]


def add_reviews(store: Store, new: Iterable[Review]) -> int:
    """Open the reviews that are not there yet, open or decided; returns how many were opened."""
    wanted = {review.id: review for review in new}
    if not wanted:
        return 0
    with writing(store) as connection:
        known = set(connection.execute(select(REVIEW.c.id)).scalars())
        rows = [
            {
                "id": review.id,
                "year": review.year,
                "source": review.source,
                "ids_digest": review.ids_digest,
                "file": review.file,
                "row": review.row,
                "candidates": json.dumps(review.candidates),
                "opened_at": datetime.now(UTC),
            }
            for review in wanted.values()
            if review.id not in known
        ]
        if rows:
            connection.execute(REVIEW.insert(), rows)
    return len(rows)


def reviews(store: Store, open_only: bool = True) -> list[Review]:
    """The reviews, oldest first."""
    query = select(*(REVIEW.c[name] for name in Review.__dataclass_fields__)).order_by(REVIEW.c.opened_at, REVIEW.c.id)
    if open_only:
        query = query.where(REVIEW.c.decided_at.is_(None))
    with reading(store) as connection:
        return [_review(dict(row)) for row in connection.execute(query).mappings()]


def _review(row: dict[str, Any]) -> Review:
    return Review(**row | {"candidates": tuple(json.loads(row["candidates"]))})


def decide_review(store: Store, review_id: str, student_unique_id: str | None, who: str) -> None:
    """Remember whose ids these are; None: none of the candidates. A second decision replaces the first.

    Raises FixConfiguration where there is no such review.
    """
    with writing(store) as connection:
        decided = connection.execute(
            REVIEW.update()
            .where(REVIEW.c.id == review_id)
            .values(student_unique_id=student_unique_id, decided_by=who, decided_at=datetime.now(UTC))
        )
        if decided.rowcount == 0:
            raise FixConfiguration(f"No review {review_id}.", "List them with `hub review list`.")


def decisions(store: Store) -> Path:
    """A parquet file (source, ids_digest, student_unique_id) of everything decided; null: none of the candidates."""
    import pyarrow as pa

    names = ("source", "ids_digest", "student_unique_id")
    query = select(*(REVIEW.c[name] for name in names)).where(REVIEW.c.decided_at.is_not(None))
    path = store.snapshots / "decisions.parquet"
    with reading(store) as connection:
        export(connection, query, path, pa.schema([(name, pa.string()) for name in names]))
    return path
