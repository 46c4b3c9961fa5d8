"""One server for the tests that need no limits of their own, and the feeds they send."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import CANARY, Server, serving

sys.path.insert(0, str(Path(__file__).parents[1] / "validation"))
from oneroster_package import clean


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("serve")) as found:
        yield found


@pytest.fixture(scope="session")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A clean package and one that is broken by a canary's value."""
    folder = tmp_path_factory.mktemp("feeds")
    broken = clean("1.1")
    broken.set("orgs", 2, type=CANARY)
    broken.set("demographics", 1, birthDate=CANARY)
    return {"clean": clean("1.1").zip(folder / "clean.zip"), "broken": broken.zip(folder / "broken.zip")}
