"""Places that hold one file of results, and misbehave all night. A night is landed; where the file has other bytes
than it should, normalized too: what they mean is seen only there."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from laws.night import RESULTS, SLICE, a_hub, a_result, as_csv, rows_of
from sftp_server import PASSWORD, Server

from hub.connectors import files
from hub.errors import AskVendor
from hub.landing import deliveries
from hub.landing.blobs import find_blob
from hub.model import SourceOutcome
from hub.pipeline.source import land_source, pull
from hub.standards.vendors.sources import load_source
from tests.connectors.hostile import CANARY
from tests.connectors.loopback import answering
from tests.connectors.s3_server import storing

NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
BODIES = {
    "html": f"<html><body>Welcome back, {CANARY}</body></html>".encode(),
    "error": f'{{"error": "{CANARY}"}}'.encode(),
    "envelope": f"Pupil,Mark\n{CANARY},3\n".encode(),
    "charset": as_csv(RESULTS, [a_result(n) for n in range(9)]).encode("utf-16"),
    "huge": as_csv(RESULTS, [a_result(n) for n in (*range(1, 10), 42)]).encode() + b"\n" * 500_000,
}


class Place:
    """`there` are the students of whom it has a result; see list_stages.Lists."""

    def __init__(self, root: Path, specs: Path, patch: pytest.MonkeyPatch, fault: str, words: dict[str, Any]) -> None:
        self.patch, self.state, self.deep = patch, "", fault in BODIES
        self.hub = a_hub(root / "hub", specs, {"tests": {"vendor": "mini-test", "delivery": "full", **words}})
        self.there = {f"{n:07d}" for n in range(1, 10)}
        self.outcome: SourceOutcome | None = None
        self.behave()

    @property
    def body(self) -> bytes:
        return as_csv(RESULTS, [a_result(int(n)) for n in sorted(self.there)]).encode()

    def put(self, body: bytes) -> None:
        raise NotImplementedError

    def add(self) -> None:
        self.there = {*self.there, "0000042"}
        self.behave()

    def behave(self) -> None:
        self.put(self.body)

    def misbehave(self, fault: str) -> None:
        self.put(BODIES[fault])

    def night(self) -> set[str]:
        source = self.hub.settings.district(SLICE.district).sources[0]
        if not self.deep:
            vendor = load_source(source.vendor, self.hub.specs)
            land_source(self.hub.settings, SLICE, source, vendor, lambda *_: None, NIGHT)
            return self.last()
        self.outcome = outcome = pull(self.hub.settings, SLICE, source, self.state, lambda *_: None, NIGHT)
        if outcome.status in ("failed", "refused"):
            raise AskVendor(outcome.message, outcome.remedy)
        self.state = outcome.state
        return self.last()

    def last(self) -> set[str]:
        if self.outcome is None:
            (file,) = deliveries(self.hub.state, SLICE, "tests")[-1].files
            body = find_blob(self.hub.state, SLICE.district, file.name, file.sha256, file.size).read_text()
            return {row["StateID"] for row in csv.DictReader(io.StringIO(body))}
        folder = self.hub.state / "work" / SLICE.district / str(SLICE.year) / "tests" / self.outcome.state
        return {row["_id.State"] for row in rows_of(folder / "rows" / "StudentAssessment.parquet")}


class _Folder(Place):
    def put(self, body: bytes) -> None:
        self.patch.undo()
        self.hub.send("tests", "results.csv", body)

    def misbehave(self, fault: str) -> None:
        if fault in BODIES:
            return super().misbehave(fault)
        plain = files.FetchedFile.open

        def opened(file: files.FetchedFile) -> Any:
            body = file.path.read_bytes()
            if fault == "500":
                file.path.unlink()
            else:  # while it is read
                file.path.write_bytes(body + body if fault == "grows" else body[: len(body) // 2])
            return plain(file)

        return self.patch.setattr(files.FetchedFile, "open", opened)


@contextmanager
def folder(tmp_path: Path, specs: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> Iterator[Place]:
    yield _Folder(tmp_path, specs, monkeypatch, fault, {})


class _Sftp(Place):
    def __init__(self, server: Any, *given: Any) -> None:
        self.server = server
        auth = {"password_env": "SFTP_PASSWORD", "host_key": server.host_key}
        super().__init__(*given, {"path": server.path("/"), "auth": auth, "timeout": 2})

    def put(self, body: bytes) -> None:
        self.patch.setenv("SFTP_PASSWORD", PASSWORD)
        self.server.behaviour.reset()
        (self.server.root / "results.csv").write_bytes(body)

    def misbehave(self, fault: str) -> None:
        if fault in BODIES:
            return super().misbehave(fault)
        if fault == "expired":
            return self.patch.setenv("SFTP_PASSWORD", "another")
        self.server.behaviour.always_cut = fault == "cut"

        def on_open(path: Path) -> None:
            if fault == "500":
                raise PermissionError(13, "Permission denied")
            if fault == "slow":
                time.sleep(0.2)
            elif fault in ("grows", "shrinks"):
                path.write_bytes(self.body * 2 if fault == "grows" else self.body[:50])

        self.server.behaviour.on_open = on_open
        return None


@contextmanager
def sftp(
    tmp_path: Path, specs: Path, monkeypatch: pytest.MonkeyPatch, fault: str, one_server: Server
) -> Iterator[Place]:
    yield _Sftp(one_server, tmp_path, specs, monkeypatch, fault)


class _S3(Place):
    def __init__(self, store: Any, *given: Any) -> None:
        self.store = store
        words = {"url": f"http://127.0.0.1:{store.server_port}", "timeout": 2}
        auth = {"access_key_env": "S3_ACCESS", "secret_key_env": "S3_SECRET"}
        super().__init__(*given, {"path": "s3://drop/out", "auth": auth, **words})

    def put(self, body: bytes) -> None:
        self.store.fault = ""
        self.store.objects = {"out/results.csv": body}

    def misbehave(self, fault: str) -> None:
        if fault in BODIES and fault not in ("html", "error"):
            return super().misbehave(fault)
        statuses = {"429": 429, "429-later": 429, "500": 500, "expired": 403}
        self.store.fault = statuses.get(fault) or {"grows": "less", "shrinks": "more"}.get(fault, fault)
        return None


@contextmanager
def s3(tmp_path: Path, specs: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> Iterator[Place]:
    monkeypatch.setenv("S3_ACCESS", "reader")
    monkeypatch.setenv("S3_SECRET", "correct-horse")
    with storing() as store:
        yield _S3(store, tmp_path, specs, monkeypatch, fault)


class _Web(BaseHTTPRequestHandler):
    """One file with a tag that never changes, whatever the bytes: the server's own breach."""

    server: Any
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        fault, body, at = self.server.fault, self.server.body, 0
        self.server.asked += 1
        statuses = {"429": 429, "429-later": 429, "500": 500, "expired": 401}
        if fault == "slow":
            time.sleep(0.6)
        if fault in ("grows", "shrinks") and self.server.asked > 1:  # another file since, by another tag
            body = body * 2 if fault == "grows" else body[:100]
        elif "Range" in self.headers:
            at = int(self.headers["Range"][6:-1])
        self.send_response(statuses.get(fault, 206 if at else 200))
        self.send_header("ETag", '"same"')
        self.send_header("Content-Length", str(len(body) - at))
        self.send_header("Content-Type", "text/html" if fault == "html" else "text/csv")
        if fault == "429-later":
            self.send_header("Retry-After", "9999")
        self.end_headers()
        cut = fault == "cut" or (fault in ("grows", "shrinks") and self.server.asked == 1)
        self.wfile.write(body[at : at + 50] if cut and self.server.asked == 1 else b"" if cut else body[at:])
        self.close_connection = True


class _Download(Place):
    def __init__(self, server: Any, *given: Any) -> None:
        self.server = server
        words = {"timeout": 0.3, "auth": {"token_env": "WEB_TOKEN"}, "transport": {"retry": {"times": 1, "backoff": 0}}}
        super().__init__(*given, {"path": f"http://127.0.0.1:{server.server_port}/results.csv", **words})

    def put(self, body: bytes) -> None:
        self.server.fault, self.server.asked, self.server.body = "", 0, body

    def misbehave(self, fault: str) -> None:
        self.put(BODIES.get(fault, self.body))
        self.server.fault = fault


@contextmanager
def download(tmp_path: Path, specs: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> Iterator[Place]:
    monkeypatch.setenv("WEB_TOKEN", "s3cret")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Web)
    with answering(server):
        yield _Download(server, tmp_path, specs, monkeypatch, fault)


STAGES = {"file": folder, "download": download, "s3": s3, "sftp": sftp}
