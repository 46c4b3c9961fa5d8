"""The ledger: runs, sources, held rows, reviews, snapshots, settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "hub_setting",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "hub_run",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("started", instant, nullable=False),
        sa.Column("finished", instant),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("published_at", instant),
        sa.Column("base", sa.Text),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("removed", sa.BigInteger, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
    )
    op.create_index("ix_hub_run_year_published", "hub_run", ["year", "published_at"])
    op.create_table(
        "hub_run_source",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("vendor", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("received", instant),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "hub_held",
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("since_run", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("row", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
    )
    op.create_index("ix_hub_held_place", "hub_held", ["year", "source", "file", "row"])
    op.create_table(
        "hub_review",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("ids_digest", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("row", sa.BigInteger, nullable=False),
        sa.Column("candidates", sa.Text, nullable=False),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("student_unique_id", sa.Text),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", instant),
    )
    op.create_index("ux_hub_review_ids", "hub_review", ["source", "ids_digest"], unique=True)
    op.create_table(
        "hub_snapshot",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entity", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """There is no way back: the ledger is the record of what was published."""
    raise NotImplementedError("the ledger is not taken down; restore the store from a backup")
