"""Bad deliveries and bad machines, met by a whole night: one message, and yesterday's data as it was."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from laws.night import DISTRICT, NIGHT, RESULTS, Hub, a_result, a_student, as_csv, send_all, send_sis

from hub.connectors import files
from hub.connectors.files import FetchedFile
from hub.errors import RetryLater, Stop
from hub.landing import archives

CANARY = "Zqcanary"
GOOD = as_csv(RESULTS, [a_result(1, Taken="2026-10-09")])


@pytest.fixture
def published(hub: Hub) -> Hub:
    """A hub with eight published students."""
    send_all(hub)
    assert hub.sync().status == "published"
    return hub


def packed(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return body.getvalue()


def encrypted() -> bytes:
    body = bytearray(packed({"results9.csv": GOOD}, zipfile.ZIP_STORED))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + offset] |= 1
    return bytes(body)


ZIPS: list[tuple[str, Callable[[], bytes], str]] = [
    ("a bomb", lambda: packed({"results9.csv": b"0" * (20 << 20)}), "zip.bomb"),
    ("a path outside", lambda: packed({"../../results9.csv": GOOD}), "zip.path"),
    ("an absolute path", lambda: packed({"/etc/results9.csv": GOOD}), "zip.path"),
    ("locked", encrypted, "zip.encrypted"),
    ("cut off", lambda: packed({"results9.csv": GOOD})[:-30], "zip.unreadable"),
    ("a name alone", lambda: b"", "zip.unreadable"),
    ("twice the same name", lambda: packed({"a/results9.csv": GOOD, "b/results9.csv": GOOD}), "zip.duplicate"),
    ("damaged inside", lambda: packed({"results9.csv": GOOD}).replace(b"results9.csv", b"results9.csv", 1)[:60]
     + b"\xff" * 8 + packed({"results9.csv": GOOD})[68:], "zip.unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "rule"), [case[1:] for case in ZIPS], ids=[case[0] for case in ZIPS])
def test_a_bad_archive_is_refused_and_yesterday_stays(published: Hub, make: Callable[[], bytes], rule: str) -> None:
    before = published.digest()
    published.send("tests", "late.zip", make())
    published.send("lms", "people2.csv", "ID,Given,Family,Preferred\nS0001,Ada1,Lovelace1,Countess\n")
    run = published.sync()
    told = {o.source: o for o in run.sources}["tests"]
    assert (told.status, "late.zip" in told.message, f"rule {rule})" in told.message) == ("refused", True, True)
    assert told.remedy
    after = published.digest()
    assert {name for name in after if after[name] != before[name]} == {"Student"}  # the others went on
    assert not list(published.root.rglob("results9.csv"))


def test_a_zip_in_a_zip_is_no_stream_of_the_vendor(published: Hub) -> None:
    published.send("tests", "late.zip", packed({"inner.zip": packed({"results9.csv": GOOD})}))
    told = {o.source: o for o in published.sync().sources}["tests"]
    assert (told.status, "inner.zip" in told.message) == ("refused", True)


def test_a_member_called_like_a_pattern_is_read_once(published: Hub) -> None:
    other = as_csv(RESULTS, [a_result(2, Taken="2026-10-10")])
    published.send("tests", "late.zip", packed({"results*.csv": GOOD, "results-b.csv": other, "results[b].csv": other}))
    run = published.sync()
    changes = {c.entity: c.added for c in run.changes}
    assert changes["StudentAssessment"] == 2
    assert published.sync().status == "unchanged"


def test_too_many_files_in_a_zip(published: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    published.send("tests", "late.zip", packed({f"results{i}.csv": GOOD for i in range(4)}))
    told = {o.source: o for o in published.sync().sources}["tests"]
    assert (told.status, "rule zip.too_many_files)" in told.message) == ("refused", True)


def test_a_folder_where_a_file_should_be(published: Hub) -> None:
    before = published.digest()
    (published.incoming("sis") / "students.csv").unlink()
    (published.incoming("sis") / "students.csv").mkdir()
    run = published.sync()
    assert published.digest() == before
    assert {o.source: o.status for o in run.sources}["sis"] in ("fresh", "unchanged")


def test_a_folder_that_is_gone_and_files_that_may_not_be_read(published: Hub) -> None:
    before = published.digest()
    for path in published.incoming("sis").iterdir():
        path.unlink()
    published.incoming("sis").rmdir()
    told = {o.source: o for o in published.sync().sources}["sis"]
    assert (told.status, "No such file" in told.message, "hub.yaml" in told.remedy) == ("failed", True, True)
    assert published.digest() == before


def test_a_file_that_vanishes_while_it_is_read(published: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    before = published.digest()
    published.send("tests", "results2.csv", GOOD)
    real = FetchedFile.open

    def vanish(self: FetchedFile) -> object:
        if self.name == "results2.csv":
            self.path.unlink(missing_ok=True)
        return real(self)

    monkeypatch.setattr(files.FetchedFile, "open", vanish)
    told = {o.source: o for o in published.sync().sources}["tests"]
    assert (told.status, "results2.csv was listed and has gone" in told.message) == ("unchanged", True)
    assert published.digest() == before


def test_a_file_that_grows_while_it_is_read(published: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    before = published.digest()
    published.send("tests", "results2.csv", GOOD)
    real = FetchedFile.open

    def grow(self: FetchedFile) -> object:
        if self.name == "results2.csv":
            with self.path.open("a") as file:
                file.write("1,")
        return real(self)

    monkeypatch.setattr(files.FetchedFile, "open", grow)
    told = {o.source: o for o in published.sync().sources}["tests"]
    assert (told.status, "changed while it was read" in told.message) == ("unchanged", True)
    assert published.digest() == before
    monkeypatch.undo()
    assert {o.source: o for o in published.sync().sources}["tests"].status == "fresh"


def test_a_source_that_is_paused_is_not_pulled_and_keeps_its_rows(published: Hub) -> None:
    before = published.digest()
    published.empty("sis")
    sources = {name: dict(said) for name, said in published.districts[DISTRICT].items()}
    sources["sis"]["pause"] = "2026-12-01"
    published.districts = {DISTRICT: sources}
    published.write()
    told = {o.source: o for o in published.sync(now=NIGHT).sources}["sis"]
    assert (told.status, told.message.startswith("Paused until 2026-12-01")) == ("unchanged", True)
    assert told.received is not None
    assert published.digest() == before


def test_a_file_that_is_still_uploaded_waits_alone_where_files_add_up(published: Hub) -> None:
    published.send("tests", "results2.csv.part", GOOD)
    published.send("tests", "results3.csv", GOOD)
    told = {o.source: o for o in published.sync().sources}["tests"]
    assert (told.status, "results2.csv.part is still being uploaded" in told.message) == ("fresh", True)


def test_a_file_that_is_still_uploaded_stops_a_source_whose_absence_deletes(published: Hub) -> None:
    before = published.digest()
    for path in published.incoming("sis").glob("students*"):
        path.rename(path.with_name(path.name + ".filepart"))
    told = {o.source: o for o in published.sync().sources}["sis"]
    assert (told.status, ".filepart is still being uploaded" in told.message) == ("failed", True)
    assert published.digest() == before


_FULL = """
import resource, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from hub.errors import HubError
from laws.night import a_hub
box = a_hub(Path({root!r}), Path({specs!r}))
import great_expectations, hub.standards.suites.expectations, hub.report.page, hub.standards.suites.data_docs
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    run = box.sync()
    print(run.status, *(f"{{o.source}}: {{o.status}} {{o.message}} {{o.remedy}}" for o in run.sources))
