"""Landing: what comes in is what comes out, once, whoever is killed and whoever else lands."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import RetryLater, Stop
from hub.landing import Delivery, deliveries, journal, land, open_files
from hub.landing.blobs import blob_path
from hub.model import Slice, StreamEnd

SLICE = Slice("maple-hollow", 2027)
NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)

NAMES = st.text("abcdefgh.-_ é", min_size=1, max_size=12).map(lambda name: f"{name}.csv")
CONTENT = st.binary(max_size=200).filter(lambda content: content[:4] not in (b"PK\x03\x04", b"PK\x05\x06"))
SETS = st.dictionaries(NAMES, CONTENT, min_size=1, max_size=5)


@dataclass(frozen=True)
class InMemory:
    name: str
    content: bytes
    stream: str = ""
    position: object = None

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content)


def files(content: dict[str, bytes]) -> list[InMemory]:
    return [InMemory(name, body) for name, body in content.items()]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@given(SETS)
@settings(deadline=None)
def test_reading_back_gives_the_bytes_that_were_landed(content: dict[str, bytes]) -> None:
    with TemporaryDirectory() as folder:
        state = Path(folder)
        delivery = land(state, SLICE, "sis", files(content), NIGHT)
        assert delivery is not None
        opened = open_files(state, delivery, state / "work")
        assert {file.name: file.path.read_bytes() for file in opened} == content
        assert all(sha256(content[file.name]).hexdigest() == file.sha256 for file in opened)
        assert deliveries(state, SLICE, "sis") == [delivery]


@given(SETS, st.booleans())
@settings(deadline=None)
def test_landing_twice_changes_no_file(content: dict[str, bytes], only_new: bool) -> None:
    with TemporaryDirectory() as folder:
        state = Path(folder)
        first = land(state, SLICE, "sis", files(content), NIGHT, only_new=only_new)
        before = tree(state)
        again = land(state, SLICE, "sis", reversed(files(content)), datetime.now(UTC), only_new=only_new)
        assert first is not None
        assert again is not None
        assert (again.repeated, again.seq, again.hash, again.received) == (True, 1, first.hash, NIGHT)
        assert tree(state) == before


@given(st.lists(SETS, min_size=1, max_size=5))
@settings(deadline=None)
def test_with_only_new_each_file_is_delivered_once(nights: list[dict[str, bytes]]) -> None:
    with TemporaryDirectory() as folder:
        state = Path(folder)
        for content in nights:
            land(state, SLICE, "map", files(content), NIGHT, only_new=True)
        landed = [(f.name, f.sha256) for d in deliveries(state, SLICE, "map") for f in d.files]
        sent = {(name, sha256(body).hexdigest()) for content in nights for name, body in content.items()}
        assert sorted(landed) == sorted(sent)


def test_a_set_that_returns_after_another_is_a_new_delivery(tmp_path: Path) -> None:
    for body in (b"a", b"b", b"a"):
        land(tmp_path, SLICE, "sis", files({"users.csv": body}), NIGHT)
    assert [d.seq for d in deliveries(tmp_path, SLICE, "sis")] == [1, 2, 3]


def test_no_files_are_no_delivery(tmp_path: Path) -> None:
    assert land(tmp_path, SLICE, "sis", [], NIGHT) is None
    assert deliveries(tmp_path, SLICE, "sis") == []


def test_districts_years_and_sources_lie_apart(tmp_path: Path) -> None:
    one = files({"users.csv": b"same"})
    for slice, source in ((SLICE, "sis"), (SLICE, "lms"), (Slice("birch", 2027), "sis"), (Slice("birch", 2026), "sis")):
        delivery = land(tmp_path, slice, source, one, NIGHT)
        assert delivery is not None
        assert not delivery.repeated
    digest = sha256(b"same").hexdigest()
    assert blob_path(tmp_path, "birch", digest).exists()
    assert blob_path(tmp_path, SLICE.district, digest).exists()


def test_a_file_that_grows_while_it_is_read_is_not_landed(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Growing(InMemory):
        def open(self) -> BinaryIO:
            return io.BytesIO(self.content + b"more")

    with pytest.raises(RetryLater, match=r"users\.csv changed while it was read"):
        land(tmp_path, SLICE, "sis", [Growing("users.csv", b"some")], NIGHT)
    assert tree(tmp_path) == {}


def test_lost_bytes_stop_the_run(tmp_path: Path) -> None:
    delivery = land(tmp_path, SLICE, "sis", files({"users.csv": b"some"}), NIGHT)
    assert delivery is not None
    blob_path(tmp_path, SLICE.district, delivery.files[0].sha256).unlink()
    with pytest.raises(Stop, match=r"users\.csv .* missing or damaged"):
        open_files(tmp_path, delivery, tmp_path / "work")


def test_a_damaged_manifest_stops_the_run(tmp_path: Path) -> None:
    land(tmp_path, SLICE, "sis", files({"users.csv": b"some"}), NIGHT)
    (tmp_path / "landing/maple-hollow/2027/sis/000001.json").write_text('{"seq": 1')
    with pytest.raises(Stop, match=r"000001\.json is damaged"):
        deliveries(tmp_path, SLICE, "sis")


def _land_many(state: Path, worker: int) -> None:
    for night in range(10):
        land(state, SLICE, "sis", files({"users.csv": f"{night} {worker}".encode(), "orgs.csv": b"same"}), NIGHT)


def test_two_processes_that_land_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_land_many, args=(tmp_path, n)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    landed = deliveries(tmp_path, SLICE, "sis")
    assert [d.seq for d in landed] == list(range(1, 21))
    read = {file.path.read_text() for d in landed for file in open_files(tmp_path, d, tmp_path / "w")}
    assert read == {f"{night} {worker}" for night in range(10) for worker in range(2)} | {"same"}


_ENDLESS = """
import io, itertools, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_landing_laws import InMemory, SLICE
from hub.landing import land
print("ready", flush=True)
for n in itertools.count():
    land(Path({state!r}), SLICE, "sis", [InMemory("users.csv", f"{{n}},".encode() * 300_000)], datetime.now(UTC))
