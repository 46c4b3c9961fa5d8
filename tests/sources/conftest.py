from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from hub.standards.specs import SCHEMAS
from tests.sources.building import Built, built, sample


@pytest.fixture(scope="session")
def state_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """A vendor's sample in the school year of its golden file, built once."""
    folder: Path = tmp_path_factory.mktemp("states")

    def state(vendor: str) -> Built:
        golden = SCHEMAS / "sources" / vendor / "sample" / "expected.json"
        year: int = json.loads(golden.read_text(encoding="utf-8"))["schoolYear"]
        return built(vendor, year, sample(vendor), folder / vendor)

    return cache(state)
