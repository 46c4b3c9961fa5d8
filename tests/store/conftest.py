"""A store of each kind, each test with districts of its own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hub.model import Entity
from hub.store import Store, migrate, open_store

from .school import ENTITIES

_numbers = itertools.count()

Opener = Callable[..., Store]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    return "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def new_store(store_url: str, tmp_path: Path) -> Opener:
    """Call it for a migrated store of a district nobody else uses, or of the named one."""

    def make(district: str = "", entities: Mapping[str, Entity] = ENTITIES, state: Path | None = None) -> Store:
        number = next(_numbers)
        store = open_store(
            store_url, district or f"d{os.getpid()}-{number}", entities, state or tmp_path / f"state{number}"
        )
        migrate(store)
        return store

    return make
