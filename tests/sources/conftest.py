from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from hub.model import Source
from hub.standards.vendors.contract import open_folder
from hub.standards.vendors.sources import load_source
from tests.sources.building import Built, built


@pytest.fixture(scope="session")
def state_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """A vendor's sample in the school year of its golden file, built once: a dialect that only asks in another way
    has the state of the folder whose sample it is held to."""
    folder: Path = tmp_path_factory.mktemp("states")

    @cache
    def state(vendor: str) -> Built:
        held_to = open_folder(vendor)
        base = held_to.sample.parent.name
        if base != vendor and _as_read(held_to.source) == _as_read(load_source(base)):
            return state(base)
        year: int = json.loads((held_to.sample / "expected.json").read_text(encoding="utf-8"))["schoolYear"]
        return built(vendor, year, held_to.samples, folder / vendor)

    return state


def _as_read(source: Source) -> Source:
    return replace(source, vendor="", title="", transport={})
