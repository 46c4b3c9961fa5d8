"""The one door to the database: SQLite (one file per district) or PostgreSQL (one schema per district)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub.store.connect import Store as Store
    from hub.store.connect import open_store as open_store
    from hub.store.current import current_rows as current_rows
    from hub.store.current import latest_rows as latest_rows
    from hub.store.diff import compare as compare
    from hub.store.digest import content_digest as content_digest
    from hub.store.guard import GuardLimits as GuardLimits
    from hub.store.guard import judge as judge
    from hub.store.held import HeldRow as HeldRow
    from hub.store.held import held_rows as held_rows
    from hub.store.history import as_of as as_of
    from hub.store.history import change_feed as change_feed
    from hub.store.history import student_record as student_record
    from hub.store.ledger import find_run as find_run
    from hub.store.ledger import last_published as last_published
    from hub.store.ledger import published_states as published_states
    from hub.store.ledger import record_run as record_run
    from hub.store.ledger import run_from_json as run_from_json
    from hub.store.ledger import run_to_json as run_to_json
    from hub.store.ledger import runs as runs
    from hub.store.publishing import publish as publish
    from hub.store.reviewing import Candidate as Candidate
    from hub.store.reviewing import Review as Review
    from hub.store.reviewing import add_reviews as add_reviews
    from hub.store.reviewing import decide_review as decide_review
    from hub.store.reviewing import decisions as decisions
    from hub.store.reviewing import ids_key as ids_key
    from hub.store.reviewing import reviews as reviews
    from hub.store.reviewing import student_of as student_of
    from hub.store.schema import migrate as migrate
    from hub.store.snapshots import identifiers as identifiers
    from hub.store.snapshots import known_keys as known_keys
    from hub.store.snapshots import snapshot as snapshot
    from hub.store.values import published_rows as published_rows
    from hub.store.values import published_values as published_values

_HOMES = {
    "current": ("current_rows", "latest_rows"),
    "diff": ("compare",),
    "connect": ("Store", "open_store"),
    "digest": ("content_digest",),
    "guard": ("GuardLimits", "judge"),
    "held": ("HeldRow", "held_rows"),
    "history": ("as_of", "change_feed", "student_record"),
    "ledger": (
        "find_run",
        "last_published",
        "published_states",
        "record_run",
        "run_from_json",
        "run_to_json",
        "runs",
    ),
    "schema": ("migrate",),
    "publishing": ("publish",),
    "reviewing": (
        "Candidate",
        "Review",
        "add_reviews",
        "decide_review",
        "decisions",
        "ids_key",
        "reviews",
        "student_of",
    ),
    "snapshots": ("identifiers", "known_keys", "snapshot"),
    "values": ("published_rows", "published_values"),
}


def __getattr__(name: str) -> Any:
    # SQLAlchemy, DuckDB and Arrow cost half a second: only the door that is used is opened.
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"hub.store.{home}"), name)
    raise AttributeError(f"module 'hub.store' has no attribute '{name}'")
