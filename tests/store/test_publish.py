from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hub.errors import FixConfiguration, RetryLater, Stop
from hub.model import Run, Slice
from hub.store import (
    Store,
    as_of,
    change_feed,
    compare,
    content_digest,
    held_rows,
    identifiers,
    known_keys,
    last_published,
    open_store,
    publish,
    published_states,
    record_run,
    runs,
    snapshot,
    student_record,
)
from hub.store import connect as connecting

from .conftest import Opener
from .school import ENTITIES, Row, publish_record, run_of, student, write_record


def _prepared(store: Store, number: int, record: dict[str, list[Row]], folder: Path) -> tuple[Run, Path]:
    """A run that is compared and waits to be published."""
    slice_ = Slice(store.district, 2027)
    changes = compare(store, slice_, write_record(folder / "record", record), folder / "changes")
    return run_of(number, slice_, changes), folder / "changes"


def _held(path: Path, *places: tuple[int, str]) -> Path:
    """held.parquet with faults at (row, rule)."""
    table = {
        "_source": ["sis"] * len(places),
        "_stream": ["students"] * len(places),
        "_file": ["students.csv"] * len(places),
        "_row": pa.array([row for row, _ in places], pa.int64()),
        "_seq": pa.array([1] * len(places), pa.int64()),
        "entity": ["Student"] * len(places),
        "field": [None] * len(places),
        "rule": [rule for _, rule in places],
    }
    pq.write_table(pa.table(table, schema=None), path)
    return path


