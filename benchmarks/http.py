"""`python -m benchmarks.http`: lists over HTTP, landed whole, beside bare `requests` that reads the same pages.

The server runs in a process of its own and its CPU is nobody's. Goal: at least 0.7 times the rows per second of
`requests` with `.json()`, and memory that stays flat while the list grows tenfold.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[1]
SIZE = 500  # rows a page


def serve(rows: int) -> None:
    """A list by offset, every row an enrollment of some 450 bytes; prints its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            start, limit = int(query["offset"][0]), int(query["limit"][0])
            items = b",".join(row % n for n in range(start, min(start + limit, rows)))
            body = b'{"enrollments":[' + items + b"]}"
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)

    base = "https://sis.example.org/ims/oneroster/v1p1"
    ends = {n: {"href": f"{base}/{n}/x-42", "sourcedId": "x-42", "type": n} for n in ("user", "class", "school")}
    days = {"dateLastModified": "2026-09-01T00:00:00.000Z", "beginDate": "2026-08-24", "endDate": "2027-06-12"}
    row = json.dumps({"sourcedId": "e-%09d", "status": "active", "role": "student", **ends, **days}).encode()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def bare(url: str) -> int:
    """What anyone has to do: ask for each page and read it."""
    import requests

    rows = 0
    with requests.Session() as session:
        while items := session.get(f"{url}/enrollments", {"limit": SIZE, "offset": rows}).json()["enrollments"]:
            rows += len(items)
    return rows


def hub(url: str) -> int:
    """The connector with all its checks, and the landing with its journal."""
    from hub.connectors import Pull, fetch
    from hub.landing import journal, land
    from hub.model import Slice, Stream

    options = {"request": {"path": "enrollments"}, "items": "enrollments", "key": ["id"], "paths": {"id": "sourcedId"}}
    paging = {"kind": "offset", "size": SIZE}
    words = {"kind": "http", "url": url, "paging": paging, "per_second": 100_000}
    slice, now = Slice("maple-hollow", 2027), datetime.now(UTC)
    pull = Pull("sis", slice, words, (Stream("enrollments", "json", "", "full", ("id",), options),))
    with tempfile.TemporaryDirectory() as state, journal(Path(state), slice, "sis", "", now) as kept:
        landed = land(Path(state), slice, "sis", fetch(pull), now, journal=kept)
        assert landed is not None
        return kept.positions["enrollments"]["rows"]


def measured(who: str, url: str) -> tuple[int, float, float, float]:
    """Rows, seconds, CPU seconds and peak MB of `who` in a fresh process."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.http", who, url], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    rows = int(child.stdout.read())
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return rows, time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main(rows: int = 40_000) -> None:
    """Prints both at `rows` and at ten times as many, and what the nine tenths between cost: starts cancel out."""
    found: dict[str, list[tuple[int, float, float, float]]] = {"bare": [], "hub": []}
    for count in (rows, 10 * rows):
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.http", "serve", str(count)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        try:
            for who, runs in found.items():
                runs.append(measured(who, url))
                print(
                    f"{who:5} {runs[-1][0]:9,} rows {runs[-1][1]:7.2f} s {runs[-1][2]:7.2f} CPU s {runs[-1][3]:6.0f} MB"
                )
        finally:
            server.kill()
            server.wait()
    seconds, cpu = ({w: r[1][k] - r[0][k] for w, r in found.items()} for k in (1, 2))
    print(f"rows/s {seconds['bare'] / seconds['hub']:.2f}x of bare requests (goal 0.7)")
    print(f"by CPU {cpu['bare'] / cpu['hub']:.2f}x")
    print(f"memory at ten times the rows {found['hub'][1][3] / found['hub'][0][3]:.2f}x")


if __name__ == "__main__":
    words = sys.argv[1:]
    if words and words[0] in ("bare", "hub"):
        print({"bare": bare, "hub": hub}[words[0]](words[1]))
    elif words and words[0] == "serve":
        serve(int(words[1]))
    else:
        main(*(int(word) for word in words))
