"""Whole nights: the real path on a tiny district, in Dagster's real storage, and the sensors that look at it."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from asset_hub import MAPLE, a_run, opened, run_night
from pytest_httpserver import HTTPServer
from sqlalchemy import create_engine, text

from hub import pipeline, store
from hub.assets import nightly
from hub.assets.record import RUN_TAG
from hub.assets.slices import Hub
from hub.config import Settings, load
from hub.demo.district import Plan, write_night
from hub.model import SourceOutcome

CANARY = "Quetzalinda-31"
TINY = Plan(40, 1)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the SIS and MAP Growth sent: one birth date and one score are no such thing but a canary."""
    folder = tmp_path_factory.mktemp("sent")
    write_night(TINY, folder, 1)
    package = folder / "sis" / "oneroster.zip"
    with zipfile.ZipFile(package) as members:
        files = {name: members.read(name) for name in members.namelist()}
    lines = files["demographics.csv"].split(b"\n")
    names = lines[0].rstrip(b"\r").split(b",")
    row = lines[1].split(b",")
    row[names.index(b"birthDate")] = CANARY.encode()
    files["demographics.csv"] = b"\n".join([lines[0], b",".join(row), *lines[2:]])
    with zipfile.ZipFile(package, "w") as members:
        for name, data in files.items():
            members.writestr(name, data)
    return folder


@pytest.fixture
def ready(settings: Settings, sent: Path) -> Settings:
    """hub.yaml's folders filled."""
    shutil.copytree(sent / "sis", settings.path.parent / "incoming" / "2027" / "sis")
    shutil.copytree(sent / "map", settings.path.parent / "incoming" / "map")
    return settings


