"""OneRoster over REST says what the same roster says as CSV, night after night, from hub.yaml to the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import pipeline
from hub.config import Settings
from hub.model import Run, Slice
from hub.pipeline.source import load_outcome
from tests.connectors.hostile import Hostile, serving
from tests.connectors.oneroster_server import ENVIRONMENT, district, lists
from tests.sources.oneroster_package import (
    YEAR,
    Sent,
    State,
    Tables,
    _content,
    as_1_2,
    build,
    gradebook,
    opened,
    roster,
    write,
)

SLICE = Slice("maple-hollow", YEAR)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def server() -> Iterator[Hostile]:
    with serving(Hostile(lists(roster() | gradebook()), auth="oauth2")) as running:
        yield running


def night(settings: Settings) -> Run:
    return pipeline.sync(settings, SLICE)


def said(settings: Settings) -> dict[str, list[str]]:
    """The rows of the source's state by entity."""
    outcome = load_outcome(settings, SLICE, "sis")
    assert outcome is not None
    folder = settings.state / "work" / SLICE.district / str(YEAR) / "sis" / outcome.state
    return {p.stem: _content(p) for p in sorted(folder.glob("rows/*"))}


def by_csv(tables: Tables, folder: Path, version: str) -> State:
    return build(folder / "state", [opened(write(tables, folder / "csv", Sent(version)))])


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_rest_says_what_csv_says(tmp_path: Path, version: str) -> None:
    tables = roster() | gradebook()
    if version == "1.2":
        tables = as_1_2(tables)
    wanted = by_csv(tables, tmp_path, version)
    with serving(Hostile(lists(tables, version), auth="oauth2")) as server:
        settings = district(tmp_path, server, version)
        run = night(settings)
        assert run.status == "published", run.message
        assert said(settings) == wanted.rows
        assert night(settings).status == "unchanged"
