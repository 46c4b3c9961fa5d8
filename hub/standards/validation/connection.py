"""The set engine of a validation. DuckDB alone judges a clean feed: loading Ibis takes as long as a small one."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from hub.engine import settings


class Connection:
    """A fresh DuckDB that spills to the folder `scratch` past `memory`; `ibis` is the same one behind Ibis."""

    def __init__(self, scratch: Path, memory: str) -> None:
        import duckdb

        self.plain = duckdb.connect(config=settings(scratch, memory))

    def run(self, statements: str) -> list[tuple[Any, ...]]:
        """Runs statements; the rows of the last one."""
        rows: list[tuple[Any, ...]] = self.plain.execute(statements).fetchall()
        return rows

    def one(self, query: str) -> tuple[Any, ...]:
        """The only row of a query."""
        return self.run(query)[0]

    @cached_property
    def ibis(self) -> Any:
        import ibis

        return ibis.duckdb.from_connection(self.plain)

    def close(self) -> None:
        self.plain.close()
