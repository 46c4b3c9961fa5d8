"""Rows that a connector asked for by name, over several nights: a whole pull and the changes since, one row a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ibis

from hub.engine import count, keep, keep_counted, stacked
from hub.model import OpenedDelivery, OpenedFile, Source, Stream
from hub.standards.reading.json_pages import pages_in_use
from hub.standards.reading.streams import StreamRead, assign, keep_newest, read_file, stack

Files = Sequence[tuple[int, OpenedFile]]


def asked_for(deliveries: Sequence[OpenedDelivery], stream: Stream) -> bool:
    return any(stream.name in delivery.scopes for delivery in deliveries)


def rows_in_use(deliveries: Sequence[OpenedDelivery], source: Source, stream: Stream, full: bool) -> Files:
    """The files of the newest whole pull and of the changes after it."""
    return [(seq, f) for seq, f in pages_in_use(deliveries, source, stream, full) if not _of_keys(f)]


def read_pulled(
    con: Any,
    stream: Stream,
    files: Files,
    deliveries: Sequence[OpenedDelivery],
    source: Source,
    used: set[str],
    facts: dict[str, Any],
) -> tuple[list[StreamRead], dict[str, int]]:
    """Makes table `stream.name`; gives the reads, and the rows that do not count by reason: those that a later pull
    brought again, and those whose key the newest list of keys no longer has.
    """
    key = list(stream.options.get("key", ()))
    reads = [read_file(con, stream, f, seq, used | set(key), facts) for seq, f in files]
    stack(con, stream, reads, used | set(key))
    if not key:
        return reads, {}
    ignored: dict[str, int] = {}
    rows = con.table(stream.name)
    order = [rows["_seq"].desc(), rows["_file"], rows["_row"].desc()]
    rows, ignored["key.superseded"] = keep_newest(con, stream.name, key, order, blank=key)
    keys = _keys(con, stream, key, deliveries, source, facts)
    if keys is not None:
        there = rows.semi_join(keys, key)
        unknown = rows.filter(ibis.or_(*[rows[c].isnull() for c in key]))
        before = count(con, rows)
        ignored["key.gone"] = before - keep_counted(con, stream.name, stacked([there, unknown]))[1]
    return reads, {reason: n for reason, n in ignored.items() if n}


def _of_keys(file: OpenedFile) -> bool:
    return "/keys/" in file.name


def _keys(
    con: Any,
    stream: Stream,
    key: list[str],
    deliveries: Sequence[OpenedDelivery],
    source: Source,
    facts: dict[str, Any],
) -> Any | None:
    layout = replace(stream, columns=tuple(key), options={"layouts": {"keys": key}})
    for delivery in reversed(deliveries):
        files = [f for f in assign(source, delivery.files)[0].get(stream.name, []) if _of_keys(f)]
        if files:
            reads = [read_file(con, layout, f, delivery.seq, set(key), facts) for f in files]
            return keep(con, f"{stream.name}__keys", stacked([con.table(r.table).select(*key) for r in reads]))
    return None
