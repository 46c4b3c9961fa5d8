"""Law: any mutation of a clean package either keeps its meaning or is found."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import Files, packages
from oneroster_package import clean
from small_reader import read

from hub.errors import AskVendor
from hub.standards.validation import Validation, validate

#: `HUB_MUTATIONS=5000 pytest tests/validation/test_oneroster_mutations.py` looks further.
EXAMPLES = int(os.environ.get("HUB_MUTATIONS", "60"))
LAW = settings(max_examples=EXAMPLES, deadline=None, derandomize="HUB_MUTATIONS" not in os.environ, database=None,
               suppress_health_check=list(HealthCheck))  # fmt: skip


def judged(files: Files) -> Validation | None:
    """None: refused as no feed at all."""
    with TemporaryDirectory() as folder:
        for name, body in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        try:
            return validate([folder])
        except AskVendor:
            return None


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_the_small_reader_reads_a_clean_package(version: str) -> None:
    package = clean(version)
    found = read(package.files(), version)
    assert found.complaints == []
    assert {name: len(rows) for name, rows in found.tables.items()} == {n: len(r) for n, r in package.rows.items()}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@LAW
@given(data=st.data())
def test_a_mutation_keeps_the_meaning_or_is_found(version: str, data: st.DataObject) -> None:
    before, after = data.draw(packages(version))
    meaning, now = read(before, version), read(after, version)
    found = judged(after)
    rules = set() if found is None else {f.rule for f in found.findings}
    if now.complaints:
        assert found is None or rules, now.complaints
    elif now.tables == meaning.tables and now.modes == meaning.modes:
        assert found is not None
        assert rules <= {"oneroster.csv.byte_order_mark"}, rules
    else:
        assert found is not None  # it says something else, and says it well: what files say together may be found
