"""`hub schema`: every spec is listed and shown, and each export is what other tools take."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from lxml import etree
from sqlalchemy import create_engine, inspect, text

from hub.cli import main
from hub.standards.export.catalog import KINDS, items
from hub.standards.export.sheets import sheet
from hub.standards.export.xsd import xsd
from hub.standards.oneroster_objects import kinds
from hub.standards.shapes import load_shapes
from hub.standards.specs import SCHEMAS, load_entities
from hub.store import migrate, open_store

sys.path.insert(0, str(Path(__file__).parents[1] / "validation"))
from oneroster_broken import BROKEN, Broken
from oneroster_package import clean
from oneroster_payloads import clean as clean_objects
from test_oneroster_json import BROKEN as OBJECTS
from test_oneroster_json import Broken as BrokenObject

SHARED = Path(__file__).parents[3] / "shared" / "data" / "edfi"
GROUPS = {"Domain Entity": "entity", "Association": "association", "Descriptor": "descriptor", "Common": "common"}


def hub(*words: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["schema", *map(str, words)], env={"COLUMNS": "80"})
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def export(folder: Path, form: str, *more: str) -> list[Path]:
    hub("export", "--format", form, "--out", folder, *more)
    return sorted(p for p in folder.rglob("*") if p.is_file())


# ---------------------------------------------------------------------------------------------------- list and show


@pytest.mark.shared
@pytest.mark.parametrize(("version", "interchanges"), [("5.2", 25), ("6.1", 31)])
def test_everything_that_the_official_schemas_hold_is_listed_and_shown(version: str, interchanges: int) -> None:
    core = next((SHARED / version / "schemas").rglob("Ed-Fi-Core.xsd"), None)
    if core is None:
        pytest.skip("the official schemas are not here")
    xs = "{http://www.w3.org/2001/XMLSchema}"
    official = set()
    for made in etree.parse(str(core)).iter(f"{xs}complexType"):
        kind = GROUPS.get((made.findtext(f"{xs}annotation/{xs}appinfo/{{*}}TypeGroup") or "").strip())
        official |= {(kind, made.get("name"))} if kind else set()
    roots = {etree.parse(str(p)).find(f"{xs}element").get("name") for p in core.parent.glob("Interchange-*.xsd")}
    assert len(roots) == interchanges
    listed = json.loads(hub("list", "--standard", "ed-fi", "--version", version, "--json"))
    assert {(i["kind"], i["name"]) for i in listed} == official | {("interchange", root) for root in roots}


def test_every_spec_has_a_sheet_with_fields() -> None:
    found = items()
    assert {i.kind for i in found} == set(KINDS)
    empty = {i.name for i in found if not sheet(i).fields}
    assert empty == set()


def test_show_tells_key_type_reference_vocabulary_privacy_and_rules() -> None:
    told = json.loads(hub("show", "studentSchoolAssociations", "--json"))
    assert told["item"] == {
        "standard": "Ed-Fi", "version": "5.2", "kind": "association", "name": "StudentSchoolAssociation"
    }  # fmt: skip
    lines = {line["name"]: line for line in told["fields"]}
    student = lines["studentUniqueId"]
    assert (student["key"], student["required"], student["limits"]) == (True, True, "at most 32 characters")
    assert (student["references"], student["pii"]) == ("Student.studentUniqueId", "identifier")
    assert lines["entryGradeLevelDescriptor"]["vocabulary"] == "GradeLevelDescriptor"
    assert "enrollment.exit_before_entry" in {r["rule"] for r in told["rules"]}
    shown = hub("show", "StudentSchoolAssociation")
    assert max(map(len, shown.splitlines())) <= 80
    for word in ("studentUniqueId", "Student.studentUniqueId", "GradeLevelDescriptor", "[identifier]"):
        assert word in shown


def test_a_name_that_nothing_or_too_much_has_is_told_with_what_to_do() -> None:
    assert "Student" in hub("show", "Studnet", code=3)
    assert "oneroster" in hub("list", "--standard", "sif", code=3)
    assert "6.1" in hub("list", "--version", "7.0", code=3)
    assert "entity" in hub("list", "--kind", "thing", code=3)
    assert "interchange" in hub("export", "users", "--format", "xsd", "--out", "-", code=3)


# -------------------------------------------------------------------------------------------------------- JSON Schema


def test_every_json_schema_is_one(tmp_path: Path) -> None:
    made = export(tmp_path, "json-schema")
    assert len(made) == len([i for i in items() if i.kind not in ("common", "interchange") and not i.abstract])
    for path in made[::7]:  # all are made by three functions
        Draft202012Validator.check_schema(json.loads(path.read_text()))


def _row_errors(version: str, file: str, rows: list[dict[str, str]]) -> list[int]:
    said = json.loads(
        hub("export", file, "--kind", "file", "--version", version, "--format", "json-schema", "--out", "-")
    )
    judge = Draft202012Validator(said, format_checker=Draft202012Validator.FORMAT_CHECKER)
    whole = [dict.fromkeys(said["required"], "") | row for row in rows]
    return [n for n, row in enumerate(whole, start=1) if not judge.is_valid(row)]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_rows_of_clean_packages_fit_their_json_schema(version: str) -> None:
    package = clean(version)
    for file, rows in package.rows.items():
        assert _row_errors(version, file, rows) == [], file


def _of_one_cell() -> Iterator[Broken]:
    cells = ("oneroster.value.required", "oneroster.value.case", "oneroster.value.whitespace")
    for broken in BROKEN:
        by_type = broken.rule.startswith("oneroster.type.") and not broken.rule.startswith("oneroster.type.user_id")
        known = broken.rule in cells or by_type or broken.rule.startswith("oneroster.vocabulary.")
        of_data = broken.file.removesuffix(".csv") in clean(broken.version).rows
        if known and of_data and broken.rule != "oneroster.vocabulary.grade" and broken.row:
            yield broken


@pytest.mark.parametrize("broken", list(_of_one_cell()), ids=lambda b: f"{b.rule}-{b.column}")
def test_a_row_that_hub_validate_refuses_for_a_cell_does_not_fit(broken: Broken) -> None:
    package = broken.broken()
    file = broken.file.removesuffix(".csv")
    assert broken.row in _row_errors(broken.version, file, package.rows[file])


def _object_errors(version: str, collection: str, objects: list[Any]) -> list[int]:
    name = kinds(version)[collection].name
    words = ("export", name, "--kind", "object", "--version", version, "--format", "json-schema", "--out", "-")
    judge = Draft202012Validator(json.loads(hub(*words)), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [n for n, value in enumerate(objects, start=1) if not judge.is_valid(value)]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_clean_objects_fit_their_json_schema(version: str) -> None:
    for collection, objects in clean_objects(version).items():
        assert _object_errors(version, collection, objects) == [], collection


_OF_ONE_OBJECT = ("oneroster.json.", "oneroster.value.", "oneroster.type.", "oneroster.year.", "oneroster.vocabulary.")
_NOT_SAID = ("oneroster.value.too_long", "oneroster.vocabulary.grade")  # advice, no shape


@pytest.mark.parametrize(
    "broken",
    [b for b in OBJECTS if b.rule.startswith(_OF_ONE_OBJECT) and b.rule not in _NOT_SAID and not b.raw],
    ids=lambda b: f"{b.rule}-{b.column}",
)
def test_an_object_that_hub_validate_refuses_for_a_value_does_not_fit(broken: BrokenObject) -> None:
    delivery = clean_objects(broken.versions[-1])
    broken.change(delivery)
    collection = broken.file.removesuffix(".json")
    assert _object_errors(broken.versions[-1], collection, delivery[collection]) == [broken.row]


# ---------------------------------------------------------------------------------------------------------------- XSD


def test_every_xsd_compiles_and_takes_what_the_whole_schema_takes(tmp_path: Path) -> None:
    compiled = {p.stem: etree.XMLSchema(etree.parse(str(p))) for p in export(tmp_path, "xsd", "--version", "5.2")}
    assert len(compiled) == 25
    assert len(export(tmp_path, "xsd", "--version", "6.1")) == 25 + 31
    whole = etree.XMLSchema(etree.fromstring(xsd(load_shapes("5.2"))))
    for path in sorted((SCHEMAS / "sources" / "edfi-xml" / "sample").glob("*.xml")):
        document = etree.parse(str(path))
        root = etree.QName(document.getroot()).localname
        assert compiled[root].validate(document), path.name
        first = document.getroot()[0]
        first[0].tag = f"{first[0].tag}s"
        assert not compiled[root].validate(document)
        assert not whole.validate(document)


@pytest.mark.shared
def test_the_official_samples_fit_the_exported_xsds(tmp_path: Path) -> None:
    samples = sorted((SHARED / "5.2" / "samples").rglob("*.xml"), key=lambda p: p.stat().st_size)[:12]
    if not samples:
        pytest.skip("the official samples are not here")
    compiled = {p.stem: etree.XMLSchema(etree.parse(str(p))) for p in export(tmp_path, "xsd", "--version", "5.2")}
    for path in samples:
        document = etree.parse(str(path))
        compiled[etree.QName(document.getroot()).localname].assertValid(document)


# ----------------------------------------------------------------------------------------------------------------- GX


def test_great_expectations_loads_and_runs_an_exported_suite(tmp_path: Path) -> None:
    import pandas as pd

    from hub.standards.suites.expectations import quiet, suite

    [path] = export(tmp_path, "gx", "StudentSectionAssociation")
    said: dict[str, Any] = json.loads(path.read_text())
    entity = load_entities()["StudentSectionAssociation"]
    with quiet():
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        loaded = context.suites.add(gx.ExpectationSuite(**said))
        assert [e.meta["rule"] for e in loaded.expectations] == [e.rule for e in suite(entity)]
        columns = [f.name for f in entity.fields]
        frame = pd.DataFrame([dict.fromkeys(columns, "x") | {"studentUniqueId": "S" * n} for n in (3, 33)])
        batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
        asked = [
            copy(e) for e in loaded.expectations if e.meta["rule"] == "length.max" and e.column == "studentUniqueId"
        ]
        result = batch.get_batch({"dataframe": frame}).validate(gx.ExpectationSuite(name="one", expectations=asked))
    assert [r.result["unexpected_count"] for r in result.results] == [1]


# ---------------------------------------------------------------------------------------------------------------- SQL


def test_the_sql_makes_the_tables_of_the_store(tmp_path: Path) -> None:
    [path] = export(tmp_path / "out", "sql")
    with sqlite3.connect(tmp_path / "made.db") as made:
        made.executescript(path.read_text())
    made.close()
    store = open_store("sqlite", "d", load_entities(), tmp_path)
    migrate(store)
    told, kept = (inspect(create_engine(url)) for url in (f"sqlite:///{tmp_path / 'made.db'}", store.engine.url))
    tables = [n for n in kept.get_table_names() if not n.startswith("hub_") and n != "alembic_version"]
    assert sorted(told.get_table_names()) == sorted(tables)
    assert sorted(told.get_view_names()) == sorted(kept.get_view_names())
    for name in tables:
        assert [(c["name"], str(c["type"])) for c in told.get_columns(name)] == [
            (c["name"], str(c["type"])) for c in kept.get_columns(name)
        ]
        assert {i["name"] for i in told.get_indexes(name)} == {i["name"] for i in kept.get_indexes(name)}


@pytest.mark.postgres
@pytest.mark.parametrize("version", ["5.2", "6.1"])
def test_the_sql_runs_on_postgresql(postgres_url: str, tmp_path: Path, version: str) -> None:
    [path] = export(tmp_path, "sql", "--dialect", "postgresql", "--version", version)
    schema = f"told_{version.replace('.', '_')}"
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        connection.execute(text(f"SET search_path TO {schema}"))
        connection.exec_driver_sql(path.read_text())
    names = {i.name for i in items("ed-fi", version) if i.kind in ("entity", "association")}
    found = inspect(engine)
    assert len(found.get_table_names(schema=schema)) == len(found.get_view_names(schema=schema)) == len(names)
    engine.dispose()


# ----------------------------------------------------------------------------------------------------------- Markdown


def test_the_dictionary_has_a_page_for_every_spec_and_no_dead_link(tmp_path: Path) -> None:
    pages = export(tmp_path, "markdown")
    assert len(pages) == len(items()) + 6  # an index per folder
    for path in pages:
        told = path.read_text()
        links = re.findall(r"\]\(([^)]+)\)", told)
        assert path.name == "index.md" or "index.md" in links
        assert [link for link in links if not (path.parent / link).exists()] == []
    page = (tmp_path / "ed-fi-5.2" / "StudentSectionAssociation.md").read_text()
    for said in ("[Section](Section.md)", "`section.end_before_begin`", "at most 32 characters", "identifier"):
        assert said in page
