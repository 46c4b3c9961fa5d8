"""The hub's own tables. Changes to them are revisions in `migrations/versions/`; a test compares the two."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from hub.store.tables import Instant

LEDGER = MetaData()

#: name -> value: the district this store belongs to, the digest of the schema it has, the key of the ids' digests.
SETTING = Table("hub_setting", LEDGER, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

RUN = Table(
    "hub_run",
    LEDGER,
    Column("id", Text, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("started", Instant(), nullable=False),
    Column("finished", Instant()),
    Column("status", Text, nullable=False),
    Column("published_at", Instant()),  # null: this run changed nothing in the store
    Column("base", Text),  # the run whose rows this one was compared with
    Column("added", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("summary", Text, nullable=False),  # JSON of hub.model.Run
)
Index("ix_hub_run_year_published", RUN.c.year, RUN.c.published_at)

RUN_SOURCE = Table(
    "hub_run_source",
    LEDGER,
    Column("run", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("vendor", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("received", Instant()),
    Column("state", Text, nullable=False),
)

HELD = Table(
    "hub_held",
    LEDGER,
    Column("year", Integer, nullable=False),
    Column("run", Text, nullable=False),
    Column("since_run", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("row", BigInteger, nullable=False),  # 0: the file as a whole
    Column("seq", BigInteger, nullable=False),
    Column("entity", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("rule", Text, nullable=False),
)
Index("ix_hub_held_place", HELD.c.year, HELD.c.source, HELD.c.file, HELD.c.row)

REVIEW = Table(
    "hub_review",
    LEDGER,
    Column("id", Text, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("ids_digest", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("candidates", Text, nullable=False),  # JSON list of Candidate
    Column("opened_at", Instant(), nullable=False),
    Column("student_unique_id", Text),
    Column("decided_by", Text),
    Column("decided_at", Instant()),
)
Index("ux_hub_review_ids", REVIEW.c.source, REVIEW.c.ids_digest, unique=True)

SNAPSHOT = Table(
    "hub_snapshot",
    LEDGER,
    Column("kind", Text, primary_key=True),  # current: one year's published rows; known: every key ever published
    Column("year", Integer, primary_key=True, autoincrement=False),  # 0 for known
    Column("entity", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("file", Text, nullable=False),  # below <state>/snapshots/<district>
    Column("rows", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
)
