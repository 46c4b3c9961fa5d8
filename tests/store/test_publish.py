from __future__ import annotations

from pathlib import Path

from hub.model import Slice
from hub.store import change_feed

from .conftest import Opener
from .school import publish_record, student


def test_first_and_second_night(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    publish_record(store, slice_, 1, {"Student": [student(1), student(2), student(3)]}, tmp_path / "1")
    run = publish_record(store, slice_, 2, {"Student": [student(1), student(2, "Eve"), student(4)]}, tmp_path / "2")
    assert sorted((c, k["studentUniqueId"]) for _, c, k in change_feed(store, run.id)) == [
        ("added", "0004"),
        ("changed", "0002"),
        ("removed", "0003"),
    ]
