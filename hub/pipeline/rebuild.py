"""A lost store, made again out of what landed: night by night, so that history comes back too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub import store
from hub.config import Settings, SourceSettings
from hub.errors import AskVendor, FixConfiguration
from hub.landing import deliveries
from hub.model import Run, Slice, SourceOutcome
from hub.pipeline.path import publish_record
from hub.pipeline.rollover import standing_sources
from hub.pipeline.runs import new_run_id, open_store
from hub.pipeline.source import save_outcome
from hub.pipeline.states import normalize, room
from hub.standards.vendors.sources import load_source

Progress = Callable[[str, int, int], None]
NIGHT = timedelta(hours=1)  # between two deliveries of one night at most


@dataclass
class _Night:
    slice: Slice
    last: datetime
    sources: set[str] = field(default_factory=set)


def rebuild(settings: Settings, district: str, progress: Progress) -> list[Run]:
    """Publishes each night of what landed, oldest first, as of the time it was received.

    The store must be empty. What only the store knew does not come back: decisions of reviews, what a person approved
    or discarded, and nights on which nothing landed. Raises FixConfiguration where the store has runs.
    """
    opened = open_store(settings, district)
    if store.runs(opened, None, 1):
        raise FixConfiguration(
            f"The store of {district} is not empty.", "Move it away first: a rebuild never touches what is published."
        )
    runs = []
    nights = list(_nights(settings, district))
    for done, night in enumerate(nights):
        progress(f"{district}: night of {night.last:%Y-%m-%d}", done, len(nights))
        published = store.published_states(opened, night.slice)
        for source in standing_sources(settings, night.slice):
            outcome = _outcome(settings, night, source, published.get(source.name, ""))
            save_outcome(settings, night.slice, outcome)
        runs.append(
            publish_record(settings, night.slice, new_run_id(night.last), now=night.last, opened=opened, then=True)
        )
    return runs


def _nights(settings: Settings, district: str) -> Iterator[_Night]:
    """What landed together: until an hour passes, or a source delivers again."""
    came = sorted(
        (delivery.received, year, source.name)
        for year in settings.district(district).years
        for source in settings.district(district).sources
        for delivery in deliveries(settings.state, Slice(district, year), source.name)
    )
    tonight: dict[int, _Night] = {}
    for received, year, source in came:
        night = tonight.get(year)
        if night is not None and (received - night.last > NIGHT or source in night.sources):
            yield tonight.pop(year)
            night = None
        if night is None:
            night = tonight[year] = _Night(Slice(district, year), received)
        night.last = received
        night.sources.add(source)
    yield from sorted(tonight.values(), key=lambda night: night.last)


def _outcome(settings: Settings, night: _Night, source: SourceSettings, state: str) -> SourceOutcome:
    base = SourceOutcome(source.name, source.vendor, "nothing_landed", owner=source.owner, state=state)
    vendor = load_source(source.vendor, settings.specs, settings.vendors)
    if not any(d.received <= night.last for d in deliveries(settings.state, night.slice, source.name)):
        return base
    try:
        with room(settings.state):
            found = normalize(settings, night.slice, source, vendor, lambda *_: None, until=night.last)
    except AskVendor as error:
        return SourceOutcome(**vars(base) | {"status": "refused", "message": error.message, "remedy": error.remedy})
    status = "unchanged" if found.state == state else "fresh"
    return SourceOutcome(**vars(base) | {"status": status, "state": found.state, "received": found.received})
