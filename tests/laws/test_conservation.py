"""Laws 1 and 2: rows in = accepted + held + ignored with a reason, at every step, and no value vanishes."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import AskVendor
from hub.report.reconcile import reconcile

from .night import (
    PEOPLE,
    RESULTS,
    Hub,
    a_person,
    a_result,
    a_student,
    as_csv,
    build,
    rows_of,
    send_all,
    send_sis,
    told,
    unbalanced,
)

BLANK = string.whitespace
ANY = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=12)
LIKELY = st.sampled_from(
    ["", " ", "Algebra", "2026-10-01", "2026-13-45", "1/2/26", "45", "4.5", "007", "N/A", '"', "a,b"]
)
ROWS = st.lists(st.tuples(*[ANY | LIKELY for _ in RESULTS]), min_size=1, max_size=8)
RAGGED = st.lists(st.lists(LIKELY.filter(str.strip), min_size=1, max_size=9), min_size=1, max_size=8)


def written(rows: Sequence[Sequence[str]], quote: str = "", end: str = "\n") -> bytes:
    """Cells in quotes where they hold one of `quote` or must be (RFC 4180, section 2)."""

    def cell(text: str) -> str:
        needed = not text or set(text) & set(',"\r\n' + quote)
        return '"' + text.replace('"', '""') + '"' if needed else text

    return "".join(",".join(map(cell, row)) + end for row in [RESULTS, *rows]).encode()


@given(ROWS, st.sampled_from(["", string.printable]), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=12, deadline=None)
def test_every_cell_becomes_a_value_or_a_reason(specs: Path, rows: list[tuple[str, ...]], quote: str, end: str) -> None:
    with TemporaryDirectory() as folder:
        out = Path(folder) / "state"
        summary = build(specs, "mini-test", [("results.csv", written(rows, quote, end))], out)
        assert unbalanced(summary.counts) == []
        assert sum(c.rows_in for c in summary.counts if not c.entity) == len(rows)
        accepted = {row["_row"]: row for row in rows_of(out / "rows" / "StudentAssessment.parquet")}
        held = rows_of(out / "held.parquet")
        reasons = {r["_row"]: r["rule"] for r in held if r["entity"] in ("", "StudentAssessment")}
        assert all(r["rule"] and (r["field"] or not r["entity"]) for r in held)
        assert accepted.keys() | reasons.keys() == set(range(1, len(rows) + 1))
        assert not accepted.keys() & reasons.keys()
        for number, row in accepted.items():
            cell = {c: v.strip(BLANK) or None for c, v in zip(RESULTS, rows[number - 1], strict=True)}
            scores = json.loads(row["scoreResults"] or "[]")
            assert (row["_id.State"], row["_id.Local"]) == (cell["StateID"], cell["LocalID"])
            assert row["assessmentIdentifier"] == cell["Test"]
            assert [s["result"] for s in scores] == ([cell["Score"]] if cell["Score"] else [])
            assert (row["administrationDate"] is None) == (cell["Taken"] is None)
            assert row["assessedMinutes"] == (None if cell["Minutes"] is None else int(float(cell["Minutes"])))


@given(RAGGED)
@settings(max_examples=12, deadline=None)
def test_ragged_rows_are_held_by_number(specs: Path, rows: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        out = Path(folder) / "state"
        summary = build(specs, "mini-test", [("results.csv", written(rows))], out)
        assert unbalanced(summary.counts) == []
        rejected = {r["_row"]: r["rule"] for r in rows_of(out / "held.parquet") if not r["entity"]}
        wanted = {i: "missing" if len(r) < 6 else "extra" for i, r in enumerate(rows, 1) if len(r) != len(RESULTS)}
        assert rejected == {i: f"csv.columns.{kind}" for i, kind in wanted.items()}
        assert sum(c.rows_in for c in summary.counts if not c.entity) == len(rows)


@given(st.binary(max_size=300).map(lambda noise: (",".join(RESULTS) + "\n").encode() + noise))
@settings(max_examples=12, deadline=None)
def test_any_bytes_are_counted_or_refused_with_a_remedy(specs: Path, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        try:
            summary = build(specs, "mini-test", [("results.csv", content)], Path(folder) / "state")
        except AskVendor as error:
            refusal = error
        else:
            assert unbalanced(summary.counts) == []
            return
    assert refusal.message.startswith("results.csv: ")
    assert "(rule " in refusal.message
    assert refusal.remedy


def test_the_report_finds_no_mismatch_on_any_night(hub: Hub) -> None:
    """Twins, loose ends, two sources of one student, files that come again, held rows of earlier nights."""
    send_all(hub)
    hub.send("sis", "readme.txt", "hello")
    hub.send("lms", "people2.csv", as_csv(PEOPLE, [a_person(3, Preferred="Three"), a_person(99, Family="")]))
    hub.send("lms", "people3.csv", as_csv(PEOPLE, [a_person(3, Preferred="Three"), a_person(99, Family="")]))
    runs = [hub.sync()]
    twins = [a_student(1), a_student(1), a_student(2), a_student(2, First="Eve"), a_student(4, Sex="?"), a_student(5)]
    send_sis(hub, [*twins, *(a_student(n) for n in range(6, 12))])
    hub.send("tests", "results2.csv", as_csv(RESULTS, [a_result(1, Score="1"), a_result(77), a_result(3, Minutes="x")]))
    runs.append(hub.sync())
    hub.send("tests", "results3.csv", as_csv(RESULTS, [a_result(1, Score="2"), a_result(2, Test="")]) + "1,2\n")
    runs.append(hub.sync())
    for night, run in enumerate(runs):
        assert run.status == "published"
        assert unbalanced(run.counts) == []
        assert told(reconcile(run, runs[:night][::-1])) == []
    held = {(h.source, h.rule) for h in runs[2].held}
    assert held == {
        ("lms", "key.duplicate"),
        ("lms", "required"),
        ("sis", "code.unknown"),
        ("sis", "key.duplicate"),
        ("tests", "identity.unknown"),
        ("tests", "type.integer"),
        ("tests", "required"),
        ("tests", "csv.columns.missing"),
    }


def test_every_held_row_of_a_step_is_told_by_place(hub: Hub) -> None:
    send_sis(hub, [a_student(1), a_student(2), a_student(2, First="Eve"), a_student(3, Birth="1066-10-14")])
    hub.send("tests", "results.csv", as_csv(RESULTS, [a_result(1), a_result(2), a_result(3), a_result(9)]))
    run = hub.sync()
    places = rows_of(hub.state / "runs" / run.district / str(run.year) / run.id / "held.parquet")
    held = [c for c in run.counts if c.step == "check" and c.held]
    assert {(c.entity, c.held) for c in held} == {
        ("Student", 3),
        ("StudentIdentificationCode", 4),
        ("StudentAssessment", 3),
    }
    for count in held:
        assert len([p for p in places if _is(p, count.source, count.entity)]) == count.held


def _is(place: dict[str, object], source: str, entity: str) -> bool:
    return (place["_source"], place["entity"]) == (source, entity)
