"""Held rows by place: file, record, entity, field and rule. Never a value.

`_same` is the digest by which another row of the same thing is known, null where its key cannot be read; `_print` is
that of the whole row, null where nobody asks for it.
"""

from __future__ import annotations

from typing import Any

import ibis
import pyarrow as pa

from hub.standards.reading.streams import StreamRead

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
        ("_same", pa.string()),
        ("_print", pa.string()),
    ]
)


def rejected_rows(source: str, reads: list[StreamRead]) -> Any | None:
    """Records the CSV reader could not take, as held rows of no entity; None where there are none."""
    rows = [
        {
            "_source": source, "_stream": read.stream, "_file": read.file.sha256, "_row": reject.row,
            "_seq": read.seq, "entity": "", "field": "", "rule": reject.rule, "_same": None, "_print": reject.digest,
        }
        for read in reads
        for reject in read.rejects
    ]  # fmt: skip
    return ibis.memtable(pa.Table.from_pylist(rows, schema=SCHEMA)) if rows else None
