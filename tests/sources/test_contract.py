"""One contract for every vendor folder under schemas/sources: what a new one must keep, and what it gets for free."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from hub.engine import connect, view
from hub.errors import AskVendor
from hub.model import Mapping, Source, Stream
from hub.standards import folders
from hub.standards.csv_files import read_header
from hub.standards.folders import vendors
from hub.standards.lists import make_lists
from hub.standards.source_state import _used_columns
from hub.standards.sources import SCHEMAS, load_source
from hub.standards.streams import empty_table
from hub.standards.tables import make_tables
from hub.standards.values import Context
from hub.standards.verbs import _VERBS
from tests.sources.building import Built, codes, entities, sample

VENDORS = vendors(SCHEMAS)
GRAMMAR = json.loads((SCHEMAS / "grammar.json").read_text())
#: Folders for whole standards read what the standard lists: a column that nothing uses is the standard's business.
OF_A_STANDARD = {
    v for v in VENDORS if any("refers" in s.options or s.format.startswith("edfi-") for s in load_source(v).streams)
}


def documents(vendor: str) -> list[Path]:
    return sorted((SCHEMAS / "sources" / vendor).glob("*.yaml"))


@cache
def grammar() -> Draft202012Validator:
    return Draft202012Validator({**GRAMMAR, "$ref": "#/$defs/source"})


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_document_follows_the_grammar(vendor: str) -> None:
    head = yaml.safe_load((SCHEMAS / "sources" / vendor / "source.yaml").read_text())
    assert head["vendor"] == vendor
    assert head["title"]
    # A dialect says a part of things: with what it extends they must be whole.
    whole = folders.documents(folders.chain(vendor, SCHEMAS))
    assert set(whole) >= {path.name for path in documents(vendor)}
    for name, document in whole.items():
        found = [f"{name} {e.json_path}: {e.message[:200]}" for e in grammar().iter_errors(_plain(document))]
        assert found == []


def test_the_grammar_knows_every_verb_and_no_other() -> None:
    heads = {branch["required"][0] for branch in GRAMMAR["$defs"]["verb"]["oneOf"][1]["anyOf"]}
    assert heads == {*_VERBS, "person"}


@pytest.mark.parametrize(
    "change", [{"authorty": 1}, {"delivery": "nightly"}, {"entities": {"X": {"fields": {"a": {"datum": "b"}}}}}]
)
def test_the_grammar_refuses_what_the_engine_would_not_read(change: dict[str, Any]) -> None:
    assert list(grammar().iter_errors({"vendor": "v", "title": "t", **change}))


@pytest.mark.parametrize("vendor", sorted(set(VENDORS) - OF_A_STANDARD))
def test_every_column_is_used_or_ignored_with_a_reason(vendor: str) -> None:
    source = load_source(vendor)
    used = _used_columns(source)
    for stream in source.streams:
        ignored = source.ignored[stream.name]
        assert set(stream.columns) - used[stream.name] - set(ignored) == set(), stream.name
        assert all(len(reason) > 9 for reason in ignored.values())
        everywhere = [c for s in source.streams for c in s.columns]
        stale = [key for key in ignored if not any(fnmatchcase(c, key) for c in everywhere)]
        assert stale == [], "a reason for a column that no layout has"


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_entity_and_field_is_in_the_specs_and_required_ones_are_given(vendor: str) -> None:
    for mapping in load_source(vendor).mappings:
        entity = entities()[mapping.entity]
        given = set(mapping.fields)
        assert given <= {f.name for f in entity.fields}, mapping.entity
        later = {f for r in entity.references if r.name in mapping.complete for f, _ in r.fields}
        wanted = {f.name for f in entity.fields if f.required} | set(entity.key)
        assert wanted - given - later == set(), mapping.entity


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_descriptor_is_known_or_in_a_declared_namespace(vendor: str) -> None:
    source = load_source(vendor)
    known = {uri for uris in codes().values() for uri in uris}
    written = {value for table in source.crosswalks.values() for value, _ in table.values()}
    written |= {cell for rows in source.lists.values() for row in rows for cell in row.values() if cell}
    written |= {const for m in source.mappings for const in _consts(m.fields)}
    for uri in sorted(w for w in written if w.startswith("uri://") and "Descriptor#" in w):
        assert uri in known or uri.startswith(source.namespaces or ("\0",)), uri


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_select_parses_and_carries_the_place_of_its_row(vendor: str) -> None:
    source = load_source(vendor)
    con = connect()
    used = _used_columns(source)
    for stream in source.streams:
        if not stream.format.startswith("edfi-"):
            empty_table(con, stream, used[stream.name])
    make_lists(con, source)
    make_tables(con, source, Context(None, source.crosswalks, source.options, FACTS), codes())
    for n, mapping in enumerate(m for m in source.mappings if m.rows and _reads_files(source, m)):
        columns = view(con, f"rows_{n}", mapping.rows).columns
        assert {"_file", "_row", "_seq"} <= set(columns), mapping.entity
    con.disconnect()


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_sample_comes_to_what_the_golden_file_says(vendor: str, state_of: Callable[[str], Built]) -> None:
    golden = SCHEMAS / "sources" / vendor / "sample" / "expected.json"
    if not golden.is_file():
        pytest.skip(f"{vendor} has no sample/expected.json yet")
    expected = json.loads(golden.read_text())
    state = state_of(vendor)
    assert outcome(state, expected["schoolYear"]) == expected
    for count in state.summary.counts:
        assert count.rows_in == count.accepted + count.held + sum(count.ignored.values())
    for rows in state.rows.values():
        assert all(row["_file"] and row["_row"] > 0 and row["_seq"] == 1 for row in rows)
    assert state.summary.unknown_files == ()


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_header_of_a_sample_is_outside_its_layout(vendor: str) -> None:
    streams = [s for s in load_source(vendor).streams if s.format == "csv"]
    for path in (p for p in sample(vendor) if p.suffix == ".csv" and streams):
        assert any(_fits(path, stream) for stream in streams), path.name


def _fits(path: Path, stream: Stream) -> bool:
    try:
        return not read_header(path, path.name, stream).unknown
    except AskVendor:
        return False


def outcome(state: Any, year: int) -> dict[str, Any]:
    """What `expected.json` keeps: rows accepted by entity, held rows by place and rule, repairs by rule."""
    entities_made = sorted({c.entity for c in state.summary.counts if c.entity})
    return {
        "schoolYear": year,
        "accepted": {e: state.counts(e)[0] for e in entities_made},
        "held": [list(h) for h in state.held],
        "repairs": state.summary.repairs,
    }


FACTS = {"schoolYear": 2026, "localEducationAgencyId": 1, "source": "contract", "today": None}


def _reads_files(source: Source, mapping: Mapping) -> bool:
    return not next(s for s in source.streams if s.name == mapping.stream).format.startswith("edfi-")


def _consts(word: Any) -> list[str]:
    if isinstance(word, dict):
        return [v for k, w in word.items() for v in ([w] if k == "const" and isinstance(w, str) else _consts(w))]
    return [v for w in word for v in _consts(w)] if isinstance(word, list) else []


def _plain(value: Any) -> Any:
    """YAML as JSON sees it: keys are texts (a bare `true:` is a boolean key in YAML)."""
    if isinstance(value, dict):
        return {str(k).lower() if isinstance(k, bool) else str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value
