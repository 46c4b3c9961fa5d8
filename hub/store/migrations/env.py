"""Alembic's entry: runs the revisions of the hub's own tables on the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context

from hub.store.ledger_tables import LEDGER

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=LEDGER,
    version_table="hub_revision",
)
context.run_migrations()
