"""One contract for every vendor folder under schemas/sources: what a new one must keep, and what it gets for free."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hub.standards.mapping.verbs import _VERBS
from hub.standards.specs import SCHEMAS
from hub.standards.vendors import contract
from hub.standards.vendors.contract import grammar, open_folder
from hub.standards.vendors.folders import vendors
from tests.sources.building import Built

__all__ = ["grammar", "outcome"]
VENDORS = vendors(SCHEMAS)
GRAMMAR = json.loads((SCHEMAS / "grammar.json").read_text())
_plain = contract.plain


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_document_follows_the_grammar(vendor: str) -> None:
    assert list(contract.words(vendor)) == []


def test_the_grammar_knows_every_verb_and_no_other() -> None:
    heads = {branch["required"][0] for branch in GRAMMAR["$defs"]["verb"]["oneOf"][1]["anyOf"]}
    assert heads == {*_VERBS, "person"}


@pytest.mark.parametrize(
    "change", [{"authorty": 1}, {"delivery": "nightly"}, {"entities": {"X": {"fields": {"a": {"datum": "b"}}}}}]
)
def test_the_grammar_refuses_what_the_engine_would_not_read(change: dict[str, Any]) -> None:
    assert list(grammar().iter_errors({"vendor": "v", "title": "t", **change}))


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
def test_the_folder_keeps_what_every_folder_must(check: Any, vendor: str) -> None:
    assert list(check(open_folder(vendor))) == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_sample_comes_to_what_the_golden_file_says(vendor: str, state_of: Callable[[str], Built]) -> None:
    expected = json.loads((open_folder(vendor).sample / "expected.json").read_text())
    state = state_of(vendor)
    assert outcome(state, expected["schoolYear"]) == expected
    for count in state.summary.counts:
        assert count.rows_in == count.accepted + count.held + sum(count.ignored.values())
    for rows in state.rows.values():
        assert all(row["_file"] and row["_row"] > 0 and row["_seq"] == 1 for row in rows)
    assert state.summary.unknown_files == ()


def outcome(state: Built, year: int) -> dict[str, Any]:
    return contract.outcome(state.summary, list(state.held), year)
