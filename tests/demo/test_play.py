"""The demo, small: three nights through Dagster, as `make demo` plays them."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from hub import pipeline, store
from hub.config import load
from hub.demo.district import DEMO, Plan
from hub.demo.play import MARK, NIGHTS, VENDORS, configuration, play, prepare, this_years
from hub.errors import FixConfiguration
from hub.model import Run

TINY = Plan(120, 3, this_years().year)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_nights_and_a_bad_one(tmp_path: Path) -> None:
    told: list[str] = []
    directory = tmp_path / "demo"
    first, second, bad = play(directory, lambda step, *_: told.append(step), TINY)
    assert [run.status for run in (first, second, bad)] == ["published", "published", "held"]
    assert {c.step for c in first.counts} == {"normalize", "check", "unify", "publish"}
    assert sum(change.added for change in second.changes) < sum(change.added for change in first.changes)

    status = {outcome.source: outcome for outcome in bad.sources}
    assert set(status) == set(VENDORS)
    assert "TestRITScore" in status["map"].message
    assert "zip" in status["iready"].message
    assert {name for name, outcome in status.items() if outcome.status == "refused"} == {"map", "iready"}
    assert {held.rule for held in bad.held} >= {"type.date", "code.unknown", "key.duplicate"}
    assert "StudentSectionAssociation" in {breach.entity for breach in bad.breaches}

    settings = load(directory / "hub.yaml")
    opened = pipeline.open_store(settings, TINY.district)
    assert store.last_published(opened, settings.slice(TINY.district)) == second.id
    for run in (first, second, bad):
        assert (settings.state / "runs" / run.district / str(run.year) / run.id / "report.html").is_file()
    with dg.DagsterInstance.from_config(str(settings.state / "dagster")) as instance:
        assert sorted(r.tags["hub/run"] for r in instance.get_runs()) == [first.id, second.id, bad.id]
    assert len(told) == 2 * len(NIGHTS)

    approved = pipeline.approve(settings, settings.slice(TINY.district), bad.id, "the test")
    assert approved.status == "approved"


def test_playing_again_starts_from_nothing_but_only_in_a_demo(tmp_path: Path) -> None:
    settings = prepare(tmp_path / "demo", TINY)
    (settings.state / "runs").mkdir(parents=True)
    (tmp_path / "demo" / "incoming").mkdir()
    mine = tmp_path / "demo" / "notes.txt"
    mine.write_text("mine")
    again = prepare(tmp_path / "demo", TINY)
    assert not again.state.exists()
    assert mine.read_text() == "mine"

    other = tmp_path / "district"
    (other / "state").mkdir(parents=True)
    (other / "hub.yaml").write_text("state: ./state\n")
    with pytest.raises(FixConfiguration, match="not the demo"):
        prepare(other, TINY)
    assert (other / "state").is_dir()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FixConfiguration, match="--dir"):
        prepare(tmp_path / "file", TINY)


def test_its_nights_lie_in_the_past() -> None:
    from datetime import date

    plan = this_years()
    assert (plan.students, plan.schools) == (DEMO.students, DEMO.schools)
    assert plan.day(len(NIGHTS)) < date.today()
    assert configuration(plan).startswith(MARK)


def test_a_night_that_stops_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hub.errors import Stop

    def broken(*_: object) -> Run:
        raise ValueError("Quetzalinda")

    monkeypatch.setattr(pipeline, "pull", broken)
    with pytest.raises(Stop, match=r"Night 1 of the demo stopped.*ValueError at test_play.py"):
        play(tmp_path / "demo", lambda *_: None, TINY)
