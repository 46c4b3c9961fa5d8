"""Alembic's comparison of entity tables with the specs, and the steps that close the difference without a loss."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, ColumnClause, Connection, MetaData, cast, column, select, table

from hub.errors import Stop

#: (old, new) in words that both databases share: every value of the old type has its place in the new one.
WIDENS = {("INTEGER", "NUMBER"), ("INTEGER", "TEXT"), ("NUMBER", "TEXT"), ("DATE", "TEXT")}

#: An index goes before its column, a column comes before its index.
_ORDER = ("remove_index", "remove_table", "add_table", "remove_column", "add_column", "modify_type", "add_index")


def differences(connection: Connection, metadata: MetaData) -> list[tuple[Any, ...]]:
    """What `fit` would do, in Alembic's words; empty where the database is as the specs say."""
    return _differences(_context(connection), metadata)


def fit(connection: Connection, metadata: MetaData) -> None:
    """Close the difference. Raises Stop before the first change where a step would destroy data."""
    context = _context(connection)
    operations = Operations(context)
    steps = _differences(context, metadata)
    for kind, *rest in steps:
        _refuse_loss(connection, kind, rest)
    new = {step[1].name for step in steps if step[0] == "add_table"}
    for kind, *rest in steps:
        if kind == "add_index" and rest[0].table.name in new:
            continue  # came with its table
        _apply(operations, metadata, kind, rest)


def _context(connection: Connection) -> MigrationContext:
    def ours(name: str | None, kind: str, _: Any) -> bool:
        return kind != "table" or not (name or "").startswith("hub_")

    return MigrationContext.configure(connection, opts={"compare_type": True, "include_name": ours})


def _differences(context: MigrationContext, metadata: MetaData) -> list[tuple[Any, ...]]:
    steps: list[tuple[Any, ...]] = []
    for diff in compare_metadata(context, metadata):
        steps += [tuple(each) for each in diff] if isinstance(diff, list) else [diff]
    return sorted((step for step in steps if step[0] in _ORDER), key=lambda step: _ORDER.index(step[0]))


def _refuse_loss(connection: Connection, kind: str, rest: list[Any]) -> None:
    if kind == "remove_table" and _any_value(connection, rest[0].name, "_key"):
        raise Stop(
            f"The specs no longer have the entity stored in table {rest[0].name}, which holds data.",
            "Put its spec back, or export the table and drop it by hand.",
        )
    if kind == "remove_column" and _any_value(connection, rest[1], rest[2].name):
        raise Stop(
            f"The specs no longer have the field stored in {rest[1]}.{rest[2].name}, which holds data.",
            "Put the field back in its spec, or export the column and drop it by hand.",
        )
    if kind == "modify_type":
        _, name, field, _, old, new = rest
        if (_word(old), _word(new)) not in WIDENS and _any_value(connection, name, field):
            raise Stop(
                f"The spec turns {name}.{field} from {_word(old)} into {_word(new)}, which could lose values.",
                "Give the field its former type in its spec, or a wider one: integer, number and date may become text.",
            )


def _any_value(connection: Connection, name: str, field: str) -> bool:
    value: ColumnClause[Any] = column(field)
    query = select(value).select_from(table(name)).where(value.is_not(None)).limit(1)
    return connection.execute(query).first() is not None


def _word(kind: Any) -> str:
    name = str(kind.__visit_name__).upper()
    groups = {"NUMBER": ("FLOAT", "DOUBLE", "REAL", "NUMERIC"), "INTEGER": ("INT",), "TEXT": ("TEXT", "CHAR", "STRING")}
    return next((word for word, parts in groups.items() if any(part in name for part in parts)), name)


def _apply(operations: Operations, metadata: MetaData, kind: str, rest: list[Any]) -> None:
    connection = operations.get_bind()
    match kind:
        # Alembic's copies of tables and indexes are not whole, ours are.
        case "add_table":
            metadata.tables[rest[0].name].create(connection, checkfirst=False)
        case "add_index":
            table_ = metadata.tables[rest[0].table.name]
            next(i for i in table_.indexes if i.name == rest[0].name).create(connection, checkfirst=False)
        case "remove_table":
            operations.drop_table(rest[0].name)
        case "remove_index":
            operations.drop_index(rest[0].name, table_name=rest[0].table.name)
        case "add_column":
            operations.add_column(rest[1], Column(rest[2].name, rest[2].type))
        case "remove_column":
            operations.drop_column(rest[1], rest[2].name)
        case "modify_type":
            _retype(operations, rest[1], rest[2], rest[4], rest[5])


def _retype(operations: Operations, name: str, field: str, old: Any, new: Any) -> None:
    if (_word(old), _word(new)) not in WIDENS:  # nothing in it: see _refuse_loss
        operations.drop_column(name, field)
        operations.add_column(name, Column(field, new))
    elif operations.get_bind().dialect.name == "sqlite":
        # SQLite cannot change a column's type, and text in a column that stays INTEGER would lose leading zeros.
        with operations.batch_alter_table(name, recreate="always") as batch:
            batch.alter_column(field, type_=new)
    else:
        as_new = cast(column(field), new).compile(dialect=operations.get_bind().dialect)
        operations.alter_column(name, field, type_=new, postgresql_using=str(as_new))
