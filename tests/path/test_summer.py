"""A summer: the old year closes, the new one begins, and nothing goes that nobody said goodbye to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub import pipeline
from hub.model import Run, Slice, SourceOutcome
from hub.pipeline.rebuild import rebuild
from tests.laws.night import ALL, DISTRICT, RESULTS, Hub, a_hub, a_result, a_student, as_csv, make_specs, send_sis

OLD = Slice(DISTRICT, 2027)
SUMMER = {
    "years": [2027, 2028],
    "calendar": {2028: "2027-07-15"},
    "additions_only": {"from": "2027-06-20", "until": "2027-07-15"},
}


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_specs(tmp_path_factory.mktemp("specs") / "schemas")


def in_spring(folder: Path, specs: Path, **said: Any) -> Hub:
    """A district with forty students and their results; one folder for each source, whatever the year."""
    hub = a_hub(folder, specs, {name: ALL[name] for name in ("sis", "tests")})
    hub.said = SUMMER | said
    hub.write()
    enrolled(hub, range(1, 41))
    hub.send("tests", "results.csv", as_csv(RESULTS, [a_result(n) for n in range(1, 41)]))
    run = night(hub, "2027-06-01")
    assert (run.status, run.year, students(hub)) == ("published", 2027, {2027: 40})
    return hub


def enrolled(hub: Hub, numbers: range) -> None:
    send_sis(hub, [a_student(n) for n in numbers])


def night(hub: Hub, day: str, slice: Slice | None = None) -> Run:
    """A night at two o'clock, of the year that is current then."""
    now = datetime.fromisoformat(f"{day}T02:00:00").replace(tzinfo=UTC)
    settings = hub.settings.on(now.date())
    return pipeline.sync(settings, slice or settings.slice(DISTRICT), now=now)


def students(hub: Hub) -> dict[int, int]:
    """How many are published, by school year."""
    years = [year for year, _ in hub.published("Student", "_year", "studentUniqueId")]
    return {year: years.count(year) for year in sorted(set(years))}


def of(run: Run, source: str) -> SourceOutcome:
    return next(o for o in run.sources if o.source == source)


def removed(run: Run) -> dict[str, int]:
    return {c.entity: c.removed for c in run.changes if c.removed}


def test_a_summer(tmp_path: Path, specs: Path) -> None:
    hub = in_spring(tmp_path / "hub", specs)

    # The system drops who graduated while the old year is still current.
    enrolled(hub, range(11, 41))
    june = night(hub, "2027-06-21")
    assert (june.status, june.year, removed(june), students(hub)) == ("published", 2027, {}, {2027: 40})
    assert june.message == "Additions only until 2027-07-15: 30 published rows that nobody sends any more stay."
    assert {c.entity: c.kept for c in june.changes if c.kept} == {"Student": 10, "StudentIdentificationCode": 20}

    # The new year's first night: the same folders feed the new year, and last year's results are no news of it.
    enrolled(hub, range(11, 51))
    first = night(hub, "2027-07-15")
    assert (first.status, first.year, students(hub)) == ("published", 2028, {2027: 40, 2028: 40})
    assert of(first, "tests").status == "refused"
    assert "most of them in 2026-2027 (rule file.wrong_year)" in of(first, "tests").message

    # Someone asks for the old year once more: nothing is pulled into it and nothing leaves it.
    old = night(hub, "2027-07-20", OLD)
    assert (old.status, removed(old), students(hub)) == ("published", {}, {2027: 40, 2028: 40})
    assert old.message.startswith("School year 2027 is closed for sis, tests: 30 published rows")
    assert of(old, "sis").message.startswith("Closed: ")
    assert night(hub, "2027-07-21", OLD).status == "unchanged"

    # In the new year a student who leaves goes, and a roster that is half gone waits for a person.
    hub.send("tests", "autumn.csv", as_csv(RESULTS, [a_result(n, Taken="2027-09-20") for n in range(11, 51)]))
    enrolled(hub, range(12, 51))
    autumn = night(hub, "2027-09-21")
    assert (autumn.status, removed(autumn)["Student"], students(hub)) == ("published", 1, {2027: 40, 2028: 39})
    enrolled(hub, range(30, 51))
    torn = night(hub, "2027-09-22")
    assert (torn.status, students(hub)) == ("held", {2027: 40, 2028: 39})
    assert "Student would be removed" in torn.message


def test_a_store_that_is_lost_after_the_summer_comes_back_with_both_years(tmp_path: Path, specs: Path) -> None:
    hub = in_spring(tmp_path / "hub", specs)
    enrolled(hub, range(11, 51))
    night(hub, "2027-07-15")
    for path in (*hub.state.glob("store/*.db*"), *hub.state.glob("snapshots/*/*/*.parquet")):
        path.unlink()
    rebuild(hub.settings.on(datetime(2027, 8, 1, tzinfo=UTC).date()), DISTRICT, lambda *_: None)
    assert students(hub) == {2027: 40, 2028: 40}


def test_when_the_window_ends_the_guard_says_what_would_go(tmp_path: Path, specs: Path) -> None:
    hub = in_spring(tmp_path / "hub", specs, calendar={}, years=[2027])
    enrolled(hub, range(11, 41))
    assert removed(night(hub, "2027-07-14")) == {}
    after = night(hub, "2027-07-15")  # nothing new has come: the day alone tells
    assert (after.status, students(hub)) == ("held", {2027: 40})
    assert {(b.entity, b.rows) for b in after.breaches} == {("Student", 10), ("StudentIdentificationCode", 20)}
    pipeline.approve(hub.settings, OLD, after.id, "Ann")
    assert students(hub) == {2027: 30}


def test_a_pause_with_two_days_begins_and_ends_by_itself(tmp_path: Path, specs: Path) -> None:
    hub = in_spring(tmp_path / "hub", specs, calendar={}, years=[2027], additions_only="2027-09-01")
    said = {name: dict(source) for name, source in hub.districts[DISTRICT].items()}
    said["sis"]["pause"] = {"from": "2027-06-10", "until": "2027-06-20"}
    hub.districts = {DISTRICT: said}
    hub.write()
    enrolled(hub, range(1, 43))
    assert of(night(hub, "2027-06-10"), "sis").message.startswith("Paused until 2027-06-20")
    assert students(hub) == {2027: 40}
    assert of(night(hub, "2027-06-20"), "sis").status == "fresh"
    assert students(hub) == {2027: 42}