"""


def test_a_kill_leaves_no_half_blob_and_no_half_manifest(tmp_path: Path) -> None:
    script = _ENDLESS.format(tests=str(Path(__file__).parent), state=str(tmp_path))
    for wait in (0.01, 0.05, 0.11):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(wait)
            os.kill(process.pid, signal.SIGKILL)
        for path in (tmp_path / "landing/maple-hollow/blobs").glob("??/*"):
            assert sha256(path.read_bytes()).hexdigest() == path.name
        for delivery in deliveries(tmp_path, SLICE, "sis"):
            assert open_files(tmp_path, delivery, tmp_path / "work")


def test_what_a_killed_landing_left_is_swept_after_a_day(tmp_path: Path) -> None:
    blobs = tmp_path / "landing/maple-hollow/blobs"
    blobs.mkdir(parents=True)
    old, young = blobs / ".partial-old", blobs / ".partial-young"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (0, 0))
    land(tmp_path, SLICE, "sis", files({"users.csv": b"some"}), NIGHT)
    assert (old.exists(), young.exists()) == (False, True)


class CutOff(Exception):
    pass


PAGES = [InMemory(f"users/{n:06}.json", f"page {n}".encode(), "users", {"page": n}) for n in range(1, 6)]


def pulled(
    state: Path, pages: list[InMemory], asked: str = "users", now: datetime = NIGHT, after: int = 0
) -> tuple[Delivery, list[str]]:
    """One pull that the other side cuts off after so many pages, or ends when `after` is 0."""
    asked_for: list[str] = []
    with journal(state, SLICE, "sis", asked, now) as kept:
        start = kept.positions.get("users", {"page": 0})["page"]

        def pieces() -> Iterator[InMemory | StreamEnd]:
            for page in pages[start:] if "users" not in kept.ends else []:
                if after and len(asked_for) == after:
                    raise CutOff
                asked_for.append(page.name)
                yield page
            yield StreamEnd("users", "full", {"changed": "2026-11-22"})

        delivery = land(state, SLICE, "sis", pieces(), now, journal=kept)
        kept.forget()
    assert delivery is not None
    return delivery, asked_for


@given(st.lists(st.integers(1, 3), max_size=5))
@settings(deadline=None)
def test_a_pull_that_is_cut_off_goes_on_and_lands_each_page_once(cuts: list[int]) -> None:
    with TemporaryDirectory() as folder:
        state = Path(folder)
        for after in cuts:
            if len(deliveries(state, SLICE, "sis")):
                break
            with suppress(CutOff):
                pulled(state, PAGES, after=after)
        pulled(state, PAGES)
        (first, *_) = deliveries(state, SLICE, "sis")
        assert [f.name for f in first.files] == [page.name for page in PAGES]
        assert first.streams == {"users": StreamEnd("users", "full", {"changed": "2026-11-22"})}
        assert all(f.stream == "users" for f in first.files)


@pytest.mark.parametrize(("asked", "now"), [("users since", NIGHT), ("users", NIGHT + timedelta(hours=13))])
def test_what_is_asked_differently_or_too_late_begins_anew(tmp_path: Path, asked: str, now: datetime) -> None:
    with pytest.raises(CutOff):
        pulled(tmp_path, PAGES, after=3)
    assert deliveries(tmp_path, SLICE, "sis") == []
    assert pulled(tmp_path, PAGES, asked, now)[1] == [page.name for page in PAGES]


def test_a_torn_last_line_is_pulled_again(tmp_path: Path) -> None:
    with pytest.raises(CutOff):
        pulled(tmp_path, PAGES, after=3)
    path = tmp_path / "landing/maple-hollow/2027/sis/pull.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert pulled(tmp_path, PAGES)[1] == [page.name for page in PAGES[2:]]


@pytest.mark.parametrize("lost", ["a blob", "half a blob", "the bytes of a blob", "a line"])
def test_a_pull_of_which_a_power_cut_took_something_begins_anew(tmp_path: Path, lost: str) -> None:
    with pytest.raises(CutOff):
        pulled(tmp_path, PAGES, after=3)
    blob = tmp_path / "landing/maple-hollow/blobs" / (sha := sha256(b"page 2").hexdigest())[:2] / sha
    if lost == "a line":
        path = tmp_path / "landing/maple-hollow/2027/sis/pull.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([*lines[:2], bytes(40) + b"\n", *lines[3:]]))
    else:
        blob.unlink()
        if lost != "a blob":
            blob.write_bytes(b"pag" if lost == "half a blob" else bytes(6))
    delivery, asked = pulled(tmp_path, PAGES)
    assert asked == [page.name for page in PAGES] == [file.name for file in delivery.files]
    assert blob.read_bytes() == b"page 2"


def test_one_process_pulls_a_source_at_a_time(tmp_path: Path) -> None:
    with (
        journal(tmp_path, SLICE, "sis", "users", NIGHT),
        pytest.raises(RetryLater, match="another process pulls"),
        journal(tmp_path, SLICE, "sis", "users", NIGHT),
    ):
        pass


def test_the_same_pages_in_another_scope_are_another_delivery(tmp_path: Path) -> None:
    land(tmp_path, SLICE, "sis", [*PAGES, StreamEnd("users", "full")], NIGHT)
    again = land(tmp_path, SLICE, "sis", [*PAGES, StreamEnd("users", "delta")], NIGHT)
    assert again is not None
    assert (again.repeated, again.seq) == (False, 2)
