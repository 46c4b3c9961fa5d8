"""Killed at any instant, the store is as before or as after, and the same publish then ends as if uninterrupted."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from hub.model import Run, Slice
from hub.store import compare, content_digest, last_published, migrate, open_store, publish, published_states, snapshot

from .killed import publish_now
from .school import ENTITIES, publish_record, run_of, student, write_record

KILLS = 24
PRELOAD = [
    "hub.store.publishing",
    "sqlalchemy.dialects.sqlite",
    "ibis.backends.duckdb",
    "adbc_driver_sqlite.dbapi",
    "pyarrow.parquet",
]
SLICE = Slice("north", 2027)


def _before(state: Path, folder: Path) -> tuple[Run, Path]:
    """A store with one night published and a second one, different in every way, ready to be."""
    store = open_store("sqlite", SLICE.district, ENTITIES, state)
    migrate(store)
    first = {"Student": [student(n) for n in range(3000)], "School": [{"schoolId": n} for n in range(500)]}
    publish_record(store, SLICE, 1, first, folder / "1", states={"sis": "first"})
    second = {
        "Student": [student(n, "Eve" if n % 2 else "Ada") for n in range(500, 3500)],
        "School": [{"schoolId": n, "webSite": "x"} for n in range(400)],
    }
    changes = compare(store, SLICE, write_record(folder / "2", second), folder / "2" / "changes")
    return run_of(2, SLICE, changes), folder / "2" / "changes"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and a fork server")
def test_killed_at_any_instant(tmp_path: Path) -> None:
    run, changes = _before(tmp_path / "before", tmp_path)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)

    def started(name: str) -> tuple[Path, multiprocessing.process.BaseProcess]:
        shutil.copytree(tmp_path / "before", tmp_path / name)
        process = context.Process(target=publish_now, args=(SLICE.district, tmp_path / name, run, changes))
        process.start()
        return tmp_path / name, process

    _, warm_up = started("warm")
    warm_up.join()
    begun = time.monotonic()
    _, process = started("after")
    process.join()
    duration = time.monotonic() - begun
    assert process.exitcode == 0
    digests = {name: content_digest(_open(tmp_path / name)) for name in ("before", "after")}
    assert digests["before"] != digests["after"]

    landed = []
    for number in range(KILLS):
        state, process = started(f"kill{number}")
        time.sleep(duration * random.Random(number).uniform(0.2, 1.2))
        process.kill()
        process.join()
        store = _open(state)
        with closing(sqlite3.connect(state / "store" / "north.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = content_digest(store)
        (side,) = (name for name, digest in digests.items() if digest == found)
        assert published_states(store, SLICE) == {"sis": "first" if side == "before" else "second"}
        assert last_published(store, SLICE) == (run.id if side == "after" else run_of(1, SLICE).id)
        landed.append(side)
        publish(store, SLICE, run, changes, None, {"sis": "second"})
        assert content_digest(store) == digests["after"]
        # Nothing of the killed attempt misleads the next comparison.
        again = compare(store, SLICE, changes.parent, tmp_path / "again")
        assert not any(change.added or change.changed or change.removed for change in again)
        assert all(path.is_file() for path in snapshot(store, SLICE).values())
        assert list(changes.glob("staging-*")) == []
        shutil.rmtree(state)
    assert "before" in landed, "no kill came before the commit: the test proves nothing"


def _open(state: Path):  # type: ignore[no-untyped-def]
    return open_store("sqlite", SLICE.district, ENTITIES, state)