def on_disk(folder: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.slow
def test_a_night_in_dagster_is_hub_sync_in_tens_of_events_without_a_value(
    ready: Settings, sent: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(ready) as instance:
        result = run_night(ready, instance)
        events = instance.all_logs(result.run_id)
        dagster_run = instance.get_run_by_id(result.run_id)
    assert result.success
    assert dagster_run is not None
    assert len(events) < 100
    (run,) = store.runs(pipeline.open_store(ready, "maple-hollow"), 2027)
    assert (run.status, run.id) == ("published", dagster_run.tags[RUN_TAG])
    assert sum(h.rows for h in run.held if h.rule == "type.date") == 1  # the canary
    told = b"".join(on_disk(ready.state / "dagster"))
    for value in (CANARY, *names_in(sent)):
        assert value.encode() not in told
        assert value not in "".join(capfd.readouterr())
    again = pipeline.sync(ready, MAPLE)
    assert again.status == "unchanged"


def names_in(sent: Path) -> list[str]:
    """E-mail addresses of ten students: each holds both names and the local id."""
    with zipfile.ZipFile(sent / "sis" / "oneroster.zip") as members:
        head, *rows = members.read("users.csv").decode().splitlines()
    column = head.split(",").index("email")
    return [row.split(",")[column] for row in rows[:10]]


@pytest.mark.postgres
@pytest.mark.slow
def test_dagster_keeps_its_history_in_postgresql(
    ready: Settings, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE dagster_history"))
    server.dispose()
    address = postgres_url.replace("/postgres?", "/dagster_history?")
    monkeypatch.setenv("HUB_TEST_DAGSTER", address)
    ready.path.write_text(ready.path.read_text() + "dagster: {storage: {url_env: HUB_TEST_DAGSTER}}\n")
    settings = load(ready.path)
    with opened(settings) as instance:
        result = run_night(settings, instance)
        instance.dispose()
    assert result.success
    history = create_engine(address)
    with history.connect() as connection:
        stored = connection.execute(text("SELECT count(*) FROM event_logs WHERE run_id = :run"), {"run": result.run_id})
        assert stored.scalar_one() > 20
        assert connection.execute(text("SELECT status FROM runs")).scalars().all() == ["SUCCESS"]
    history.dispose()
    assert address.encode() not in b"".join(on_disk(settings.state / "dagster"))


# ---------------------------------------------------------------- sensors, on nights that are played


@pytest.fixture
def hook(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    monkeypatch.setenv("HUB_TEST_WEBHOOK", httpserver.url_for("/hook"))
    httpserver.expect_request("/hook").respond_with_data("ok")
    return httpserver


def broken(*_: object) -> None:
    raise ValueError(CANARY)


def titles(hook: HTTPServer) -> list[str]:
    return [request.get_json()["title"] for request, _ in hook.log]


def test_a_held_publish_and_a_failed_source_are_told(
    settings: Settings, instance: dg.DagsterInstance, hook: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = SourceOutcome("sis", "oneroster-csv", "failed", "The folder is away.", "Mount it.", "SIS office")
    monkeypatch.setattr(pipeline, "pull", lambda *_: replace(away, status="refused"))
    opened_store = pipeline.open_store(settings, "maple-hollow")

    def publish(*_: object, **__: object) -> object:
        run = a_run(status="held", message="Too much would go.", sources=(away,))
        store.record_run(opened_store, run)
        return run

    monkeypatch.setattr(pipeline, "publish_record", publish)
    result = run_night(settings, instance)
    look(nightly.alert_who_must_act, result, settings, instance, failed=False)
    assert sorted(titles(hook)) == ["Source failed", "The guard waits for a decision"]


def test_a_run_that_stopped_is_told(
    settings: Settings, instance: dg.DagsterInstance, hook: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "pull", broken)
    result = run_night(settings, instance)
    assert not result.success
    look(nightly.alert_run_failed, result, settings, instance, failed=True)
    assert titles(hook) == ["The run stopped"]
    body = hook.log[0][0].get_json()
    assert "A defect of the hub" in body["sentence"]
    assert CANARY not in str(body)


def test_a_night_that_stopped_at_its_store_is_told(
    settings: Settings, instance: dg.DagsterInstance, hook: HTTPServer
) -> None:
    damage_store(settings)
    result = run_night(settings, instance)
    look(nightly.alert_run_failed, result, settings, instance, failed=True)
    assert titles(hook) == ["The run stopped"]
    assert "maple-hollow.db is damaged" in hook.log[0][0].get_json()["sentence"]


def test_a_night_whose_store_is_gone_when_it_is_looked_at_is_told(
    ready: Settings, instance: dg.DagsterInstance, hook: HTTPServer
) -> None:
    result = run_night(ready, instance)
    assert result.success
    damage_store(ready)
    look(nightly.alert_who_must_act, result, ready, instance, failed=False)
    assert titles(hook) == ["The run cannot be looked at"]
    body = hook.log[0][0].get_json()
    assert "maple-hollow.db is damaged" in body["sentence"]
    assert body["command"] == f"hub report {body['run']}"


def damage_store(settings: Settings) -> None:
    file = settings.state / "store" / "maple-hollow.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"this was a database once" * 99)
    for left in file.parent.glob("maple-hollow.db-*"):
        left.unlink()


def test_an_alert_that_cannot_be_sent_fails_its_tick(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUB_TEST_WEBHOOK", raising=False)
    monkeypatch.setattr(pipeline, "pull", broken)
    result = run_night(settings, instance)
    with pytest.raises(dg.Failure, match="HUB_TEST_WEBHOOK"):
        look(nightly.alert_run_failed, result, settings, instance, failed=True)


def look(
    sensor: dg.RunStatusSensorDefinition,
    result: dg.ExecuteInProcessResult,
    settings: Settings,
    instance: dg.DagsterInstance,
    *,
    failed: bool,
) -> None:
    """What the daemon does with a run that has ended."""
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    last = result.get_run_failure_event() if failed else result.get_run_success_event()
    context = dg.build_run_status_sensor_context(
        sensor.name,
        dagster_event=last,
        dagster_instance=instance,
        dagster_run=run,
        resources={"hub": Hub(config=str(settings.path))},
    )
    sensor(context.for_run_failure() if failed else context)
