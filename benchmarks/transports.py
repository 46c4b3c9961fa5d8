"""`python -m benchmarks.transports [KIND ...]`: each transport with its checks, the landing and the journal, beside the
bare client library that reads the same and keeps it in a file.

Server and client are processes of their own; only the client's CPU counts, and what is read is read twice: the rows,
and ten times as many. The nine tenths between are what is compared, so starts cancel out. Goal: at least 0.7 times
the rows per second, and memory that stays flat.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.transport_servers import SERVERS

ROOT = Path(__file__).resolve().parents[1]
SIZE = 500  # rows a page
REPEATS = 3  # the best counts: others use the machine too
ROWS = {"http": 40_000, "sql": 100_000, "s3": 150_000}  # of files in fewer rows nothing could be measured
SECRETS = {"USER": "drop", "PASSWORD": "correct horse", "ACCESS": "drop-reader", "SECRET": "correct-horse"}


def bare_http(words: dict[str, Any], to: Path) -> None:
    """What anyone has to do: ask for each page, see what is on it, keep it."""
    import requests

    rows = 0
    with requests.Session() as session, (to / "file").open("wb") as out:
        while True:
            answer = session.get(f"{words['url']}/rows", {"limit": SIZE, "offset": rows})
            if not (items := answer.json()["rows"]):
                break
            out.write(answer.content)
            rows += len(items)


def bare_download(words: dict[str, Any], to: Path) -> None:
    import requests

    with requests.get(words["path"], stream=True, verify=words["tls"]["ca"]) as answer, (to / "file").open("wb") as out:
        for part in answer.iter_content(1 << 20):
            out.write(part)


def bare_sftp(words: dict[str, Any], to: Path) -> None:
    import paramiko

    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect("127.0.0.1", words["port"], SECRETS["USER"], SECRETS["PASSWORD"], look_for_keys=False)
        client.open_sftp().get("/rows.csv", str(to / "file"))


def bare_s3(words: dict[str, Any], to: Path) -> None:
    from pyarrow import fs

    host = words["url"].removeprefix("http://")
    store = fs.S3FileSystem(
        access_key=SECRETS["ACCESS"], secret_key=SECRETS["SECRET"], endpoint_override=host, scheme="http", region="x"
    )
    with store.open_input_stream("drop/rows.csv") as source, (to / "file").open("wb") as out:
        while part := source.read(1 << 20):
            out.write(part)


def bare_sql(words: dict[str, Any], to: Path) -> None:
    """SQLAlchemy's rows as Arrow, written as CSV."""
    import pyarrow as pa
    import pyarrow.csv
    import sqlalchemy as sa

    engine = sa.create_engine(words["address"], poolclass=sa.NullPool)
    with engine.connect() as connection, (to / "file").open("wb") as out:
        result = connection.execution_options(yield_per=50_000).execute(sa.text(words["query"]))
        for part in result.partitions():
            columns = dict(zip(result.keys(), zip(*part, strict=True), strict=True))
            pa.csv.write_csv(pa.table({k: pa.array(v).cast(pa.string()) for k, v in columns.items()}), out)


BARE = {"http": bare_http, "download": bare_download, "sftp": bare_sftp, "s3": bare_s3, "sql": bare_sql}


def hub(words: dict[str, Any], to: Path) -> None:
    """The connector, and the landing with its journal."""
    from hub.connectors import Left, Pull, fetch
    from hub.landing import journal, land
    from hub.model import Slice, Stream

    said, options = dict(words), {"items": "rows", "key": ["id"], "paths": {"id": "sourcedId"}}
    query = {"query": said.pop("query")} if "query" in said else {}
    request = {"path": "rows", **query}
    secrets = SECRETS | {"DATABASE": said.pop("address", "")}
    said.pop("port", None)
    slice, now = Slice("maple-hollow", 2027), datetime.now(UTC)
    streams = (Stream("rows", "json", "", "full", ("id",), {**options, "request": request}),)
    pull = Pull("sis", slice, said, streams, lambda name, key: secrets[name])
    with journal(to, slice, "sis", "", now) as kept:
        pieces = (piece for piece in fetch(pull) if not isinstance(piece, Left))
        assert land(to, slice, "sis", pieces, now, journal=kept) is not None


def measured(who: str, kind: str, words: dict[str, Any]) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak MB of `who` in a fresh process. What it wrote is removed after it has ended."""
    to = tempfile.mkdtemp()
    try:
        started = time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.transports", who, kind, json.dumps(words), to]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert child.stdout is not None
        peak = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0, f"{who} {kind}"
        return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, int(peak) / 1024
    finally:
        shutil.rmtree(to)


def compared(kind: str, rows: int) -> str:
    """One row of the table: what both took for nine tenths of ten times the rows."""
    took: dict[str, list[tuple[float, ...]]] = {"bare": [], "hub": []}
    for count in (rows, 10 * rows):
        with SERVERS[kind](count) as words:
            runs = [{who: measured(who, kind, words) for who in took} for _ in range(REPEATS)]
        for who, best in took.items():
            best.append(tuple(map(min, zip(*(run[who] for run in runs), strict=True))))
    (wall, cpu) = ({who: max(runs[1][k] - runs[0][k], 1e-6) for who, runs in took.items()} for k in (0, 1))
    memory = f"{took['hub'][0][2]:.0f} and {took['hub'][1][2]:.0f} MB"
    rate = f"{9 * rows / cpu['hub']:,.0f} and {9 * rows / cpu['bare']:,.0f}"
    ratios = f"{cpu['bare'] / cpu['hub']:.2f}x | {wall['bare'] / wall['hub']:.2f}x"
    return f"| {kind} | {10 * rows:,} | {rate} | {ratios} | {memory} |"


def lines(kinds: list[str]) -> Iterator[str]:
    yield "| transport | rows | rows per CPU second: hub, bare | by CPU | by the clock | memory at a tenth, at all |"
    yield "|---|---|---|---|---|---|"
    for kind in kinds:
        yield compared(kind, ROWS.get(kind, 400_000))


if __name__ == "__main__":
    given = sys.argv[1:]
    if given and given[0] in ("bare", "hub"):
        (BARE[given[1]] if given[0] == "bare" else hub)(json.loads(given[2]), Path(given[3]))
        # Its own: ru_maxrss begins with what the parent held when it was forked.
        print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    else:
        for line in lines([word for word in given if word in BARE] or list(BARE)):
            print(line, flush=True)
