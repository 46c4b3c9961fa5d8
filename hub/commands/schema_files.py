"""What `hub schema export` writes: the files of each format, made of the specs by the rooms that know the format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from hub.errors import FixConfiguration
from hub.standards.export.catalog import Item, Kind

#: Format -> the kinds of spec that it can say.
FORMATS: dict[str, tuple[Kind, ...]] = {
    "json-schema": ("entity", "association", "descriptor", "file", "object"),
    "xsd": ("interchange",),
    "gx": ("entity", "association"),
    "sql": ("entity", "association"),
    "markdown": ("entity", "association", "descriptor", "common", "interchange", "file", "object"),
}
#: Path below the folder that is written to, and the text.
Made = tuple[str, str]


def made(form: str, chosen: Sequence[Item], dialect: str) -> Iterator[Made]:
    """The files of one format.

    SQL of several versions is that of the store: all of the version it keeps, and what it takes from a later one.
    Raises FixConfiguration where the format can say none of the specs chosen.
    """
    fitting = [i for i in chosen if i.kind in FORMATS[form] and (form in ("markdown", "sql") or not i.abstract)]
    if not fitting:
        said = ", ".join(FORMATS[form])
        raise FixConfiguration(f"There is nothing here that {form} can say.", f"It says specs of these kinds: {said}.")
    if form == "sql":
        yield from _sql(fitting, dialect)
    elif form == "markdown":
        yield from _markdown(fitting)
    else:
        yield from ((f"{i.folder}/{i.name}.{_ENDINGS[form]}", _WRITERS[form](i)) for i in fitting)


def _json_schema(item: Item) -> str:
    if item.kind == "object":
        from hub.standards.export.oneroster_schema import object_schema
        from hub.standards.oneroster_objects import kinds

        return _json(object_schema(kinds(item.version)[item.also], item.version))
    if item.kind == "file":
        from hub.standards.export.oneroster_schema import row_schema
        from hub.standards.oneroster_layout import layouts

        return _json(row_schema(layouts(item.version)[item.name], item.version))
    from hub.standards.bodies import body
    from hub.standards.export.json_schema import json_schema

    return _json(json_schema(body(item.name, item.version), item.version))


def _xsd(item: Item) -> str:
    from hub.standards.export.xsd import xsd
    from hub.standards.shapes import load_shapes

    return xsd(load_shapes(item.version), [item.name]).decode()


def _gx(item: Item) -> str:
    from hub.standards.export.gx import expectation_suite
    from hub.standards.specs import load_entity

    return _json(expectation_suite(load_entity(item.name, item.version)))


def _sql(chosen: Sequence[Item], dialect: str) -> Iterator[Made]:
    from hub.standards.specs import load_entities, load_entity
    from hub.store.ddl import ddl

    folders = {i.folder for i in chosen}
    if len(folders) > 1:
        kept, wanted = load_entities(), {i.name for i in chosen}
        yield f"store.{dialect}.sql", ddl([e for n, e in kept.items() if n in wanted or n == "Descriptor"], dialect)
    else:
        yield f"{folders.pop()}.{dialect}.sql", ddl([load_entity(i.name, i.version) for i in chosen], dialect)


def _markdown(chosen: Sequence[Item]) -> Iterator[Made]:
    from hub.standards.export.markdown import file_name, index, page
    from hub.standards.export.sheets import sheet

    for folder, group in groupby(chosen, key=lambda i: i.folder):
        of_version = list(group)
        pages = {i.name: file_name(i) for i in of_version}
        title = f"{of_version[0].standard} {of_version[0].version}"
        yield f"{folder}/index.md", index(title, of_version)
        yield from ((f"{folder}/{file_name(i)}", page(sheet(i), pages)) for i in of_version)


def _json(said: dict[str, Any]) -> str:
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


_WRITERS: dict[str, Callable[[Item], str]] = {"json-schema": _json_schema, "xsd": _xsd, "gx": _gx}
_ENDINGS = {"json-schema": "schema.json", "xsd": "xsd", "gx": "suite.json"}