except HubError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("limit", [0, 3000, 30_000, 100_000])
def test_a_full_disk_is_told_and_yesterday_stays(published: Hub, limit: int) -> None:
    """No file may grow beyond `limit` bytes, as on a disk with no more room."""
    before = published.digest()
    send_sis(published, [a_student(n, First=f"{CANARY}{n}") for n in range(1, 40)])
    published.send("tests", "results2.csv", as_csv(RESULTS, [a_result(n, Taken="2026-10-09") for n in range(1, 2000)]))
    script = _FULL.format(
        tests=str(Path(__file__).parents[1]), root=str(published.root), specs=str(published.specs), limit=limit
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert told.returncode == 0, told.stderr[-3000:]
    assert CANARY not in told.stdout + told.stderr
    if told.stdout.split()[0] != "published":
        assert "free space" in told.stdout or "nothing was changed" in told.stdout, told.stdout
        assert published.digest() == before
    # With room again the next night ends as if nothing had happened.
    assert published.sync().status in ("published", "unchanged")
    assert len(published.published("Student", "_key")) == 39
    assert len(published.published("StudentAssessment", "_key")) == 8 + 39


def test_a_state_folder_that_may_not_be_written(hub: Hub) -> None:
    send_all(hub)
    hub.state.mkdir()
    (hub.state / "landing").write_text("in the way")
    run_or_error = ""
    try:
        run_or_error = " ".join(o.message + o.remedy for o in hub.sync().sources)
    except (RetryLater, Stop) as error:
        run_or_error = str(error)
    assert "free space and write access" in run_or_error
    assert os.path.isfile(hub.state / "landing")
    assert hub.published("Student", "_key") == set()
