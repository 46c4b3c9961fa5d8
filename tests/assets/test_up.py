"""`hub up` as a person meets it: the page, the schedule, a run in processes of its own, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from hub import pipeline, store
from hub.config import Settings, process_environment
from hub.demo.district import Plan, write_night

ASSETS = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } "
ASSETS += "assetNodes { assetKey { path } } schedules { name scheduleState { status } } "
ASSETS += "sensors { name sensorState { status } } } } } }"
LAUNCH = """mutation ($selector: JobOrPipelineSelector!, $tags: [ExecutionTag!]) {
  launchPipelineExecution(executionParams: {selector: $selector, executionMetadata: {tags: $tags}, runConfigData: "{}"})
  { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_hub_up_shows_the_assets_runs_a_night_and_stops_clean(settings: Settings, tmp_path: Path) -> None:
    write_night(Plan(40, 1), tmp_path / "sent", 1)
    (tmp_path / "incoming" / "2027").mkdir(parents=True)
    (tmp_path / "sent" / "sis").rename(tmp_path / "incoming" / "2027" / "sis")
    (tmp_path / "sent" / "map").rename(tmp_path / "incoming" / "map")
    settings.path.write_text("".join(x for x in settings.path.read_text().splitlines(True) if "alerts" not in x))
    port = free_port()
    command = [sys.executable, "-m", "hub.cli", "up", "--port", str(port), "--config", str(settings.path)]
    environment = process_environment(PYTHONWARNINGS="ignore")
    with (tmp_path / "log").open("wb") as log:
        hub = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=tmp_path, start_new_session=True)
        try:
            ask = Page(port, hub, tmp_path / "log")
            (repository,) = ask.until(lambda: ask(ASSETS)["repositoriesOrError"].get("nodes"), 120)
            assert {"/".join(n["assetKey"]["path"]) for n in repository["assetNodes"]} == {
                "sources/sis", "sources/map", "record", "published", "report"
            }  # fmt: skip
            assert [(s["name"], s["scheduleState"]["status"]) for s in repository["schedules"]] == [
                ("nightly", "RUNNING")
            ]
            assert {s["sensorState"]["status"] for s in repository["sensors"]} == {"RUNNING"}
            selector = {
                "repositoryName": repository["name"],
                "repositoryLocationName": repository["location"]["name"],
                "pipelineName": "nightly",
            }
            tags = [{"key": "dagster/partition", "value": "maple-hollow|2027"}]
            launched = ask(LAUNCH, selector=selector, tags=tags)["launchPipelineExecution"]
            assert launched["__typename"] == "LaunchRunSuccess", launched
            ended = ("SUCCESS", "FAILURE", "CANCELED")
            id_ = launched["run"]["runId"]
            status = ask.until(lambda: (s := ask(STATUS, id=id_)["runOrError"]["status"]) in ended and s, 240)
            assert status == "SUCCESS"
            descendants = psutil.Process(hub.pid).children(recursive=True)
            listening = {c.laddr.ip for p in (*descendants, psutil.Process(hub.pid)) for c in p.net_connections("inet")}
            assert listening <= {"127.0.0.1"}
        finally:
            os.killpg(hub.pid, signal.SIGINT)  # as Ctrl-C in a terminal
            code = hub.wait(60)
    assert code == 0, (tmp_path / "log").read_text()[-2000:]
    assert not [p for p in psutil.wait_procs(descendants, 30)[1] if p.status() != psutil.STATUS_ZOMBIE]
    (run,) = store.runs(pipeline.open_store(settings, "maple-hollow"), 2027)
    assert run.status == "published"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Page:
    """Asks the page's GraphQL."""

    def __init__(self, port: int, hub: subprocess.Popen[bytes], log: Path) -> None:
        self.url, self.hub, self.log = f"http://127.0.0.1:{port}/graphql", hub, log

    def __call__(self, query: str, **variables: Any) -> Any:
        answer = requests.post(self.url, json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def until(self, question: Callable[[], Any], seconds: float) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.hub.poll() is None, self.log.read_text()[-2000:]
            try:
                if found := question():
                    return found
            except requests.ConnectionError:
                pass
            time.sleep(0.5)
        raise AssertionError(f"not within {seconds} s: {self.log.read_text()[-2000:]}")
