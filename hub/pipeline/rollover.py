"""Where one school year ends and the next begins: what stays of the old one, and what may go of the new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from hub.config import Settings, SourceSettings
from hub.engine import row_count
from hub.landing import deliveries
from hub.model import Change, Kept, Run, Slice

CLOSED = "Closed: this source delivers for another school year now; what it sent for this one stays."


def standing_sources(settings: Settings, slice: Slice) -> tuple[SourceSettings, ...]:
    """The sources that are asked for the slice, and those that once were and deliver for other years now."""
    district = settings.district(slice.district)
    closed = district.closed_sources_of(slice.year)
    return (
        *district.sources_of(slice.year),
        *(source for source in closed if deliveries(settings.state, slice, source.name)),
    )


def additions_only(settings: Settings, slice: Slice, now: datetime) -> str:
    """Why no publish of the slice removes a row tonight, "" where it may.

    A source that delivers for another year now would be confirmed by nobody: what it left out last is no word of it.
    """
    district = settings.district(slice.district)
    window = district.additions_only
    if window is not None and window.holds(now.date()):
        return f"Additions only until {window.until}"
    closed = [s.name for s in standing_sources(settings, slice) if slice.year not in district.years_of(s)]
    return f"School year {slice.year} is closed for {', '.join(closed)}" if closed else ""


def unsent_rows(changes: Sequence[Change], record: Path, last: Run | None) -> tuple[Kept, ...]:
    """The published rows that tonight's record lacks and that stay, as nothing is removed."""
    found = []
    for change in changes:
        path = record / f"{change.entity}.parquet"
        rows = change.after - (row_count(path) if path.is_file() else 0)
        if rows:
            found.append(Kept(change.entity, "", rows, last.id if last else ""))
    return tuple(found)


def told_of(unsent: Sequence[Kept], reason: str) -> str:
    """What a run says of itself on a night on which nothing is removed."""
    rows = sum(kept.rows for kept in unsent)
    return f"{reason}: {rows:,} published rows that nobody sends any more stay." if rows else f"{reason}."
