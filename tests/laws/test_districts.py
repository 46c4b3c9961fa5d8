"""Law 7: two districts with the same local ids and different people never mix."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.model import Slice
from hub.pipeline import replay

from .night import ALL, RESULTS, YEAR, Hub, a_result, as_csv, rows_of, send_all, send_sis
from .night import a_student as student

HERE, THERE = "maple-hollow", "birch-creek"
NAMES = {HERE: "Mapleperson", THERE: "Birchperson"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def both(request: pytest.FixtureRequest, tmp_path: Path, specs: Path) -> Hub:
    """Two districts after two nights: ids 1 to 6 in both, every name says whose it is."""
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    hub = Hub(tmp_path, specs, {HERE: ALL, THERE: ALL}, url)
    for i, district in enumerate((HERE, THERE)):
        name = NAMES[district]
        send_all(hub, range(1, 7), district, 255901 + i)
        people = [student(n, First=f"{name}{n}", Last=f"{name}{n}") for n in range(1, 7)]
        send_sis(hub, people, district, 255901 + i)
        for source in ("lms", "tests"):
            hub.empty(source, district)
        sent = [a_result(n, Score=name) for n in range(1, 7)]
        # One row that is held in each district, and ids of two people in one row.
        sent += [a_result(1, Minutes=name), a_result(1, LocalID="L-2", Test=name)]
        hub.send("tests", f"results-{name}.csv", as_csv(RESULTS, sent), district)
    for _ in range(2):
        for district in (HERE, THERE):
            assert hub.sync(Slice(district, YEAR)).status in ("published", "unchanged")
            replay(hub.settings, Slice(district, YEAR))
    return hub


def _text(path: Path) -> bytes:
    """What the file says, unpacked where it is packed."""
    if path.suffix == ".parquet":
        return repr(rows_of(path)).encode()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return b"".join(archive.read(name) for name in archive.namelist())
    return path.read_bytes()


def test_no_file_of_one_district_holds_anything_of_the_other(both: Hub) -> None:
    seen = {HERE: 0, THERE: 0}
    for path in (p for p in both.state.rglob("*") if p.is_file()):
        text = _text(path)
        owners = {d for d in (HERE, THERE) if d in path.relative_to(both.state).as_posix()}
        found = {d for d, name in NAMES.items() if name.encode() in text}
        assert len(owners) == 1, f"{path} is of no district"
        assert found <= owners, path
        for district in found:
            seen[district] += 1
    assert min(seen.values()) >= 3  # landed bytes, rows and a record at least: the search can find something


def test_each_store_has_its_own_people_held_rows_and_reviews(both: Hub) -> None:
    from hub import store

    for district, other in ((HERE, THERE), (THERE, HERE)):
        opened = both.store(district)
        names = both.published("Student", "studentUniqueId", "firstName", district=district)
        assert names == {(f"S{n:04d}", f"{NAMES[district]}{n}") for n in range(1, 7)}
        files = {str(r[0]) for r in both.published("Student", "_file", district=district)}
        assert not files & {str(r[0]) for r in both.published("Student", "_file", district=other)}
        held = store.held_rows(opened)
        assert {h.rule for h in held} == {"type.integer", "identity.conflict"}
        (review,) = store.reviews(opened)
        elsewhere = {h.file for h in store.held_rows(both.store(other))}
        assert review.file not in elsewhere
        assert {r.district for r in store.runs(opened, YEAR, 100)} == {district}
        with opened.engine.connect() as connection:
            for table in sa.inspect(connection).get_table_names():
                rows = connection.execute(sa.select(sa.text("*")).select_from(sa.table(table))).all()
                assert NAMES[other] not in repr(rows), table


def test_an_answer_given_in_one_district_is_none_in_the_other(both: Hub) -> None:
    from hub import store

    (review,) = store.reviews(both.store(HERE))
    store.decide_review(both.store(HERE), review.id, "S0001", "Grace")
    for district in (HERE, THERE):
        both.sync(Slice(district, YEAR))
    tests = {d: both.published("StudentAssessment", "assessmentIdentifier", district=d) for d in (HERE, THERE)}
    assert tests == {HERE: {("Algebra",), (NAMES[HERE],)}, THERE: {("Algebra",)}}
