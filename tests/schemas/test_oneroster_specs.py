"""The OneRoster specs: their grammar, and that what they name is there."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from hub.standards.oneroster_layout import layouts
from hub.standards.oneroster_objects import Property, kinds, wrappers
from hub.standards.specs import SCHEMAS, load_entities

FOLDER = SCHEMAS / "oneroster"
GRAMMAR = json.loads((SCHEMAS / "grammar.json").read_text("utf-8"))
FILES = {"csv": "csv_binding", "rest": "rest_binding", "pii": "privacy", "out": "oneroster_out"}


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))


def validator(definition: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**GRAMMAR, "$ref": f"#/$defs/{definition}"})


@pytest.mark.parametrize("name", FILES)
def test_the_files_follow_the_grammar(name: str) -> None:
    assert [f"{e.json_path}: {e.message[:200]}" for e in validator(FILES[name]).iter_errors(read(name))] == []


@pytest.mark.parametrize(
    "fault",
    [
        {"type": "text"},
        {"type": "enum", "values": ["a"]},
        {"type": "date", "required": ["1.0"]},
        {"type": "date", "x": 1},
    ],
)
def test_the_grammar_refuses(fault: dict[str, object]) -> None:
    for name, word in (("csv", "columns"), ("rest", "properties")):
        said = read(name)
        inner = next(iter(said["files" if name == "csv" else "objects"].values()))
        inner[word]["status"] = fault
        assert not validator(FILES[name]).is_valid(said)


def every(properties: tuple[Property, ...]) -> list[Property]:
    return [inner for p in properties for inner in (p, *every(p.within))]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_what_objects_name_is_there(version: str) -> None:
    files, known = layouts(version), kinds(version)
    columns = {(f.name, c.name) for v in ("1.1", "1.2") for f in layouts(v).values() for c in f.columns}
    for kind in known.values():
        for said in every(kind.properties):
            assert not said.to or said.to in known
            assert (said.kind == "reference") <= bool(said.types)
            assert (said.kind == "object") == bool(said.within), (kind.name, said.name)
            assert (said.kind == "enum") == bool(said.values), (kind.name, said.name)
        for said in kind.properties:
            assert said.column == said.name or (kind.collection, said.column) in columns, (kind.name, said.name)
            if said.file:
                there = {c.name for c in files[said.file].columns}
                assert {said.owner} <= there
                assert {p.column for p in said.within if p.column != p.name} <= there
    assert set(wrappers().values()) >= known.keys()


def test_every_classified_name_is_one_of_the_standard() -> None:
    columns = {(f.name, c.name) for v in ("1.1", "1.2") for f in layouts(v).values() for c in f.columns}
    columns |= {(k.collection, p.name) for v in ("1.1", "1.2") for k in kinds(v).values() for p in every(k.properties)}
    known = {name for _, name in columns} | {f"{file}.{name}" for file, name in columns}
    assert {name for names in read("pii").values() for name in names} - known == set()


def test_what_goes_out_names_files_columns_and_fields_that_are_there() -> None:
    said, entities = read("out"), load_entities()
    columns = {(f.name, c.name) for v in ("1.1", "1.2") for f in layouts(v).values() for c in f.columns}
    assert said["files"].keys() <= {file for file, _ in columns}
    assert {tuple(column.split(".")) for column in said["filled"]} <= columns
    for entity, fields in said["carried"].items():
        assert set(fields) <= {f.name for f in entities[entity].fields}, entity
    for crosswalk in said["crosswalks"]:
        assert f"'{crosswalk}'" in "".join([*said["tables"].values(), *said["files"].values()])
