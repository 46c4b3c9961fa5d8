"""A run by itself: its id, its folder, its district's store, its report, and what a person decides of it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hub import store
from hub.config import Settings
from hub.errors import FixConfiguration, Stop
from hub.model import Run, Slice
from hub.standards.rules import load_rules
from hub.standards.specs import load_entities

#: A run's report looks back on this many of its school year: a month of nights.
EARLIER = 30


def open_store(settings: Settings, district: str) -> store.Store:
    """The district's store, migrated. Raises FixConfiguration for an address that does not work."""
    opened = store.open_store(settings.store_url, district, load_entities(settings.specs), settings.state)
    store.migrate(opened)
    return opened


def new_run_id(now: datetime) -> str:
    """Sorts by time, also within a second: what was published last is told by it. Four digits by chance keep two of one
    moment apart."""
    return f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond:05x}{secrets.token_hex(2)}"


def run_folder(settings: Settings, run: Run) -> Path:
    return settings.state / "runs" / run.district / str(run.year) / run.id


def report(settings: Settings, slice: Slice, run_id: str | None, opened: store.Store | None = None) -> Path:
    """Writes the report of a run (the last one without an id), with GX Data Docs beside it; returns its path."""
    from hub.report.page import write
    from hub.standards.suites.data_docs import write_data_docs

    opened = opened or open_store(settings, slice.district)
    run = store.find_run(opened, run_id) if run_id else next(iter(store.runs(opened, slice.year, 1)), None)
    if run is None or run.year != slice.year:
        told = f"There is no run {run_id or 'yet'} of {slice.district}, school year {slice.year}."
        raise FixConfiguration(told, "`hub runs` lists them, `hub sync` starts one.")
    folder = run_folder(settings, run)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    earlier = store.runs(opened, slice.year, EARLIER, before=run.id)
    write(run, earlier, path, datetime.now(UTC), load_rules(settings.specs / "rules"))
    write_data_docs(run.rules, load_entities(settings.specs), folder / "data_docs", run=run.id)
    return path


def approve(settings: Settings, slice: Slice, run_id: str, who: str) -> Run:
    """Publishes exactly what the guard held. Raises Stop when another run was published meanwhile."""
    opened = open_store(settings, slice.district)
    run = _held_run(opened, slice, run_id)
    folder = run_folder(settings, run)
    if not (folder / "changes").is_dir():
        raise Stop(f"The changes of run {run_id} are gone from {folder}.", "Run `hub sync` again.")
    approved = replace(run, status="approved", message=f"Approved by {who}.", finished=datetime.now(UTC))
    held = folder / "held.parquet"
    states = {o.source: o.state for o in run.sources if o.state}
    store.publish(opened, slice, approved, folder / "changes", held if held.is_file() else None, states)
    report(settings, slice, run_id, opened)
    return approved


def discard(settings: Settings, slice: Slice, run_id: str, who: str) -> Run:
    """Forgets what the guard held; what is published stays."""
    opened = open_store(settings, slice.district)
    run = _held_run(opened, slice, run_id)
    dropped = replace(run, status="discarded", message=f"Discarded by {who}.", finished=datetime.now(UTC))
    store.record_run(opened, dropped)
    report(settings, slice, run_id, opened)
    return dropped


def _held_run(opened: store.Store, slice: Slice, run_id: str) -> Run:
    run = store.find_run(opened, run_id)
    if run is None or run.year != slice.year or run.status != "held":
        raise FixConfiguration(f"run {run_id!r} is not held by the guard.", "See `hub runs`.")
    return run
