"""The rule library: complete sentences, ids that are never used twice, and a schema that says so."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
import sqlglot
import yaml
from jsonschema import Draft202012Validator
from sqlglot import exp

from hub.errors import FixConfiguration
from hub.standards.oneroster_layout import layouts
from hub.standards.rules import RULES, load_rules, rules_hash
from hub.standards.specs import load_entities
from hub.standards.suites.expectations import suite

SCHEMA = json.loads((RULES.parent / "rules.schema.json").read_text())
ENTRY = {
    "id": "made.up",
    "severity": "error",
    "authority": "Nobody",
    "sentence": "It is made up.",
    "remedy": "Ignore it.",
    "owner": "hub",
}


def write(folder: Path, name: str, **document: object) -> None:
    (folder / name).write_text(yaml.safe_dump(document))


@pytest.mark.parametrize("path", sorted(RULES.glob("*.yaml")), ids=lambda p: p.name)
def test_every_file_fits_the_schema(path: Path) -> None:
    errors = Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(path.read_text()))
    assert [f"{e.json_path}: {e.message}" for e in errors] == []


@pytest.mark.parametrize(
    "change", [{"severity": "fatal"}, {"owner": "nobody"}, {"remedy": "no full stop"}, {"id": "A.b"}]
)
def test_the_schema_refuses_what_a_reader_could_not_use(change: dict[str, str]) -> None:
    assert list(Draft202012Validator(SCHEMA).iter_errors({"rules": [ENTRY | change]}))


def test_a_check_is_a_select_over_files_of_the_standard() -> None:
    checks = [(r.id, c["rows"]) for r in load_rules().values() for c in r.check if r.id.startswith("oneroster")]
    assert len(checks) > 20
    for rule, rows in checks:
        query = sqlglot.parse_one(rows, dialect="duckdb")
        names = {t.name for t in query.find_all(exp.Table)} - {cte.alias for cte in query.find_all(exp.CTE)}
        assert isinstance(query, exp.Query), rule
        assert all(isinstance(t.this, exp.Identifier) and not t.db for t in query.find_all(exp.Table)), rule
        assert names <= layouts("1.2").keys(), rule


def test_no_rule_is_lost_between_files_and_library() -> None:
    written = [r for p in sorted(RULES.glob("*.yaml")) for r in yaml.safe_load(p.read_text()).get("rules", [])]
    assert [r.id for r in load_rules().values()] == [r["id"] for r in written]


@pytest.mark.parametrize("retired", [False, True])
def test_an_id_is_never_used_twice(tmp_path: Path, retired: bool) -> None:
    write(tmp_path, "a.yaml", rules=[ENTRY])
    write(tmp_path, "b.yaml", **({"retired": ["made.up"]} if retired else {"rules": [ENTRY]}))
    with pytest.raises(FixConfiguration, match=r"made\.up"):
        load_rules(tmp_path)


def test_the_hash_follows_the_words_and_not_the_files(tmp_path: Path) -> None:
    one, two, three = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    other = ENTRY | {"id": "made.up_too"}
    for folder in (one, two, three):
        folder.mkdir()
    write(one, "a.yaml", rules=[ENTRY, other])
    write(two, "z.yaml", rules=[other])
    write(two, "y.yaml", rules=[ENTRY])
    write(three, "a.yaml", rules=[ENTRY, other | {"severity": "warning"}])
    assert rules_hash(one) == rules_hash(two) != rules_hash(three)


def test_every_rule_that_the_code_names_is_in_the_library() -> None:
    """A text such as "csv.quote" whose first word is a family of rules must be a rule."""
    rules = load_rules()
    families = {name.partition(".")[0] for name in rules if "." in name} - {"section", "source", "grade"}
    named: dict[str, str] = {}
    for path in sorted((RULES.parents[1] / "hub").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                if (
                    "." in text
                    and text.partition(".")[0] in families
                    and text.replace(".", "_").isidentifier()
                    and not text.endswith(".")
                ):
                    named[text] = path.name
    files = ("csv", "yaml", "json", "zip", "version", "py")
    unknown = {n: p for n, p in named.items() if n not in rules and n.rpartition(".")[2] not in files}
    assert named
    assert unknown == {}


def test_every_rule_that_the_specs_name_is_in_the_library_with_the_same_severity() -> None:
    rules = load_rules()
    named = {(e.rule, e.severity) for entity in load_entities().values() for e in suite(entity)}
    assert len(named) > 20
    assert {n for n in named if n[0] not in rules or rules[n[0]].severity != n[1]} == set()
