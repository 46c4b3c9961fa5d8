"""Lists of a vendor's folder as tables: what its files do not say and its documents do, such as the parts of a test."""

from __future__ import annotations

from typing import Any

from hub.model import Source


def make_lists(con: Any, source: Source) -> None:
    """One table of text columns for each `lists/<name>.csv`, under its name; a blank cell is null."""
    import pyarrow as pa

    for name, rows in source.lists.items():
        columns = {c: [row[c] or None for row in rows] for c in (rows[0] if rows else {})}
        schema = pa.schema([(c, pa.string()) for c in columns])
        con.create_table(name, pa.table(columns, schema=schema), overwrite=True)
