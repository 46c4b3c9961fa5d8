"""A dialect says what it changes, and nothing else of the folder that it extends."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import FixConfiguration
from hub.standards.vendors.folders import chain, documents, tables
from hub.standards.vendors.sources import load_source


def folder(root: Path, name: str, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / "sources" / name / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "sources" / name / path).write_text(text)


def test_a_dialect_goes_over_what_it_extends_down_to_a_name_and_null_takes_away(tmp_path: Path) -> None:
    base = "vendor: a\noptions: {x: 1, y: 2}\nstreams: {s: {columns: {c: p, d: q}}}\n"
    base += "entities: {E: {fields: {f: {text: c}}}}"
    folder(
        tmp_path, "a", {"source.yaml": base, "more.yaml": "stream: t", "crosswalks/k.csv": "code,value\n1,one\n2,two\n"}
    )
    own = "vendor: b\nextends: a\noptions: {y: null}\nstreams: {s: {columns: {d: [q, r]}}}\n"
    own += "entities: {E: {fields: {f: {date: d}}}}"
    folder(tmp_path, "b", {"source.yaml": own, "crosswalks/k.csv": "code,value\n2,zwei\n"})
    folders = chain("b", tmp_path)
    found = documents(folders)
    assert found["more.yaml"] == {"stream": "t"}
    head = found["source.yaml"]
    assert (head["vendor"], head["options"]) == ("b", {"x": 1})
    assert head["streams"]["s"]["columns"] == {"c": "p", "d": ["q", "r"]}
    assert head["entities"]["E"]["fields"] == {"f": {"date": "d"}}  # a verb is replaced, never mixed
    assert {r["code"]: r["value"] for r in tables(folders, "crosswalks")["k"]} == {"1": "one", "2": "zwei"}


def test_folders_that_extend_each_other_or_nothing_are_refused(tmp_path: Path) -> None:
    folder(tmp_path, "a", {"source.yaml": "vendor: a\nextends: b"})
    folder(tmp_path, "b", {"source.yaml": "vendor: b\nextends: a"})
    folder(tmp_path, "c", {"source.yaml": "vendor: c\nextends: nobody"})
    for name in ("a", "c", "nothing"):
        with pytest.raises(FixConfiguration, match="no vendor folder"):
            chain(name, tmp_path)


def test_a_dialect_of_oneroster_keeps_the_mapping_and_changes_how_it_is_asked() -> None:
    base, own = load_source("oneroster-rest"), load_source("classlink-oneroster")
    assert own.mappings == base.mappings
    assert own.transport["auth"] == {**base.transport["auth"], "kind": "oauth1", "signature": "HMAC-SHA256"}
    assert own.transport["paging"]["kind"] == base.transport["paging"]["kind"]
