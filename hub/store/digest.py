"""What a store says, in one line per entity: to show that two ways to it led to the same content."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from hub.store.connect import Store, reading
from hub.store.files import BATCH


def content_digest(store: Store) -> dict[str, str]:
    """{entity: SHA-256 hex} over all versions of all rows: (year, key, hash, current or ended), in no order.

    When and by which run a version came or went does not count, nor do file and row it came from.
    """
    digests = {}
    with reading(store) as connection:
        for name in sorted(store.entities):
            table, digest = store.table(name), hashlib.sha256()
            version = (table.c._year, table.c._key, table.c._hash, table.c._valid_to.is_(None))
            query = select(*version).order_by(*version).execution_options(yield_per=BATCH)
            for year, key, hash_, current in connection.execute(query):
                digest.update(f"{year} {key} {hash_} {bool(current)}\n".encode())
            digests[name] = digest.hexdigest()
    return digests
