"""Bringing a district's database to what the specs say: by revisions for the hub's tables, by comparison for the rest.

Adds tables and columns and widens types. Whatever would destroy data is refused before anything is changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection, inspect, select
from sqlalchemy.schema import CreateSchema

from hub.errors import FixConfiguration, Stop
from hub.model import Entity
from hub.store.connect import Store, reading, writing
from hub.store.ledger_tables import SETTING
from hub.store.naming import shortened
from hub.store.tables import refuse_name_clashes
from hub.store.views import CreateView, DropView

MIGRATIONS = Path(__file__).parent / "migrations"
#: The modules that make tables, indexes and views out of entities.
_MADE_BY = ("tables", "naming", "views")


def migrate(store: Store) -> None:
    """Create or change the store's tables and views until they fit the specs; quick when they already do.

    Raises FixConfiguration where two districts would share one store or two entities one table, Stop where a newer hub
    made the store or a spec lost a field or entity that it holds data of, RetryLater where another process writes for
    too long.
    """
    refuse_name_clashes(store.entities)
    wanted = _fingerprint(store.entities.values())
    if _settings(store).items() >= {"district": store.district, "schema": wanted}.items():
        return
    with writing(store) as connection:
        if store.schema:
            connection.execute(CreateSchema(store.schema, if_not_exists=True))
        _upgrade_ledger(store, connection)
        settings = dict(connection.execute(select(SETTING.c.name, SETTING.c.value)).tuples().all())
        owner = settings.get("district", store.district)
        if owner != store.district:
            raise FixConfiguration(
                f"Districts {owner} and {store.district} would share the store '{store.schema or store.district}'.",
                "Give one of them another id in hub.yaml, or another database.",
            )
        for name in store.entities:
            store.table(name)  # into the metadata
        _fit_tables(store, connection)
        connection.execute(SETTING.delete().where(SETTING.c.name.in_(["district", "schema"])))
        connection.execute(
            SETTING.insert(), [{"name": "district", "value": store.district}, {"name": "schema", "value": wanted}]
        )


def _fingerprint(entities: Iterable[Entity]) -> str:
    """Digest of all that decides what `migrate` would make, so that a night without a change costs one query.

    Of the code as well as of the specs: to make 150 tables only to read their columns takes half a second.
    """
    lines = sorted(path.name for path in (MIGRATIONS / "versions").glob("r*.py"))
    lines += [(Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8") for name in _MADE_BY]
    for each in entities:
        lines += [each.name, *(f"{f.name} {f.type}" for f in each.fields)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _settings(store: Store) -> dict[str, str]:
    with reading(store) as connection:
        if not inspect(connection).has_table(SETTING.name):
            return {}
        return dict(connection.execute(select(SETTING.c.name, SETTING.c.value)).tuples().all())


def _upgrade_ledger(store: Store, connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError:  # its own revision is none that this hub knows
        raise Stop(
            f"The store of {store.district} was made by a newer hub than this one; nothing was changed.",
            "Update the hub, or name another store: in hub.yaml.",
        ) from None


def _fit_tables(store: Store, connection: Connection) -> None:
    inspector = inspect(connection)
    existing = {name for name in inspector.get_table_names() if not name.startswith("hub_")}
    _drop_views(connection, existing | set(store.metadata.tables), set(inspector.get_view_names()))
    if existing:
        from hub.store.fit import fit

        fit(connection, store.metadata)
    else:
        store.metadata.create_all(connection, checkfirst=False)
    for each in store.metadata.tables.values():
        connection.execute(CreateView(each))


def _drop_views(connection: Connection, tables: Iterable[str], views: set[str]) -> None:
    # A view pins the columns it reads, so all of ours make way and come back.
    for name in sorted({shortened(f"{each}_current") for each in tables} & views):
        connection.execute(DropView(name))
