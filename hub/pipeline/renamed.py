"""A district whose id was changed in hub.yaml: its new id would be a new, empty store."""

from __future__ import annotations

from hub.config import District, Settings, line_of
from hub.errors import FixConfiguration
from hub.landing import districts, origins
from hub.model import Slice
from hub.pipeline.source import origin_of


def refuse_renamed(settings: Settings, slice: Slice) -> None:
    """Raises FixConfiguration where a district that has landed nothing yet asks a source at the place where one that
    hub.yaml no longer names asked the source of that name. A place that several districts ask says nothing."""
    landed = districts(settings.state)
    if slice.district in landed:
        return
    others = {place for d in settings.districts if d.id != slice.district for place in _places(d)}
    asks = _places(settings.district(slice.district)) - others
    for gone in sorted(landed - {d.id for d in settings.districts}):
        both = sorted(asks & origins(settings.state, gone))
        if both:
            (name, place), line = both[0], line_of(settings.path, "districts", slice.district)
            raise FixConfiguration(
                f"{settings.path}:{line}: districts.{slice.district}: this district has never been synced, and its "
                f"source {name} is at {place}, where that of {gone} was, which is no longer here. A district's id is "
                f"the name of its store: another id is another, empty store.",
                f"If it is the same district, name it {gone} again. To begin anew, move "
                f"{settings.state / 'landing' / gone} away.",
            )


def _places(district: District) -> set[tuple[str, str]]:
    return {(source.name, place) for source in district.sources if (place := origin_of(source))}
