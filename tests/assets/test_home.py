"""Dagster's own tables: made once, whoever comes first, and a next step where they cannot be opened."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from hub.assets.home import STORAGE_URL, opened
from hub.config import Settings, load
from hub.errors import RetryLater, Stop

OPENS = "import sys; from pathlib import Path; from hub.assets.home import opened; from hub.config import load\n"
OPENS += "with opened(load(Path(sys.argv[1]))) as instance: assert instance.get_runs_count() == 0"
AT_ONCE = 4


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def bare(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A hub whose Dagster has no tables yet."""
    if request.param == "sqlite":
        yield settings
        return
    url = request.getfixturevalue("postgres_url")
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE dagster_of_many"))
    yield kept_in(settings, url.replace("/postgres?", "/dagster_of_many?"), monkeypatch)
    with server.connect() as connection:
        connection.execute(text("DROP DATABASE dagster_of_many WITH (FORCE)"))


def kept_in(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MY_DAGSTER", url)
    monkeypatch.setenv(STORAGE_URL, url)
    settings.path.write_text(settings.path.read_text() + "dagster: {storage: {url_env: MY_DAGSTER}}\n")
    return load(settings.path)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAGSTER_HOME", "HUB_CONFIG"):
        monkeypatch.setenv(name, "")  # what a test sets ends with it


def test_processes_that_start_at_once_all_find_the_tables(bare: Settings) -> None:
    command = [sys.executable, "-c", OPENS, str(bare.path)]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(AT_ONCE)]
    told = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0] * AT_ONCE, told
    assert not any("Retrying" in each for each in told), told


def test_damaged_tables_say_what_to_move_away(settings: Settings) -> None:
    with opened(settings):
        pass
    storage = settings.state / "dagster" / "storage"
    with sqlite3.connect(storage / "schedules" / "schedules.db") as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('0123456789ab')")
    with pytest.raises(Stop, match="are damaged") as told, opened(settings):
        pass
    assert str(storage) in told.value.remedy
    storage.rename(storage.with_name("storage.away"))
    with opened(settings) as instance:
        assert instance.get_runs_count() == 0


def test_a_database_that_is_away_is_no_defect(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    away = kept_in(settings, "postgresql://hub:canary@127.0.0.1:9/dagster", monkeypatch)
    with pytest.raises(RetryLater, match="cannot be opened") as told, opened(away):
        pass
    assert "canary" not in str(told.value)
