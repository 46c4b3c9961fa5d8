"""The one path: land -> normalize -> check -> unify -> publish -> report. READ THIS FIRST.

Each step takes values and leaves files (docs/architecture.md says which), so it can be run, killed and run again by
itself; `sync` is all of them for one slice. Dagster's assets call the same steps.
"""

from __future__ import annotations

from hub.pipeline.path import before_the_night, publish_record, replay, sync
from hub.pipeline.rebuild import rebuild
from hub.pipeline.runs import EARLIER, approve, discard, new_run_id, open_store, report
from hub.pipeline.source import load_outcome, pull, save_outcome

__all__ = [
    "EARLIER",
    "sync",
    "before_the_night",
    "pull",
    "publish_record",
    "approve",
    "discard",
    "replay",
    "rebuild",
    "report",
    "open_store",
    "new_run_id",
    "save_outcome",
    "load_outcome",
]
