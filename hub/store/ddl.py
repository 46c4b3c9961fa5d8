"""The store's tables as SQL, of the same metadata that `migrate` makes them of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from hub.model import Entity
from hub.store.tables import entity_table
from hub.store.views import CreateView

DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


def ddl(entities: Iterable[Entity], dialect: str) -> str:
    """CREATE statements of the tables, indexes and current views of these entities, for sqlite or postgresql."""
    return "".join(f"{_text(statement, dialect)};\n\n" for statement in _statements(entities))


def _statements(entities: Iterable[Entity]) -> Iterator[ExecutableDDLElement]:
    metadata = MetaData()
    for table in [entity_table(e, metadata) for e in entities]:
        yield CreateTable(table)
        yield from (CreateIndex(i) for i in sorted(table.indexes, key=lambda i: str(i.name)))
        yield CreateView(table)


def _text(statement: ExecutableDDLElement, dialect: str) -> str:
    text = str(statement.compile(dialect=DIALECTS[dialect]()))
    return "\n".join(line.rstrip().replace("\t", "  ") for line in text.strip().splitlines())
