"""Laws 3 and 5: twice equals once, no order of sources matters, and what landed gives the same record again."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import store
from hub.errors import FixConfiguration
from hub.landing import deliveries
from hub.pipeline import rebuild, replay, states
from hub.pipeline.record import Published, build_record
from hub.standards.specs import load_entities
from hub.standards.states.source_state import build_state

from .night import (
    ALL,
    DISTRICT,
    PEOPLE,
    RESULTS,
    SLICE,
    STUDENTS,
    Hub,
    a_hub,
    a_person,
    a_result,
    a_student,
    as_csv,
    build,
    delivered,
    rows_of,
    send_all,
    send_sis,
    work,
)

NUMBERS = st.integers(1, 4)
RESULT = st.builds(
    lambda n, score, minutes, local: a_result(n, Score=str(score), Minutes=minutes, LocalID=f"L-{n}" if local else ""),
    NUMBERS,
    st.integers(1, 3),
    st.sampled_from(["45", "", "x"]),
    st.booleans(),
)
Night = tuple[list[tuple[str, ...]], bytes]
NIGHT = st.tuples(st.lists(RESULT, min_size=1, max_size=5), st.sampled_from([b"", b"0000001,L-"]))
NIGHTS = st.lists(NIGHT, min_size=2, max_size=3)


@given(NIGHTS)
@settings(max_examples=10, deadline=None)
def test_a_state_made_night_by_night_equals_one_made_at_once(specs: Path, nights: list[Night]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        task = work(specs, "mini-test")
        came = [
            delivered([(f"results{i}.csv", as_csv(RESULTS, rows).encode() + torn)], folder, i)
            for i, (rows, torn) in enumerate(nights, 1)
        ]
        at_once = build_state(task, came, folder / "once")
        previous, by_night = None, at_once
        for delivery in came:
            by_night = build_state(task, [delivery], folder / f"night{delivery.seq}", previous)
            previous = folder / f"night{delivery.seq}"
        assert previous is not None
        for path in ("rows/StudentAssessment.parquet", "rows/Assessment.parquet", "held.parquet"):
            assert rows_of(previous / path) == rows_of(folder / "once" / path)
        assert _totals(by_night) == _totals(at_once)
        assert (by_night.repairs, by_night.files) == (at_once.repairs, at_once.files)


def _totals(summary: Any) -> dict[Any, Any]:
    return {(c.stream, c.entity): (c.rows_in, c.accepted, c.held, c.ignored) for c in summary.counts}


STUDENT = st.builds(lambda n, first, sex: a_student(n, First=first, Sex=sex), NUMBERS, *[st.sampled_from("FMX")] * 2)
PERSON = st.builds(
    lambda n, given, nick: a_person(n, Given=given, Preferred=nick), NUMBERS, *[st.sampled_from("FM")] * 2
)


@given(st.lists(STUDENT, min_size=1, max_size=6), st.lists(PERSON, max_size=6), st.sampled_from([10, 60, 70]))
@settings(max_examples=8, deadline=None)
def test_the_order_of_sources_does_not_matter(
    specs: Path, students: list[tuple[str, ...]], people: list[tuple[str, ...]], authority: int
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        agencies = as_csv(("Agency", "Name"), [("255901", "Maple Hollow")]).encode()
        files = {"b": ("mini-sis", "students.csv", STUDENTS, students), "a": ("mini-lms", "people.csv", PEOPLE, people)}
        for source, (vendor, file, columns, rows) in files.items():
            sent = [(file, as_csv(columns, rows or [a_person(9)]).encode())]
            sent += [("agencies.csv", agencies)] if source == "b" else []
            build(specs, vendor, sent, folder / source)
            for path in [*(folder / source / "rows").glob("*.parquet"), folder / source / "held.parquet"]:
                _rename_source(path, source)
        records = []
        for order in (["a", "b"], ["b", "a"]):
            out = folder / "".join(order)
            ranks = {s: {"a": 60, "b": authority}[s] for s in order}
            build_record({s: folder / s for s in order}, ranks, load_entities(specs), Published(lambda _: None), out)
            records.append({p.name: rows_of(p) for p in sorted(out.rglob("*.parquet"))})
        assert records[0] == records[1]


def _rename_source(path: Path, source: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.is_file():
        rows = pq.read_table(path)
        names = pa.array([source] * rows.num_rows, pa.string())
        pq.write_table(rows.set_column(rows.schema.get_field_index("_source"), "_source", names), path)


def test_publishing_twice_and_in_any_order_of_hub_yaml(tmp_path: Path, specs: Path) -> None:
    digests = []
    for order in (list(ALL), list(reversed(ALL))):
        hub = a_hub(tmp_path / order[0], specs, {name: ALL[name] for name in order})
        send_all(hub)
        assert hub.sync().status == "published"
        digests.append(hub.digest())
        assert hub.sync().status == "unchanged"
        assert replay(hub.settings, SLICE).status in ("published", "unchanged")
        digests.append(hub.digest())
    assert digests == digests[:1] * 4


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory, specs: Path) -> Hub:
    """A hub after two nights that differ; copy it before changing it."""
    hub = a_hub(tmp_path_factory.mktemp("nights") / "hub", specs)
    send_all(hub)
    hub.sync()
    send_sis(hub, [a_student(n, First=f"Eve{n}") for n in range(2, 10)])
    hub.send("tests", "results2.csv", as_csv(RESULTS, [a_result(2, Score="9"), a_result(3, Minutes="x")]))
    assert hub.sync().status == "published"
    return hub


CONTENT = ("_key", "_hash", "_source", "_field_sources")
ENTITIES = ("Student", "StudentAssessment", "Assessment", "StudentIdentificationCode")


LOST = (
    ["work"],
    ["work", "runs", "snapshots"],
    ["work", "runs", "snapshots", "store"],
)


@pytest.mark.parametrize("lost", LOST)
def test_what_landed_gives_the_same_record_again(two_nights: Hub, tmp_path: Path, specs: Path, lost: list[str]) -> None:
    shutil.copytree(two_nights.root, tmp_path / "hub")
    hub = a_hub(tmp_path / "hub", specs)
    before = [hub.published(entity, *CONTENT) for entity in ENTITIES]
    digest = hub.digest()
    for name in lost:
        shutil.rmtree(hub.state / name)
    shutil.rmtree(hub.root / "incoming")  # nobody is asked again
    if "store" in lost:
        history = [run.changes for run in store.runs(two_nights.store())]
        assert [run.status for run in rebuild(hub.settings, DISTRICT, lambda *_: None)] == ["published"] * 2
        assert [run.changes for run in store.runs(hub.store())] == history
        first = deliveries(hub.state, SLICE, "sis")[0].received
        then = store.as_of(hub.store(), "Student", first + timedelta(seconds=1), {})
        assert {row["firstName"] for row in then} == {f"Ada{n}" for n in range(1, 9)}
    else:
        assert replay(hub.settings, SLICE).status in ("published", "unchanged")
    assert [hub.published(entity, *CONTENT) for entity in ENTITIES] == before
    assert hub.digest() == digest


def test_a_store_that_is_there_is_not_rebuilt(two_nights: Hub) -> None:
    with pytest.raises(FixConfiguration, match="is not empty"):
        rebuild(two_nights.settings, DISTRICT, lambda *_: None)


def test_a_rule_that_became_stricter_reaches_rows_that_are_published(tmp_path: Path, specs: Path) -> None:
    lenient = shutil.copytree(specs, tmp_path / "lenient")
    additions = lenient / "edfi" / "additions.yaml"
    additions.write_text(additions.read_text().replace("date.implausible, ", "", 1))
    hub = a_hub(tmp_path / "hub", lenient)
    send_sis(hub, [a_student(1, Birth="1066-10-14"), a_student(2)])
    hub.sync()
    assert len(hub.published("Student", "_key")) == 2
    hub.specs = specs
    run = hub.sync()
    assert [(h.entity, h.field, h.rule) for h in run.held if h.entity == "Student"] == [
        ("Student", "birthDate", "date.implausible")
    ]
    assert run.kept[0].rows == 1
    assert hub.published("Student", "studentUniqueId") == {("S0001",), ("S0002",)}  # told, and there until mended


def test_a_night_opens_only_the_deliveries_that_are_still_in_use(
    tmp_path: Path, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = a_hub(tmp_path / "hub", specs, {"sis": ALL["sis"]})
    opened: list[list[int]] = []
    real = states.build_state
    monkeypatch.setattr(
        states, "build_state", lambda work, came, *more: opened.append([d.seq for d in came]) or real(work, came, *more)
    )
    for night in range(1, 5):
        send_sis(hub, [a_student(n, First=f"Eve{night}") for n in range(1, 4)])
        if night == 3:
            (hub.incoming("sis") / "agencies.csv").unlink()  # the agencies of the second night stay in use
        hub.sync()
    assert opened == [[1], [1, 2], [2, 3], [2, 3, 4]]
