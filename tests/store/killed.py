"""What runs in a process that the test kills: one publish, with everything already imported."""

from __future__ import annotations

from pathlib import Path

from hub.model import Run, Slice
from hub.store import open_store
from hub.store.publishing import publish

from .school import ENTITIES


def publish_now(district: str, state: Path, run: Run, changes: Path) -> None:
    store = open_store("sqlite", district, ENTITIES, state)
    publish(store, Slice(district, run.year), run, changes, None, {"sis": "second"})
