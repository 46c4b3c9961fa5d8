"""Too large, too slow, too many, left, stopped or killed: a clear answer, and no file that stays."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
from oneroster_package import clean
from served import Server, serving

from hub.serve.judging import OUT_OF_MEMORY, broken


def until(true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes one upload of 100 kB at a time."""
    with serving(tmp_path_factory.mktemp("tight"), "--max-size", "0.1", "--at-once", "1") as found:
        yield found


def test_what_is_too_large_is_answered_and_not_kept(tight: Server) -> None:
    large = ("files", ("feed.zip", b"x" * 150_000))
    answer = tight.post([large])
    assert (answer.status_code, "This page takes up to 100 kB" in answer.text) == (413, True)

    def unsaid() -> Iterator[bytes]:  # chunked: no length is said
        yield b'--edge\r\nContent-Disposition: form-data; name="files"; filename="feed.zip"\r\n\r\n'
        yield from (b"x" * 10_000 for _ in range(15))
        yield b"\r\n--edge--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    answer = requests.post(f"{tight.url}/checks", data=unsaid(), headers=kind, timeout=60)
    assert answer.status_code == 413
    assert tight.uploads() == []


def test_a_zip_may_not_become_more_than_ten_times_the_limit(tight: Server, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "feed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orgs.csv", "sourcedId\n" + "org-1\n" * 200_000)
    page = tight.report(tmp_path / "feed.zip")
    assert (page.status_code, "at most 1,000,000 bytes" in page.text) == (422, True)


def half(server: Server) -> socket.socket:
    """An upload that does not end."""
    host, port = server.url.removeprefix("http://").split(":")
    begun = socket.create_connection((host, int(port)))
    begun.sendall(
        b"POST /checks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n"
        b"Content-Type: multipart/form-data; boundary=edge\r\n\r\n"
        b'--edge\r\nContent-Disposition: form-data; name="files"; filename="feed.zip"\r\n\r\nPK'
    )
    return begun


def test_all_places_taken_then_one_is_left(tight: Server, feeds: dict[str, Path]) -> None:
    with half(tight):
        until(lambda: any(tight.parent.glob("hub-serve-*/tmp*")))
        answer = tight.send(feeds["clean"])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "All places are taken" in answer.text
        told = tight.send(feeds["clean"], headers={"Accept": "application/json"}).json()
        assert set(told) == {"title", "message", "remedy"}
    until(lambda: not any(tight.parent.glob("hub-serve-*/tmp*")))
    assert tight.report(feeds["clean"]).status_code == 200


def test_a_check_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    feed = tmp_path / "many.zip"
    with zipfile.ZipFile(feed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, body in clean("1.1").files().items():
            many = "".join(f"more-{n},,,School {n},school,,\n" for n in range(600_000)) if name == "orgs.csv" else ""
            package.writestr(name, body + many.encode())
    with serving(tmp_path, "--time-limit", "1") as server:
        page = server.report(feed)
        assert page.status_code == 504
        assert "stops a check after 1 second" in page.text
        until(lambda: not server.uploads())
        until(lambda: not psutil.Process(server.process.pid).children())


def test_a_check_can_be_stopped_and_a_report_deleted(server: Server, feeds: dict[str, Path]) -> None:
    at = server.send(feeds["clean"]).headers["location"]
    assert server.uploads()
    requests.post(f"{server.url}{at}/delete", timeout=60)
    until(lambda: not server.uploads())
    assert not psutil.Process(server.process.pid).children()
    assert requests.get(f"{server.url}{at}", timeout=60).status_code == 404
    page = server.report(feeds["clean"])
    requests.post(page.url.replace("/report", "/delete"), timeout=60)
    gone = [requests.get(f"{page.url}{form}", timeout=60) for form in ("", ".json", ".html")]
    assert {g.status_code for g in gone} == {404}
    assert "This report is gone" in gone[0].text


def test_a_report_goes_by_itself(tmp_path: Path, feeds: dict[str, Path]) -> None:
    with serving(tmp_path, "--keep", "0.1") as server:
        page = server.report(feeds["clean"])
        assert page.status_code == 200
        until(lambda: requests.get(page.url, timeout=60).status_code == 404)


def test_a_killed_server_takes_its_judge_along_and_the_next_one_cleans_up(
    tmp_path: Path, feeds: dict[str, Path]
) -> None:
    with serving(tmp_path) as server:
        server.send(feeds["broken"])
        until(psutil.Process(server.process.pid).children)
        judges = psutil.Process(server.process.pid).children()
        server.kill()
        until(lambda: not any(j.is_running() and j.status() != psutil.STATUS_ZOMBIE for j in judges))
        assert server.uploads()
    with serving(tmp_path) as server:
        assert requests.get(server.url, timeout=60).status_code == 200
        assert server.uploads() == []
        assert len(list(server.parent.iterdir())) == 1
    assert list(server.parent.iterdir()) == []


def test_the_judge_is_bounded_in_memory_and_the_page_says_so(tmp_path: Path, feeds: dict[str, Path]) -> None:
    job = {
        "paths": [str(feeds["clean"])], "names": ["clean.zip"], "previous": [], "previous_names": [],
        "out": str(tmp_path), "memory": 150 * 10**6, "seconds": 60, "unpacked": 10**9,
        "profile": "strict", "standard": None, "version": None, "kind": None, "show_values": False,
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "hub.commands.judging"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as judge:
        assert judge.stdin is not None
        judge.stdin.write(json.dumps(job).encode() + b"\n")
        judge.stdin.flush()
        code = judge.wait(timeout=60)
    assert code == OUT_OF_MEMORY or code < 0
    assert broken(code).title == "The check needs too much memory"