def test_two_nights_by_example(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    assert snapshot(store, slice_) == {}
    assert last_published(store, slice_) is None
    publish_record(store, slice_, 1, {"Student": [student(1), student(2), student(3)]}, tmp_path / "1")
    night = {"Student": [student(1), student(2, "Eve"), student(4)]}
    run = publish_record(store, slice_, 2, night, tmp_path / "2", states={"sis": "s2", "lms": "l1"})
    assert [(c.entity, c.before, c.added, c.changed, c.removed) for c in run.changes] == [("Student", 3, 1, 1, 1)]
    assert sorted((change, key["studentUniqueId"]) for _, change, key in change_feed(store, run.id)) == [
        ("added", "0004"),
        ("changed", "0002"),
        ("removed", "0003"),
    ]
    assert last_published(store, slice_) == run.id
    assert published_states(store, slice_) == {"sis": "s2", "lms": "l1"}
    assert [each.id for each in runs(store)] == [run.id, run_of(1, slice_).id]
    assert runs(store, year=2026) == []
    assert runs(store, limit=1) == [run]


def test_provenance_comes_with_every_row_and_one_instant_with_every_run(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    enrolled = {"studentUniqueId": "0002", "schoolId": 5, "entryGradeLevelDescriptor": "Ninth grade"}
    record = {"Student": [student(1), student(2, otherNames='[{"first":"B"}]')], "StudentSchoolAssociation": [enrolled]}
    run = publish_record(store, Slice(store.district, 2027), 1, record, tmp_path / "1")
    found = student_record(store, "0002")
    assert sorted(found) == ["Student", "StudentSchoolAssociation"]
    (row,) = found["Student"]
    assert (row["_source"], row["_file"], row["_row"], row["_run"]) == ("sis", "student.csv", 3, run.id)
    assert row["otherNames"] == [{"first": "B"}]
    assert row["_valid_from"] == found["StudentSchoolAssociation"][0]["_valid_from"]
    assert row["_valid_from"].tzinfo is not None
    assert student_record(store, "nobody") == {}
    with pytest.raises(FixConfiguration, match="shoeSize"):
        as_of(store, "Student", None, {"shoeSize": 40})
    with pytest.raises(FixConfiguration, match="Wizard"):
        as_of(store, "Wizard", None, {})


def test_student_record_shows_the_latest_year_unless_told(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    publish_record(store, Slice(store.district, 2026), 1, {"Student": [student(1, "Old")]}, tmp_path / "1")
    publish_record(store, Slice(store.district, 2027), 2, {"Student": [student(1, "New")]}, tmp_path / "2")
    assert [row["firstName"] for row in student_record(store, "0001")["Student"]] == ["New"]
    assert [row["firstName"] for row in student_record(store, "0001", year=2026)["Student"]] == ["Old"]


def test_a_record_that_is_not_complete_removes_nothing(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    night = {"Student": [student(1), student(2)], "School": [{"schoolId": 1}]}
    publish_record(store, slice_, 1, night, tmp_path / "1")
    run = publish_record(store, slice_, 2, {"Student": [student(2, "Eve")]}, tmp_path / "2", full=False)
    assert [(c.entity, c.changed, c.removed) for c in run.changes] == [("School", 0, 0), ("Student", 1, 0)]
    run = publish_record(store, slice_, 3, {"Student": []}, tmp_path / "3")
    assert [(c.entity, c.removed, c.after) for c in run.changes] == [("School", 1, 0), ("Student", 2, 0)]


def test_nothing_is_written_where_nothing_differs(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    publish_record(store, slice_, 1, {"Student": [student(1)]}, tmp_path / "1")
    _, changes = _prepared(store, 2, {"Student": [student(1)]}, tmp_path / "2")
    assert list(changes.glob("*.parquet")) == []
    before = content_digest(store)
    publish_record(store, slice_, 2, {"Student": [student(1)]}, tmp_path / "3")
    assert content_digest(store) == before


def test_a_run_that_was_overtaken_is_refused(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    late, late_changes = _prepared(store, 1, {"Student": [student(1)]}, tmp_path / "1")
    publish_record(store, slice_, 2, {"Student": [student(2)]}, tmp_path / "2")
    before = content_digest(store)
    with pytest.raises(Stop, match="published since") as refusal:
        publish(store, slice_, late, late_changes, None, {})
    assert refusal.value.remedy
    assert content_digest(store) == before
    assert last_published(store, slice_) == run_of(2, slice_).id


def test_a_held_run_is_published_once_approved(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    run, changes = _prepared(store, 1, {"Student": [student(1)]}, tmp_path / "1")
    record_run(store, replace(run, status="held"))
    assert (runs(store)[0].status, as_of(store, "Student", None, {})) == ("held", [])
    approved = replace(run, status="approved")
    publish(store, Slice(store.district, 2027), approved, changes, None, {"sis": "a"})
    assert runs(store) == [approved]
    record_run(store, replace(approved, message="report written"))
    assert published_states(store, Slice(store.district, 2027)) == {"sis": "a"}
    assert len(as_of(store, "Student", None, {})) == 1


def test_changes_of_another_slice_or_unfinished_ones_are_refused(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    run, changes = _prepared(store, 1, {"Student": [student(1)]}, tmp_path / "1")
    with pytest.raises(Stop):
        publish(store, Slice(store.district, 2026), replace(run, year=2026), changes, None, {})
    with pytest.raises(Stop):
        publish(new_store(), Slice(store.district, 2027), run, changes, None, {})
    with pytest.raises(Stop, match="No finished comparison"):
        publish(store, Slice(store.district, 2027), run, tmp_path, None, {})
    (changes / "Student.parquet").unlink()
    with pytest.raises(Stop, match="missing"):
        publish(store, Slice(store.district, 2027), run, changes, None, {})
    assert runs(store) == []


CANARY = "Zyxwvu-Canary"


def test_a_record_that_does_not_fit_is_refused_without_its_values(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    cases: dict[str, dict[str, Any]] = {
        "not in the spec \\['shoeSize'\\]": {"_key": ["k"], "_hash": ["h"], "shoeSize": [CANARY]},
        "another type \\['siblings'\\]": {"_key": ["k"], "_hash": ["h"], "siblings": [CANARY]},
        "columns missing \\['_hash'\\]": {"_key": ["k"], "firstName": [CANARY]},
        "same natural key": {"_key": ["k", "k"], "_hash": ["h", "i"], "firstName": [CANARY] * 2},
        "or with none": {"_key": pa.array([None], pa.string()), "_hash": ["h"], "firstName": [CANARY]},
    }
    for number, (said, columns) in enumerate(cases.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        pq.write_table(pa.table(columns), folder / "Student.parquet")
        with pytest.raises(Stop, match=said) as refusal:
            compare(store, Slice(store.district, 2027), folder, folder / "changes")
        assert CANARY not in str(refusal.value)
    pq.write_table(pa.table({"_key": ["k"]}), tmp_path / "Wizard.parquet")
    with pytest.raises(FixConfiguration, match="Wizard"):
        compare(store, Slice(store.district, 2027), tmp_path, tmp_path / "changes")


def test_what_the_database_refuses_is_told_without_its_values(new_store: Opener, tmp_path: Path) -> None:
    """PostgreSQL keeps no NUL in text and quotes the line in its message; SQLite takes it."""
    store = new_store()
    run, changes = _prepared(store, 1, {"Student": [student(1, CANARY + "\0")]}, tmp_path / "1")
    if store.schema:
        with pytest.raises(Stop) as refusal:
            publish(store, Slice(store.district, 2027), run, changes, None, {})
        assert CANARY not in str(refusal.value)
        assert refusal.value.__cause__ is None
        assert refusal.value.__suppress_context__
        assert runs(store) == []
    else:
        publish(store, Slice(store.district, 2027), run, changes, None, {})
        assert as_of(store, "Student", None, {})[0]["firstName"] == CANARY + "\0"


def test_held_rows_are_replaced_and_remember_since_when(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    one = publish_record(
        store, slice_, 1, {}, tmp_path / "1", held=_held(tmp_path / "h1", (3, "required"), (4, "code"))
    )
    two = publish_record(store, slice_, 2, {}, tmp_path / "2", held=_held(tmp_path / "h2", (4, "code"), (9, "code")))
    assert [(h.row, h.rule, h.field, h.since_run) for h in held_rows(store, 2027)] == [
        (4, "code", "", one.id),
        (9, "code", "", two.id),
    ]
    assert held_rows(store, 2026) == held_rows(store, source="lms") == held_rows(store, rule="required") == []
    publish_record(store, Slice(store.district, 2026), 3, {}, tmp_path / "3")
    assert len(held_rows(store, limit=1)) == 1
    assert len(held_rows(store)) == 2
    publish_record(store, slice_, 4, {}, tmp_path / "4")
    assert held_rows(store) == []


@pytest.mark.parametrize("damage", ["missing", "foreign", "garbage"])
def test_a_lost_snapshot_is_made_again(new_store: Opener, tmp_path: Path, damage: str) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    night = {"Student": [student(1), student(2)]}
    publish_record(store, slice_, 1, night, tmp_path / "1")
    publish_record(store, slice_, 2, {"Student": [student(2), student(3)]}, tmp_path / "2")
    for path in (snapshot(store, slice_)["Student"], known_keys(store, "Student")):
        if damage == "missing":
            path.unlink()
        elif damage == "garbage":
            path.write_bytes(path.read_bytes()[:-20])
        else:
            columns = {name: ["0" * 32] for name in pq.read_schema(path).names}
            pq.write_table(pa.table(columns), path)
    assert len(pq.read_table(known_keys(store, "Student"))) == 3
    run = publish_record(store, slice_, 3, {"Student": [student(2), student(4)]}, tmp_path / "3")
    assert [(c.before, c.added, c.changed, c.removed) for c in run.changes] == [(2, 1, 0, 1)]
    assert len(pq.read_table(snapshot(store, slice_)["Student"])) == 2
    assert len(pq.read_table(known_keys(store, "Student"))) == 4
    assert len(pq.read_table(known_keys(store, "School"))) == 0


def test_old_snapshots_are_swept_but_not_the_ones_in_use(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    night = {"Student": [student(1)], "School": [{"schoolId": 1}]}
    publish_record(store, slice_, 1, night, tmp_path / "1")
    old = snapshot(store, slice_)
    for path in store.snapshots.rglob("*.parquet"):
        os.utime(path, (0, 0))
    publish_record(store, slice_, 2, night | {"Student": [student(2)]}, tmp_path / "2")
    assert not old["Student"].exists()
    assert old["School"].exists()
    assert snapshot(store, slice_)["School"] == old["School"]


def test_identifiers_of_the_newest_year_win(new_store: Opener, tmp_path: Path) -> None:
    store = new_store()

    def code(who: str, system: str, value: str) -> Row:
        names = ("studentUniqueId", "educationOrganizationId", "studentIdentificationSystemDescriptor")
        return dict(zip(names, (who, 1, system), strict=True)) | {"identificationCode": value}

    assert pq.read_table(identifiers(store)).num_rows == 0
    old = {"StudentIdentificationCode": [code("A", "State", "77"), code("B", "State", "88")]}
    publish_record(store, Slice(store.district, 2026), 1, old, tmp_path / "1")
    new = {"StudentIdentificationCode": [code("C", "State", "77"), code("D", "SIS", "77")]}
    publish_record(store, Slice(store.district, 2027), 2, new, tmp_path / "2")
    found = {tuple(row.values()) for row in pq.read_table(identifiers(store)).to_pylist()}
    assert found == {("State", "77", "C"), ("State", "88", "B"), ("SIS", "77", "D")}
    bare = new_store(entities={"Student": ENTITIES["Student"]})
    assert pq.read_table(identifiers(bare)).num_rows == 0


def test_two_publish_at_once_and_one_is_told(new_store: Opener, store_url: str, tmp_path: Path) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    prepared = [_prepared(store, n, {"Student": [student(n)]}, tmp_path / str(n)) for n in (1, 2, 3)]
    barrier, outcomes = threading.Barrier(3), []

    def work(run: Run, changes: Path) -> None:
        mine = open_store(store_url, store.district, ENTITIES, store.state)
        barrier.wait()
        try:
            publish(mine, slice_, run, changes, None, {})
            outcomes.append(run.id)
        except Stop:
            outcomes.append("refused")

    threads = [threading.Thread(target=work, args=each) for each in prepared]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[1:] == ["refused", "refused"]
    assert [run.id for run in runs(store)] == [sorted(outcomes)[0]]
    assert len(as_of(store, "Student", None, {})) == 1


def test_who_waits_too_long_is_told_to_retry(
    new_store: Opener, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store()
    monkeypatch.setattr(connecting, "PATIENCE", 0.2 if store_url == "sqlite" else 1)
    hasty = open_store(store_url, store.district, ENTITIES, store.state)
    run, changes = _prepared(store, 1, {"Student": [student(1)]}, tmp_path / "1")
    with connecting.writing(store):
        begun = time.monotonic()
        with pytest.raises(RetryLater, match="Another process"):
            publish(hasty, Slice(store.district, 2027), run, changes, None, {})
        assert time.monotonic() - begun < 10
    publish(hasty, Slice(store.district, 2027), run, changes, None, {})
