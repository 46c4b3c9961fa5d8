"""A real `hub serve` on loopback, and real HTTP to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

CANARY = "Canaryworth"


@dataclass
class Server:
    """`parent` is where uploads lie; `log` is all that the server ever said."""

    url: str
    parent: Path
    log: Path
    process: subprocess.Popen[bytes]

    def send(self, *files: Path, headers: dict[str, str] | None = None, **fields: str) -> requests.Response:
        return self.post([("files", (f.name, f.read_bytes())) for f in files], headers, **fields)

    def post(self, files: list[Any], headers: dict[str, str] | None = None, **fields: str) -> requests.Response:
        return requests.post(
            f"{self.url}/checks", files=files, data=fields, headers=headers, allow_redirects=False, timeout=60
        )

    def report(self, *files: Path, **fields: str) -> requests.Response:
        """The page at the end of a check, as a browser without scripts comes to it."""
        answer = self.send(*files, **fields)
        assert answer.status_code == 303, answer.text
        return self.end(answer.headers["location"])

    def end(self, at: str) -> requests.Response:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            page = requests.get(f"{self.url}{at}", timeout=60)
            if "Checking the feed" not in page.text:
                return page
            time.sleep(0.2)
        raise AssertionError("the check does not end")

    def uploads(self) -> list[Path]:
        """Every file under the server's folder but its lock."""
        return [p for p in self.parent.rglob("*") if p.is_file() and p.name != "lock"]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """`hub serve` with its temporary folder under `folder`."""
    parent, log = folder / "tmp", folder / "log"
    parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "hub.cli", "serve", "--port", "0", "--json", *options]
    own = {name: value for name, value in os.environ.items() if name != "HUB_CONFIG"}  # of another test's hub
    environment = {**own, "TMPDIR": str(parent), "PYTHONWARNINGS": "default"}
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment, cwd=folder)
        try:
            yield Server(_url(process, log), parent, log, process)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) in (0, -signal.SIGKILL)


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            said = log.read_text()
            return str(json.JSONDecoder().raw_decode(said[said.index("{") :])[0]["url"])
        except ValueError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
