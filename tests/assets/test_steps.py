"""What a step does with each outcome. The path is played, Dagster is real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from asset_hub import MAPLE, Night, a_run, an_outcome, opened, run_night

from hub import pipeline
from hub.assets.nightly import selection
from hub.assets.record import RUN_TAG
from hub.config import Settings
from hub.errors import FixConfiguration, RetryLater
from hub.model import Breach, Count, RuleResult, Run, Slice, SourceOutcome

CANARY = "Quetzalinda"


class Played:
    """Stands for the path: what `pull` and `publish_record` will answer, and what was saved."""

    def __init__(self) -> None:
        self.pulls: Iterator[SourceOutcome | Exception] = iter(())
        self.asked: list[str] = []
        self.saved: list[SourceOutcome] = []
        self.run: Run | Exception = a_run()

    def pull(self, _settings: Settings, _slice: Slice, source: Any, *_: Any) -> SourceOutcome:
        self.asked.append(source.name)
        good = an_outcome(source=source.name)
        answer = next(self.pulls, good) if source.name == "sis" else good
        if isinstance(answer, Exception):
            raise answer
        return answer

    def publish_record(self, *_: Any, **__: Any) -> Run:
        if isinstance(self.run, Exception):
            raise self.run
        return self.run


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    path = Played()
    monkeypatch.setattr(pipeline, "pull", path.pull)
    monkeypatch.setattr(pipeline, "publish_record", path.publish_record)
    monkeypatch.setattr(pipeline, "save_outcome", lambda _settings, _slice, outcome: path.saved.append(outcome))
    monkeypatch.setattr(pipeline, "before_the_night", lambda _settings, _slice: (None, {}, None))
    return path


def events(result: dg.ExecuteInProcessResult, kind: str) -> list[dg.DagsterEvent]:
    return [event for event in result.all_events if event.event_type_value == kind]


def checks(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, str]]:
    found = [event.asset_check_evaluation_data for event in events(result, "ASSET_CHECK_EVALUATION")]
    return {f"{c.asset_key.path[-1]}.{c.check_name}": (c.passed, c.severity.value) for c in found}


def made(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.path[-1] for event in events(result, "ASSET_MATERIALIZATION") if event.asset_key}


def said(result: dg.ExecuteInProcessResult) -> str:
    failed = [event.step_failure_data.user_failure_data for event in events(result, "STEP_FAILURE")]
    return ((failed[0] and failed[0].description) or "") if failed else ""


def test_a_good_night(night: Night, played: Played, instance: dg.DagsterInstance) -> None:
    result = night()
    assert result.success, said(result)
    assert made(result) == {"sis", "map", "record", "published", "report"}
    assert all(passed for passed, _ in checks(result).values())
    assert {outcome.source for outcome in played.saved} == {"sis", "map"}
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags[RUN_TAG] == a_run().id


@pytest.mark.parametrize("away", [1, 3])
def test_a_source_that_comes_back_is_taken(away: int, night: Night, played: Played) -> None:
    played.pulls = iter([an_outcome("failed")] * away)
    result = night()
    assert result.success, said(result)
    assert played.asked.count("sis") == away + 1
    assert {(o.source, o.status) for o in played.saved} == {("sis", "fresh"), ("map", "fresh")}
    assert checks(result)["sis.delivered"] == (True, "WARN")


def test_a_source_that_stays_away_does_not_stop_the_night(night: Night, played: Played) -> None:
    played.pulls = iter([an_outcome("failed", message="The server is away.")] * 9)
    result = night()
    assert result.success, said(result)
    assert played.asked.count("sis") == 4
    assert {(o.source, o.status) for o in played.saved} == {("sis", "failed"), ("map", "fresh")}
    assert checks(result)["sis.delivered"] == (False, "ERROR")
    assert "published" in made(result)


def test_a_store_that_is_away_stops_no_source(night: Night, played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    from hub.assets import record

    away = RetryLater("The database does not answer.")
    monkeypatch.setattr(record, "RETRY", dg.RetryPolicy(max_retries=2))
    monkeypatch.setattr(pipeline, "before_the_night", lambda _settings, _slice: (None, {}, away))
    played.run = away
    result = night()
    assert not result.success
    assert said(result) == str(away)
    assert sorted(played.asked) == ["map", "sis"]
    assert {(o.source, o.status) for o in played.saved} == {("sis", "fresh"), ("map", "fresh")}


def test_a_refused_delivery_is_not_asked_for_again(night: Night, played: Played) -> None:
    played.pulls = iter([an_outcome("refused", message="users.csv: a column is missing.")])
    result = night()
    assert result.success, said(result)
    assert played.asked.count("sis") == 1
    assert checks(result)["sis.delivered"] == (False, "ERROR")


def test_what_the_guard_holds_is_not_published(night: Night, played: Played) -> None:
    breach = Breach("Student", "removed", 300, 0.5, 0.1)
    played.run = a_run(status="held", breaches=(breach,), message="300 of Student would be removed.")
    result = night()
    assert result.success, said(result)
    assert made(result) == {"sis", "map", "record", "report"}
    assert checks(result)["published.guard"] == (False, "ERROR")


def test_a_night_that_published_nothing_fails(night: Night, played: Played) -> None:
    played.run = a_run(status="failed", message="No source has delivered anything that can be used.")
    result = night()
    assert not result.success
    assert made(result) == {"sis", "map", "record", "report"}


def test_rules_and_totals_become_checks(night: Night, played: Played) -> None:
    lost = Count("unify", "sis", "", "Student", 10, 8, 1)
    rules = (
        RuleResult("type.date", "error", "sis", "Student", 10, 1),
        RuleResult("plausible.age", "warning", "map", "StudentAssessment", 10, 2),
    )
    played.run = a_run(counts=(lost,), rules=rules)
    found = checks(night())
    assert found["record.rows_add_up"] == (False, "ERROR")
    assert found["record.rules_sis"] == (False, "ERROR")
    assert found["record.rules_map"] == (False, "WARN")


def test_a_district_without_a_source_skips_it(night: Night, played: Played, settings: Settings) -> None:
    everything = selection(settings, MAPLE)
    played.run = a_run(replace(MAPLE, district="birch-creek"))
    result = night(Slice("birch-creek", 2027), everything)
    assert result.success, said(result)
    assert played.asked == ["sis"]
    assert "published" in made(result)


def test_a_year_that_a_district_does_not_have_says_so(night: Night, played: Played) -> None:
    result = night(Slice("birch-creek", 2026))
    assert not result.success
    assert "no school year 2026 for district birch-creek" in said(result)
    assert not played.asked


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def raising(error: Exception) -> Callable[[Played], None]:
    def arrange(played: Played) -> None:
        played.pulls = iter([error] * 9)

    return arrange


def raising_late(error: Exception) -> Callable[[Played], None]:
    def arrange(played: Played) -> None:
        played.run = error

    return arrange


@pytest.mark.parametrize("when", [raising, raising_late])
def test_a_defect_says_where_but_never_what_it_read(
    when: Callable[[Exception], Callable[[Played], None]],
    played: Played,
    settings: Settings,
    capfd: pytest.CaptureFixture[str],
) -> None:
    error = ValueError(f"could not convert {CANARY}")
    error.__cause__ = KeyError(CANARY)
    when(error)(played)
    with opened(settings) as instance:
        result = run_night(settings, instance)
    assert not result.success
    assert "ValueError at test_steps.py" in said(result)
    assert not events(result, "STEP_RESTARTED")
    assert CANARY.encode() not in written(settings.state)
    assert CANARY not in "".join(capfd.readouterr())


def test_a_busy_store_is_tried_again_and_a_bad_configuration_is_not(
    night: Night, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub.assets import record

    monkeypatch.setattr(record, "RETRY", dg.RetryPolicy(max_retries=2))
    for error, tries in ((RetryLater("The store is busy."), 3), (FixConfiguration("hub.yaml is gone."), 1)):
        played.run = error
        result = night()
        again = [event for event in events(result, "STEP_RESTARTED") if event.step_key == "publish"]
        assert (result.success, len(again) + 1) == (False, tries)
