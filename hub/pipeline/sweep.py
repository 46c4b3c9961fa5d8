"""What nobody needs any more goes: states of sources and records of runs that can be made again from landing."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from hub import store
from hub.config import Settings
from hub.model import Slice
from hub.pipeline.source import load_outcome

_STATE = re.compile(r"[0-9a-f]{32}(\.partial)?")
_BULKY = ("record", "changes", "changed", "spill")  # of a run; its report, held places and summary stay


def sweep(settings: Settings, slice: Slice, opened: store.Store, now: datetime) -> int:
    """Deletes what is older than `keep_days` in the slice's folders of `work` and `runs`; returns how many folders.

    Stays whatever its age: what is published, what a held publish needs until it is decided or overtaken, and what the
    next night builds on.
    """
    limit = (now - timedelta(days=settings.keep_days)).timestamp()
    last = store.last_published(opened, slice)
    runs = store.runs(opened, slice.year, 1000, since=last)
    alive = [r for r in runs if r.id == last or r.status == "held"]
    needed = {(o.source, state) for run in alive for o in run.sources for state in (o.state, o.baseline)}
    needed |= set(store.published_states(opened, slice).items())
    gone = 0
    work = settings.state / "work" / slice.district / str(slice.year)
    for folder in work.glob("*/*"):
        source = folder.parent.name
        if not _STATE.fullmatch(folder.name) or (source, folder.name) in needed:
            continue
        outcome = load_outcome(settings, slice, source)
        if outcome is None or outcome.state != folder.name:
            gone += _drop(folder, limit)
    kept = {run.id for run in alive}
    for folder in (settings.state / "runs" / slice.district / str(slice.year)).glob("*"):
        if folder.name not in kept:
            gone += sum(_drop(folder / name, limit) for name in _BULKY)
    return gone


def _drop(folder: Path, limit: float) -> bool:
    if not folder.is_dir() or folder.stat().st_mtime >= limit:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True
