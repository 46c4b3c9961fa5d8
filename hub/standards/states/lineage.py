"""Which entities a file of a source feeds: what could be missing there when one of its rows cannot be read."""

from __future__ import annotations

from collections.abc import Iterable

from hub.model import Mapping, Source
from hub.standards.mapping.tables import reads


def feeds(source: Source, mappings: Iterable[Mapping], streams: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """{stream: the entities whose rows are read from it, by themselves or through the source's tables}."""
    tables = {t.name: reads(t.rows) for t in source.tables}
    found: dict[str, set[str]] = {stream: set() for stream in streams}
    for mapping in mappings:
        names, waiting = {mapping.stream}, list(reads(mapping.rows)) if mapping.rows else []
        while waiting:
            name = waiting.pop()
            if name not in names:
                names.add(name)
                waiting += tables.get(name, ())
        for stream in found.keys() & names:
            found[stream].add(mapping.entity)
    return {stream: tuple(sorted(entities)) for stream, entities in found.items()}
