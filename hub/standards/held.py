"""Held rows by place: file, record, entity, field and rule. Never a value."""

from __future__ import annotations

from typing import Any

import ibis
import pyarrow as pa

from hub.standards.streams import StreamRead

SCHEMA = pa.schema(
    [
        ("_source", pa.string()),
        ("_stream", pa.string()),
        ("_file", pa.string()),
        ("_row", pa.int64()),
        ("_seq", pa.int64()),
        ("entity", pa.string()),
        ("field", pa.string()),
        ("rule", pa.string()),
    ]
)


def rejected_rows(source: str, reads: list[StreamRead]) -> Any | None:
    """Records the CSV reader could not take, as held rows of no entity; None where there are none."""
    rows = [
        {
            "_source": source, "_stream": read.stream, "_file": read.file.sha256, "_row": reject.row,
            "_seq": read.seq, "entity": "", "field": "", "rule": reject.rule,
        }
        for read in reads
        for reject in read.rejects
    ]  # fmt: skip
    return ibis.memtable(pa.Table.from_pylist(rows, schema=SCHEMA)) if rows else None
