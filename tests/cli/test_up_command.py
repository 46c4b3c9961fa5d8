"""`hub up`: Dagster's page and daemon, started, watched and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from played import Hub

from hub.commands import up
from hub.config import load, process_environment
from hub.model import Slice

MAPLE, BIRCH = Slice("maple-hollow", 2027), Slice("birch-creek", 2027)
Stores = Callable[[str], Any]


def test_up_runs_the_page_and_the_daemon_on_this_hubs_state(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(up, "together", lambda *arguments: started.append(arguments))
    told = hub("up", "--port", "34567")
    assert told.exit_code == 0
    assert "http://127.0.0.1:34567" in told.stdout
    (((page, daemon), environment),) = started
    assert page[:7] == ["dagster_webserver", "-m", "hub.definitions", "--host", "127.0.0.1", "--port", "34567"]
    assert daemon[:4] == ["dagster._daemon", "run", "-m", "hub.definitions"]
    assert environment["DAGSTER_HOME"] == str(folder / "state" / "dagster")
    assert environment["HUB_CONFIG"] == str(folder / "hub.yaml")


CHILD = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(float(sys.argv[2]))
"""
PARENT = """
import os, sys
from hub.commands.up import together
try:
    together([["child", sys.argv[1], "60"], ["child", sys.argv[2], sys.argv[3]]], dict(os.environ))
except Exception as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "ends by itself"])
def test_what_up_started_ends_with_it(how: str, tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    one, two = tmp_path / "one", tmp_path / "two"
    environment = process_environment(PYTHONPATH=f"{tmp_path}:{Path(__file__).parents[2]}")
    seconds = "0.3" if how == "ends by itself" else "60"
    command = [sys.executable, "-c", PARENT, str(one), str(two), seconds]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as parent:
        while not (one.exists() and one.read_text() and two.exists() and two.read_text()):
            time.sleep(0.05)
        pids = [int(path.read_text()) for path in (one, two)]
        if how.startswith("SIG"):
            # To its group, as a terminal or a service manager does: the parent leads none here, so each by itself.
            for pid in (*pids, parent.pid) if how == "SIGINT" else (parent.pid,):
                os.kill(pid, getattr(signal, how))
        _, told = parent.communicate(timeout=30)
    assert ("child ended by itself" in told) == (how == "ends by itself")
    assert parent.returncode == int(how == "ends by itself")
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


@pytest.mark.parametrize("url", [None, "postgresql://hub:canary@localhost/dagster"])
def test_dagster_takes_the_file_that_is_written(url: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster._core.instance.config import dagster_instance_config

    path = folder / "hub.yaml"
    if url:
        monkeypatch.setenv("MY_DAGSTER", url)
        path.write_text(path.read_text() + "dagster: {storage: {url_env: MY_DAGSTER}}\n")
    environment = up.dagster_environment(load(path, specs=folder / "schemas"))
    for name in ("DAGSTER_HOME", "HUB_DAGSTER_STORAGE"):
        if name in environment:
            monkeypatch.setenv(name, environment[name])
    found, _ = dagster_instance_config(environment["DAGSTER_HOME"])
    assert found["telemetry"] == {"enabled": False}
    assert "canary" not in (folder / "state" / "dagster" / "dagster.yaml").read_text()
    assert list(found["storage"]) == (["postgres"] if url else ["sqlite"])


def test_up_finds_out_early_that_an_alert_cannot_be_sent(hub: Hub, folder: Path) -> None:
    path = folder / "hub.yaml"
    path.write_text(path.read_text() + "alerts: {webhook: {url_env: HUB_NO_SUCH_HOOK}}\n")
    told = hub("up")
    assert told.exit_code == 3
    assert "HUB_NO_SUCH_HOOK is not set" in told.stderr


def test_up_says_which_port_is_taken(hub: Hub) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        told = hub("up", "--port", str(other.getsockname()[1]))
    assert told.exit_code == 3
    assert "choose another with --port" in told.stderr


# ---------------------------------------------------------------- progress
