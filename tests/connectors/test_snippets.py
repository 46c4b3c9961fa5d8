"""What docs/connectors.md shows can be copied: each snippet of hub.yaml is taken by its reader."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from hub.config import load

DOCUMENT = Path(__file__).parents[2] / "docs" / "connectors.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
SNIPPETS = [block for block in BLOCKS if block.startswith("sources:")]
HEAD = """\
state: ./state
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 57905
    years: [2026, 2027]
"""


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_is_taken_as_it_stands(snippet: str, tmp_path: Path) -> None:
    (tmp_path / "hub.yaml").write_text(HEAD + textwrap.indent(snippet, "    "), encoding="utf-8")
    assert load(tmp_path / "hub.yaml").districts[0].sources


def test_there_are_snippets() -> None:
    assert SNIPPETS
