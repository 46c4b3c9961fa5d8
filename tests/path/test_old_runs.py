"""A run stays in reach however many came after it: its report, its decision, the names of its files."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from laws.night import DISTRICT, SLICE, Hub, a_student, send_all, send_sis

from hub import config, store
from hub.cli import main
from hub.errors import FixConfiguration
from hub.model import Run
from hub.pipeline import approve, discard, new_run_id

MANY = 60  # runs: more than any list of them is long


def nights_without_news(hub: Hub, after: Run) -> None:
    opened = hub.store()
    for n in range(1, MANY + 1):
        began = datetime.now(UTC) + timedelta(minutes=n)
        store.record_run(
            opened,
            Run(
                f"{began:%Y%m%dT%H%M%SZ}-{n:06x}", DISTRICT, SLICE.year, began, began, "failed", message="Nothing came."
            ),
        )
    assert after.id < store.runs(opened, SLICE.year, 1)[0].id


def told(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, [*arguments], env={"COLUMNS": "80"}, prog_name="hub")
    return result.exit_code, result.stdout


@pytest.fixture
def held(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A first night with a row held, a second that waits for a person, and two months of nights after them."""
    monkeypatch.setenv("HUB_CONFIG", str(hub.settings.path))
    load = config.load
    monkeypatch.setattr(config, "load", lambda path, specs=hub.specs: load(path, specs=specs))
    send_all(hub, range(1, 30))
    send_sis(hub, [a_student(n, Birth="soon" if n == 3 else "2012-03-04") for n in range(1, 30)])
    first = hub.sync()
    assert (first.status, sum(h.rows for h in first.held)) == ("published", 1)
    send_sis(hub, [a_student(n) for n in range(1, 5)])
    second = hub.sync()
    assert second.status == "held"
    nights_without_news(hub, second)
    return second


def test_its_report_is_written_with_what_came_before_it(hub: Hub, held: Run) -> None:
    first = store.runs(hub.store(), before=held.id)[0]
    for run in (first, held):
        path = hub.state / "runs" / DISTRICT / str(SLICE.year) / run.id / "report.html"
        path.unlink()
        assert told("report", run.id) == (0, f"{path}\n")
        assert run.id in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("verb", "status"), [("approve", "approved"), ("discard", "discarded")])
def test_it_is_decided(hub: Hub, held: Run, verb: str, status: str) -> None:
    assert told("publish", verb, held.id, "--json")[0] == 0
    decided = store.find_run(hub.store(), held.id)
    assert decided is not None
    assert (decided.status, decided.kept, decided.counts) == (status, held.kept, held.counts)
    again, _ = told("publish", verb, held.id)
    assert again == 3


def test_the_file_of_a_row_it_holds_has_its_name(hub: Hub, held: Run) -> None:
    rows = json.loads(told("held", "show", store.held_rows(hub.store())[0].rule, "--json")[1])
    assert [row["name"] for row in rows] == ["students.csv"]


def test_a_run_of_another_year_is_not_found_in_this_one(hub: Hub, held: Run) -> None:
    other = dataclasses.replace(held, id="20260101T020000Z-00000a", year=2026)
    store.record_run(hub.store(), other)
    for act in (discard, approve):
        with pytest.raises(FixConfiguration, match="not held"):
            act(hub.settings, SLICE, other.id, "Grace")


def test_two_runs_of_one_second_sort_as_they_came() -> None:
    moments = [datetime(2026, 11, 27, 2, 0, 0, microsecond, tzinfo=UTC) for microsecond in (0, 1, 15, 16, 999_999)]
    ids = [new_run_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert len({new_run_id(moments[0]) for _ in range(20)}) > 18
    assert all(re.fullmatch(r"20261127T020000Z-[0-9a-f]{9}", run) for run in ids)
