"""What must hold for any sequence of nights, on both databases."""

from __future__ import annotations

import itertools
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.model import Slice
from hub.store import Store, as_of, change_feed, content_digest, known_keys, publish, runs, snapshot

from .conftest import Opener
from .school import ENTITIES, Row, key_of, publish_record

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
STUDENTS = st.dictionaries(
    st.integers(1, 5).map(str),
    st.fixed_dictionaries(
        {"firstName": st.none() | TEXT},
        optional={
            "birthDate": st.dates(),
            "weight": st.floats(allow_nan=False, allow_infinity=False),
            "siblings": st.integers(-(2**63), 2**63 - 1),
            "hispanicLatinoEthnicity": st.booleans(),
        },
    ),
    max_size=4,
).map(lambda rows: [{"studentUniqueId": key} | row for key, row in rows.items()])
SCHOOLS = st.sets(st.integers(1, 3)).map(lambda ids: [{"schoolId": number, "webSite": None} for number in sorted(ids)])
NIGHTS = st.lists(st.fixed_dictionaries({"Student": STUDENTS}, optional={"School": SCHOOLS}), min_size=1, max_size=4)

slowly = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Night = dict[str, list[Row]]


def _content(store: Store, entity: str, when: datetime | None = None) -> list[dict[str, Any]]:
    names = [field.name for field in ENTITIES[entity].fields]
    rows = [{name: row[name] for name in names} for row in as_of(store, entity, when, {})]
    return sorted(rows, key=lambda row: str(row[names[0]]))


def _expected(night: Night, entity: str) -> list[dict[str, Any]]:
    names = [field.name for field in ENTITIES[entity].fields]
    rows = [{name: row.get(name) for name in names} for row in night.get(entity, [])]
    return sorted(rows, key=lambda row: str(row[names[0]]))


@slowly
@given(nights=NIGHTS)
def test_any_sequence_of_nights(new_store: Opener, nights: list[Night]) -> None:
    store = new_store()
    slice_ = Slice(store.district, 2027)
    seen: list[datetime] = []
    keys: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for number, night in enumerate(nights):
            run = publish_record(store, slice_, number, night, Path(folder) / str(number))
            seen.append(datetime.now(UTC))
            # The feed sums to the counts, and the counts to the record.
            feed = [(entity, change) for entity, change, _ in change_feed(store, run.id)]
            for change in run.changes:
                for kind in ("added", "changed", "removed"):
                    assert feed.count((change.entity, kind)) == getattr(change, kind)
                assert change.after == len(night.get(change.entity, []))
            # Publishing twice equals publishing once.
            once = content_digest(store), runs(store)
            publish(store, slice_, run, Path(folder) / str(number) / "changes", None, {})
            assert (content_digest(store), runs(store)) == once
            keys |= {key_of(ENTITIES["Student"], row) for row in night["Student"]}
    for entity in ("Student", "School"):
        assert _content(store, entity) == _expected(nights[-1], entity)
        for when, night in zip(seen, nights, strict=True):
            assert _content(store, entity, when) == _expected(night, entity)
    assert set(pq.read_table(known_keys(store, "Student"))["_key"].to_pylist()) == keys
    if path := snapshot(store, slice_).get("Student"):
        found = set(pq.read_table(path)["_key"].to_pylist())
        assert found == {key_of(ENTITIES["Student"], row) for row in nights[-1]["Student"]}


@slowly
@given(night=NIGHTS.map(lambda nights: nights[0]), other=NIGHTS.map(lambda nights: nights[-1]))
def test_two_districts_and_two_years_never_mix(new_store: Opener, night: Night, other: Night) -> None:
    one, two = new_store(), new_store()
    with tempfile.TemporaryDirectory() as folder:
        names = map(str, itertools.count())
        publish_record(one, Slice(one.district, 2027), 1, night, Path(folder) / next(names))
        publish_record(one, Slice(one.district, 2026), 2, other, Path(folder) / next(names))
        before = content_digest(one)
        publish_record(two, Slice(two.district, 2027), 1, other, Path(folder) / next(names))
        publish_record(two, Slice(two.district, 2027), 2, {}, Path(folder) / next(names))
        assert content_digest(one) == before
        assert _content(two, "Student") == []
        ids = {row["studentUniqueId"] for row in as_of(one, "Student", None, {"_year": 2027})}
        assert ids == {row["studentUniqueId"] for row in night["Student"]}


@pytest.mark.postgres
def test_same_nights_same_digest_on_both_databases(postgres_url: str, tmp_path: Path) -> None:
    from hub.store import migrate, open_store

    digests = []
    for name, url in (("file", "sqlite"), ("server", postgres_url)):
        store = open_store(url, "twin", ENTITIES, tmp_path / name)
        migrate(store)
        for number, count in enumerate((3, 5, 2)):
            night = {"Student": [{"studentUniqueId": str(n), "weight": n / 3} for n in range(count)]}
            publish_record(store, Slice("twin", 2027), number, night, tmp_path / name / str(number))
        digests.append(content_digest(store))
    assert digests[0] == digests[1]
