"""Ids that disagree, waiting for a person; and what the person said, remembered for every later night."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from hub.errors import FixConfiguration
from hub.store.connect import Store, reading, writing
from hub.store.files import export
from hub.store.ledger_tables import REVIEW, SETTING
from hub.store.tables import STUDENT, columns_of

_KEY = "ids_key"


@dataclass(frozen=True)
class Candidate:
    """A student that some of the ids point at: `key` is the digest of the natural key; where the row of it stands."""

    key: str
    source: str
    file: str
    row: int


@dataclass(frozen=True)
class Review:
    """One set of ids that a source presents together and that point at more than one student.

    `ids_digest`: digest of the store's own key and the ids (`ids_key`). The ids themselves stay in the landed file, at
    `file` and `row`. `candidates`: the students they point at, in an order that stays.
    `student_unique_id` is the answer once `decided_at` is set; None then means "none of them".
    """

    year: int
    source: str
    ids_digest: str
    file: str
    row: int
    candidates: tuple[Candidate, ...] = ()
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
                "candidates": json.dumps([asdict(c) for c in review.candidates]),
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
    return Review(**row | {"candidates": tuple(Candidate(**c) for c in json.loads(row["candidates"]))})


def ids_key(store: Store) -> str:
    """The secret that digests of ids are made with, so that no table of short ids can be turned round; made on first
    use, and kept in the store alone."""
    query = select(SETTING.c.value).where(SETTING.c.name == _KEY)
    with reading(store) as connection:
        found = connection.execute(query).scalar()
    if found is not None:
        return str(found)
    with writing(store) as connection:
        found = connection.execute(query).scalar()
        if found is None:
            found = secrets.token_hex(32)
            connection.execute(SETTING.insert().values(name=_KEY, value=found))
    return str(found)


def student_of(store: Store, key: str) -> str:
    """The studentUniqueId of the student with this key digest. Raises FixConfiguration where none was published."""
    table = store.table("Student")
    query = select(table.c[columns_of(store.entities["Student"])[STUDENT]]).where(table.c._key == key)
    with reading(store) as connection:
        found = connection.execute(query.limit(1)).scalar()
    if found is None:
        raise FixConfiguration("That student is not published yet.", "Give the id with --student.")
    return str(found)


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
