"""An entity of which nothing new came is taken over from the run that was published last: its record is that file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.engine import row_count
from hub.model import Count, Run
from hub.standards.states.appended import SUPERSEDED
from hub.standards.states.source_state import load_summary


@dataclass(frozen=True)
class Carried:
    """`record` as it was published, and what was counted on the way to it."""

    record: Path
    counts: tuple[Count, ...]


def carried(last: Run, record: Path, states: Mapping[str, Path]) -> dict[str, Carried]:
    """What of `last`, whose record is in the folder `record`, tonight's `states` would give again, by entity.

    `last` was judged by today's rules. Of such an entity one source alone speaks, and says the same as then, whatever
    files it came in; all its rows were accepted and all of them are published, so that no rule has a new row to look
    at. References were found then, and keys that were ever published stay known. Where a person or a reference is only
    found while the record is built, other sources have a say, and the entity is built; so it is where the order of
    deliveries decided between rows.
    """
    before = {o.source: states[o.source].with_name(o.state) for o in last.sources if o.state and o.source in states}
    stays = {each.entity for each in last.kept}
    said = {source: load_summary(state).content for source, state in states.items()}
    then = {source: load_summary(state).content for source, state in before.items() if (state / "state.json").is_file()}
    fed: dict[str, list[str]] = {}
    for source, state in states.items():
        for path in (state / "rows").glob("*.parquet"):
            fed.setdefault(path.stem, []).append(source)
    found = {}
    for entity, (source, *others) in fed.items():
        counts = tuple(c for c in last.counts if c.entity == entity and c.step in ("check", "unify"))
        path, same = record / f"{entity}.parquet", said[source].get(entity)
        if others or same is None or then.get(source, {}).get(entity) != same or {c.source for c in counts} != {source}:
            continue
        if any(c.held or SUPERSEDED in c.ignored for c in counts) or entity in stays or not path.is_file():
            continue
        if row_count(path) == sum(c.accepted for c in counts if c.step == "unify"):
            found[entity] = Carried(path, counts)
    return found
