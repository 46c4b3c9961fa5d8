"""Whole nights over the wire: sources that are down cost themselves only, and a pull that is killed loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from laws.night import NIGHT, RESULTS, SLICE, Hub, a_hub, a_result, a_student, add_vendor, as_csv, make_specs, send_sis
from sftp_server import PASSWORD, Server, serving

from hub.config import load
from hub.engine import connect
from hub.landing import deliveries
from hub.pipeline.source import load_outcome, pull
from tests.assets.asset_hub import opened, run_night

LATER = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
_SQL = """\
transport: {kind: sql}
stream: results
format: csv
delivery: full
key: [StateID]
request:
  query: SELECT * FROM results ORDER BY "StateID"
  changes: SELECT * FROM results WHERE "Changed" >= :since ORDER BY "StateID"
  keys: SELECT "StateID" FROM results ORDER BY "StateID"
  watermark: Changed
"""


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_specs(tmp_path_factory.mktemp("specs") / "schemas")
    body = (root / "sources" / "mini-test" / "source.yaml").read_text()
    own = ("stream:", "format:", "delivery:", "vendor:", "pattern:")
    lines = [line for line in body.splitlines() if not line.startswith(own)]
    said = "\n".join(["vendor: mini-sql", *lines]).replace("Minutes]", "Minutes, Changed]") + "\n" + _SQL
    add_vendor(root, "mini-sql", said)
    return root


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "sftp").mkdir()
    with serving(tmp_path / "sftp") as found:
        yield found


def database(path: Path, *numbers: int, changed: str = "2026-10-01") -> str:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        columns = ", ".join(f'"{c}" TEXT' for c in (*RESULTS, "Changed"))
        connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS results ({columns})")
        marks = ", ".join("?" * (len(RESULTS) + 1))
        for number in numbers:
            values = (*a_result(number), changed)
            connection.exec_driver_sql('DELETE FROM results WHERE "StateID" = ?', (values[0],))
            connection.exec_driver_sql(f"INSERT INTO results VALUES ({marks})", values)
    engine.dispose()
    return f"sqlite:///{path}"


def district(
    root: Path, specs: Path, server: Server, patch: pytest.MonkeyPatch, numbers: Sequence[int] = range(1, 30)
) -> Hub:
    """A SIS, and of ten folders, ten SFTP folders and nine databases those of these numbers; n knows student n."""
    patch.setenv("SFTP_PASSWORD", PASSWORD)
    sources: dict[str, dict[str, Any]] = {"sis": {"vendor": "mini-sis", "authority": 10}}
    login = {"password_env": "SFTP_PASSWORD", "host_key": server.host_key}
    for n in numbers:
        owner = {"owner": f"Office {n} <o{n}@example.org>"}
        if n <= 10:
            sources[f"folder{n}"] = {"vendor": "mini-test", **owner}
        elif n <= 20:
            (server.root / f"out{n}").mkdir()
            (server.root / f"out{n}" / "results.csv").write_text(as_csv(RESULTS, [a_result(n)]))
            path = {"path": server.path(f"/out{n}"), "auth": login, "timeout": 5}
            sources[f"sftp{n}"] = {"vendor": "mini-test", **owner, **path}
        else:
            patch.setenv(f"DB{n}", database(root / f"{n}.db", n))
            sources[f"sql{n}"] = {"vendor": "mini-sql", **owner, "database": {"url_env": f"DB{n}"}}
    hub = a_hub(root / "hub", specs, sources)
    send_sis(hub, [a_student(n) for n in range(1, 40)])
    for n in (n for n in numbers if n <= 10):
        hub.send(f"folder{n}", "results.csv", as_csv(RESULTS, [a_result(n)]))
    return hub


def three_go_down(hub: Hub, server: Server, patch: pytest.MonkeyPatch) -> dict[str, str]:
    """A folder, an SFTP folder and a database are gone: what each must say."""
    shutil.rmtree(hub.incoming("folder4"))
    (server.root / "out15").rename(server.root / "moved15")
    patch.setenv("DB25", f"sqlite:///{hub.root}/nowhere/25.db")
    return {"folder4": "No such file", "sftp15": "cannot be read", "sql25": "database is away"}


def taken(hub: Hub) -> set[str]:
    return {row[0] for row in hub.published("StudentAssessment", "studentUniqueId")}


@pytest.mark.slow
def test_a_district_with_thirty_sources_and_three_of_them_down(
    tmp_path: Path, specs: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = district(tmp_path, specs, server, monkeypatch)
    first = hub.sync(now=NIGHT)
    assert (first.status, {o.status for o in first.sources}, len(first.sources)) == ("published", {"fresh"}, 30)
    assert taken(hub) == {f"S{n:04d}" for n in range(1, 30)}

    down = three_go_down(hub, server, monkeypatch)
    hub.send("folder1", "results2.csv", as_csv(RESULTS, [a_result(30)]))
    monkeypatch.setenv("DB29", database(tmp_path / "29.db", 31))
    second = hub.sync(now=LATER)
    told = {o.source: o for o in second.sources}
    assert second.status == "published"
    assert {name for name, outcome in told.items() if outcome.status == "failed"} == down.keys()
    for name, cause in down.items():
        number = name.lstrip("abcdefghijklmnopqrstuvwxyz")
        assert cause in told[name].message
        assert told[name].remedy.endswith(".")
        assert (told[name].received, told[name].owner) == (NIGHT, f"Office {number} <o{number}@example.org>")
    assert taken(hub) == {f"S{n:04d}" for n in range(1, 32)}, "what is published stays, and what came is there"
    page = (hub.state / "runs" / SLICE.district / str(SLICE.year) / second.id / "report.html").read_text()
    assert all(name in page and told[name].owner.split(" <")[0] in page for name in down)


@pytest.mark.slow
def test_dagster_publishes_what_came_and_tells_the_three_that_are_down(
    tmp_path: Path, specs: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = district(tmp_path, specs, server, monkeypatch, (1, 4, 11, 15, 21, 25))
    hub.sync(now=NIGHT)
    down = three_go_down(hub, server, monkeypatch)
    hub.send("folder1", "results2.csv", as_csv(RESULTS, [a_result(30)]))
    monkeypatch.setitem(load.__kwdefaults__, "specs", specs)  # each step reads hub.yaml anew
    with opened(hub.settings) as instance:
        result = run_night(hub.settings, instance, SLICE)
    failed = [str(e.step_failure_data.error) for e in result.all_events if e.is_step_failure]
    assert result.success, failed
    assert taken(hub) == {f"S{n:04d}" for n in (1, 4, 11, 15, 21, 25, 30)}
    for name, cause in down.items():
        told = load_outcome(hub.settings, SLICE, name)
        assert told is not None
        assert (told.status, told.received, cause in told.message, bool(told.owner)) == ("failed", NIGHT, True, True)


def test_a_database_over_four_nights(tmp_path: Path, specs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB", database(tmp_path / "a.db", 1, 2, 3))
    hub = a_hub(tmp_path / "hub", specs, {"tests": {"vendor": "mini-sql", "database": {"url_env": "DB"}}})
    source = hub.settings.district(SLICE.district).sources[0]

    def night() -> tuple[set[str], str]:
        outcome = pull(hub.settings, SLICE, source, "", lambda *_: None, NIGHT)
        assert outcome.status == "fresh", outcome
        folder = hub.state / "work" / SLICE.district / str(SLICE.year) / "tests" / outcome.state
        con = connect()
        rows = con.to_pyarrow(con.read_parquet(folder / "rows" / "StudentAssessment.parquet")).to_pylist()
        con.disconnect()
        counts = json.loads((folder / "state.json").read_text())["counts"]
        assert all(c["rows_in"] == c["accepted"] + c["held"] + sum(c["ignored"].values()) for c in counts)
        (last,) = deliveries(hub.state, SLICE, "tests")[-1].streams.values()
        return {row["_id.State"] for row in rows}, last.scope

    assert night() == ({"0000001", "0000002", "0000003"}, "full")
    database(tmp_path / "a.db", 3, 4, changed="2026-10-02")
    assert night() == ({"0000001", "0000002", "0000003", "0000004"}, "delta")
    with sa.create_engine(f"sqlite:///{tmp_path}/a.db", poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql('DELETE FROM results WHERE "StateID" = ?', ("0000002",))
    assert night() == ({"0000001", "0000003", "0000004"}, "delta")
    database(tmp_path / "a.db", 2, changed="2026-10-03")
    assert night() == ({"0000001", "0000002", "0000003", "0000004"}, "delta")


_PULL = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from laws.night import NIGHT, SLICE, a_hub
from hub.pipeline import source as pulling
hub = a_hub(Path({root!r}), Path({specs!r}), {sources!r})
(one,) = hub.settings.district(SLICE.district).sources
from hub.landing.journal import Journal
kept = Journal.landed
def slow(self, *args):
    kept(self, *args)
    print("landed", flush=True)
    time.sleep(0.2)
Journal.landed = slow
outcome = pulling.pull(hub.settings, SLICE, one, "", lambda *_: None, NIGHT)
print(outcome.status, flush=True)
"""


def test_a_pull_that_is_killed_goes_on_with_the_next_file(
    tmp_path: Path, specs: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFTP_PASSWORD", PASSWORD)
    for n in range(1, 9):
        (server.root / f"results{n}.csv").write_text(as_csv(RESULTS, [a_result(n)]))
    login = {"password_env": "SFTP_PASSWORD", "host_key": server.host_key}
    sources = {"tests": {"vendor": "mini-test", "path": server.path("/"), "auth": login}}
    words = {"tests": str(Path(__file__).parents[1]), "root": str(tmp_path / "hub"), "specs": str(specs)}
    command = [sys.executable, "-c", _PULL.format(**words, sources=sources)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(3):
        assert process.stdout.readline() == "landed\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    landed = tmp_path / "hub" / "state"
    assert deliveries(landed, SLICE, "tests") == []
    asked: list[str] = []
    server.behaviour.on_open = lambda path: asked.append(path.name)
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout.split()
    assert told[-1] == "fresh"
    assert 4 <= len(asked) <= 6, "at most one file that had come was asked for again"
    (delivery,) = deliveries(landed, SLICE, "tests")
    assert sorted(f.name for f in delivery.files) == [f"results{n}.csv" for n in range(1, 9)]
