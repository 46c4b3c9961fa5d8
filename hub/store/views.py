"""CREATE VIEW and DROP VIEW, which SQLAlchemy 2.0 has no words for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler

from hub.store.naming import shortened
from hub.store.tables import current_rows


class CreateView(ExecutableDDLElement):
    """The view `<table>_current`: the rows of `of` that have not ended."""

    def __init__(self, of: Table) -> None:
        self.of = of


class DropView(ExecutableDDLElement):
    """Take the view `name` down."""

    def __init__(self, name: str) -> None:
        self.name = name


@compiles(CreateView)
def _create_view(element: CreateView, compiler: DDLCompiler, **_: Any) -> str:
    query = compiler.sql_compiler.process(current_rows(element.of), literal_binds=True)
    return f"CREATE VIEW {compiler.preparer.quote(shortened(f'{element.of.name}_current'))} AS {query}"


@compiles(DropView)
def _drop_view(element: DropView, compiler: DDLCompiler, **_: Any) -> str:
    return f"DROP VIEW {compiler.preparer.quote(element.name)}"
