"""What is taken over from the night before is what would have been built again."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.model import Run
from hub.pipeline import path as pipeline_path

from .night import DISTRICT, RESULTS, YEAR, Hub, a_hub, a_result, a_student, as_csv, rows_of, send_all, send_sis


def _nights(hub: Hub) -> list[Run]:
    """All is sent; results come; a student's row cannot be read, and results come; it can be read and says another."""
    send_all(hub)
    runs = [hub.sync()]
    for number, change in enumerate(({}, {"Sex": "?"}, {"Sex": "?"}, {"Last": "King"}), start=2):
        if number % 2:
            send_sis(hub, [a_student(1, **change), *(a_student(n) for n in range(2, 9))])
        else:
            came = [a_result(n, Taken=f"2026-11-{number:02d}") for n in range(1, 9)]
            hub.send("tests", f"results{number}.csv", as_csv(RESULTS, came))
        runs.append(hub.sync())
    return runs


def _record(hub: Hub, run: Run, entity: str) -> Path:
    return hub.state / "runs" / DISTRICT / str(YEAR) / run.id / "record" / f"{entity}.parquet"


def _said(hub: Hub, run: Run, entity: str) -> list[str]:
    """Without the place: what is taken over keeps the one where it was said first, as what is published does."""
    rows = rows_of(_record(hub, run, entity))
    return sorted(repr({k: v for k, v in row.items() if k not in ("_file", "_row")}) for row in rows)


def test_a_night_that_takes_over_says_and_publishes_what_one_that_builds_does(
    hub: Hub, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = _nights(hub)
    monkeypatch.setattr(pipeline_path, "carried", lambda *_: {})
    other = a_hub(tmp_path / "built", specs)
    building = _nights(other)

    assert hub.digest() == other.digest()
    for one, two in zip(taking, building, strict=True):
        assert (one.status, one.counts, one.changes, one.held) == (two.status, two.counts, two.changes, two.held)
        assert [(k.entity, k.source, k.rows) for k in one.kept] == [(k.entity, k.source, k.rows) for k in two.kept]
        for entity in ("LocalEducationAgency", "Student", "StudentIdentificationCode", "StudentAssessment"):
            assert _said(hub, one, entity) == _said(other, two, entity)

    first, results, again, *_ = taking
    for entity, same in (("StudentIdentificationCode", True), ("Student", False), ("StudentAssessment", False)):
        # Of a student two sources speak; a result waits for its student to be found.
        assert _record(hub, results, entity).samefile(_record(hub, first, entity)) is same
    # Another file that says the same of the agency, and one that says less of the codes.
    assert _record(hub, again, "LocalEducationAgency").samefile(_record(hub, first, "LocalEducationAgency"))
