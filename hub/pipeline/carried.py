"""An entity of which nothing new came is taken over from the run that was published last: its record is that file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.engine import columns, row_count
from hub.model import Count, Run
from hub.standards.mapping.completion import PREFIX as COMPLETED_LATER
from hub.unify.identity import PREFIX as IDENTIFIED_LATER


@dataclass(frozen=True)
class Carried:
    """`record` as it was published, and what was counted on the way to it."""

    record: Path
    counts: tuple[Count, ...]


def carried(last: Run, record: Path, states: Mapping[str, Path]) -> dict[str, Carried]:
    """What of `last`, whose record is in the folder `record`, tonight's `states` would give again, by entity.

    `last` was judged by today's rules. Of such an entity one source alone speaks, out of the same SourceState as then;
    all its rows were accepted and all of them are published, so that no rule has a new row to look at. References were
    found then, and keys that were ever published stay known. Where a person or a reference is only found while the
    record is built, other sources have a say, and the entity is built.
    """
    before = {outcome.source: outcome.state for outcome in last.sources}
    stays = {each.entity for each in last.kept}
    fed: dict[str, list[str]] = {}
    for source, state in states.items():
        for path in (state / "rows").glob("*.parquet"):
            fed.setdefault(path.stem, []).append(source)
    found = {}
    for entity, sources in fed.items():
        counts = tuple(c for c in last.counts if c.entity == entity and c.step in ("check", "unify"))
        path, (source, *others) = record / f"{entity}.parquet", sources
        same = before.get(source) == states[source].name and {c.source for c in counts} == {source}
        whole = not any(c.held for c in counts) and entity not in stays and path.is_file()
        if others or not same or not whole:
            continue
        later = (COMPLETED_LATER, IDENTIFIED_LATER)
        if any(c.startswith(later) for c in columns(states[source] / "rows" / f"{entity}.parquet")):
            continue
        if row_count(path) == sum(c.accepted for c in counts if c.step == "unify"):
            found[entity] = Carried(path, counts)
    return found
