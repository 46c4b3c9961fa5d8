"""A file that was cut off: what is lost of it is told, and nothing is lost for good when the whole file comes later."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.standards.states.source_state import build_state

from .night import (
    RESULTS,
    Hub,
    a_result,
    a_student,
    as_csv,
    delivered,
    rows_of,
    send_all,
    send_sis,
    unbalanced,
    work,
)

TESTED = range(1, 6)
WHOLE = as_csv(RESULTS, [a_result(n) for n in TESTED])
HEAD, FIRST = (len(line) for line in WHOLE.splitlines(keepends=True)[:2])


@given(st.integers(HEAD + FIRST, len(WHOLE)), st.sampled_from(["results.csv", "again.csv"]), st.integers(0, 2))
@settings(max_examples=5, deadline=None)
def test_the_whole_file_makes_good_what_a_cut_one_lost(specs: Path, cut: int, name: str, more: int) -> None:
    """Wherever it was cut, under whatever name and with whatever more it comes again."""
    grown = WHOLE + as_csv(RESULTS, [a_result(n, Test="Geometry") for n in range(1, more + 1)])[HEAD:]
    with TemporaryDirectory() as folder:
        out = Path(folder)
        nights = {"cut": [("results.csv", WHOLE[:cut]), (name, grown)], "whole": [(name, grown)]}
        for state, files in nights.items():
            before = None
            for seq, (sent, text) in enumerate(files, 1):
                came = [delivered([(sent, text.encode())], out, seq)]
                summary = build_state(work(specs, "mini-test"), came, out / f"{state}{seq}", before)
                before = out / f"{state}{seq}"
            assert unbalanced(summary.counts) == []
        assert rows_of(out / "cut2" / "held.parquet") == []
        for entity in ("StudentAssessment", "Assessment"):
            mended, never = (rows_of(out / state / "rows" / f"{entity}.parquet") for state in ("cut2", "whole1"))
            assert mended == [{**row, "_seq": 2} for row in never]


def test_a_torn_line_stays_held_while_its_file_does_not_come_again(specs: Path, tmp_path: Path) -> None:
    torn, few = "0000003,L-", as_csv(RESULTS, [a_result(1)])
    other = as_csv(RESULTS, [a_result(n, Taken="2026-11-02") for n in TESTED])
    nothing = as_csv(RESULTS, [])
    nights = {
        "another month": [few + torn, other],
        "half of it": [as_csv(RESULTS, [a_result(1), a_result(2)]) + torn, few],
        "nothing was made of it": [nothing + torn, WHOLE],
    }
    for number, files in enumerate(nights.values()):
        came = [delivered([(f"{seq}.csv", text.encode())], tmp_path, seq) for seq, text in enumerate(files, 1)]
        build_state(work(specs, "mini-test"), came, tmp_path / f"state{number}")
        held = rows_of(tmp_path / f"state{number}" / "held.parquet")
        assert [row["rule"] for row in held] == ["csv.columns.missing"]


def test_a_roster_cut_at_the_end_of_a_line_waits_for_a_person(hub: Hub) -> None:
    """It looks like a shorter roster; what would go is more than the guard lets pass, and all of it stays meanwhile."""
    send_all(hub, range(1, 41))
    hub.empty("lms")
    hub.sync()
    before = hub.digest()
    send_sis(hub, [a_student(n) for n in range(1, 31)])
    run = hub.sync()
    assert (run.status, {b.entity for b in run.breaches}) == ("held", {"Student", "StudentIdentificationCode"})
    assert hub.digest() == before
    send_sis(hub, [a_student(n) for n in range(1, 41)])
    hub.sync()
    assert hub.digest() == before
