"""What goes only when a person says so: the rows of a source that hub.yaml no longer names, however few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Literal

from hub import store
from hub.model import Breach, Change, Slice


def departures(
    opened: store.Store,
    slice: Slice,
    changes: Iterable[Change],
    folder: Path,
    departed: Collection[str],
    doubted: Mapping[str, int],
) -> tuple[Breach, ...]:
    """A breach for each entity and departed source whose published rows would be removed or change; `folder` holds
    the changes. `doubted` rows would go on a night on which the rules changed and a file could not be read whole."""
    breaches = [
        Breach(change.entity, "removed", doubted[change.entity], doubted[change.entity] / change.before, 0.0)
        for change in changes
        if doubted.get(change.entity)
    ]
    for change in changes if departed else ():
        kinds: tuple[Literal["removed", "changed"], ...] = ("removed", "changed")
        for kind in kinds:
            if not getattr(change, kind):
                continue
            path = folder / f"{change.entity}.parquet"
            for source, rows in sorted(_owners(opened, slice, change.entity, path, kind, departed).items()):
                breaches.append(Breach(change.entity, kind, rows, rows / change.before, 0.0, source))
    return tuple(breaches)


def _owners(
    opened: store.Store, slice: Slice, entity: str, path: Path, kind: str, departed: Collection[str]
) -> Counter[str]:
    """How many of the rows that change in this way each departed source has published."""
    import pyarrow.parquet as pq

    keys = pq.read_table(path, columns=["_key"], filters=[("_change", "=", kind)])["_key"].to_pylist()
    before = path.with_name(f"{entity}.{kind}.before")
    store.current_rows(opened, slice, entity, keys, before)
    try:
        rows = pq.read_table(before, columns=["_source", "_field_sources"]).to_pylist()
    finally:
        before.unlink()
    named = [{r["_source"], *(s for s in departed if f'"{s}"' in (r["_field_sources"] or ""))} for r in rows]
    return Counter(s for sources in named for s in sources & set(departed))
