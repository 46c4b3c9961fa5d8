"""Assessment files: laws first (no score vanishes, same file same rows, order is nothing), then telling examples."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub.errors import AskVendor
from hub.standards.mapping.scores import FORMS, RESULT_LENGTH
from hub.standards.vendors.layouts import expand, reasons
from hub.standards.vendors.sources import load_source
from tests.sources.building import Built, built, codes, sample

MAP = "nwea-map-growth"
SCORES: dict[str, list[str]] = next(
    m.fields["scoreResults"]["scores"] for m in load_source(MAP).mappings if m.entity == "StudentAssessment"
)
NONE = "*"
SPACE = "uri://www.nwea.org/map"
VENDORS = (
    MAP,
    "iready",
    "college-board",
    "dibels-8",
    "act-scores",
    "renaissance-star",
    "wida-access",
    "smarter-balanced",
)
VENDORS += ("nwea-map-fluency", "istation", "fastbridge", "staar")
#: What a cell may hold: any text, and texts near to what is right, so that both sides of each rule are met.
CELLS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cs",)), max_size=50),
    st.from_regex(r"[+-]?\d{1,3}(\.\d{1,2})?", fullmatch=True),
    st.sampled_from(["", " ", NONE, "100", "101", "1e9", "NaN", "12-15", "12-", '"', "\\", "{}", "null", "٣", "5 "]),
)
SLOW = settings(max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


def map_rows() -> list[dict[str, str]]:
    with sample(MAP)[0].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]], header: list[str] | None = None) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header or list(rows[0]), lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return path


def results(state: Built) -> dict[int, dict[str, Any]]:
    return {row["_row"]: row for row in state.rows["StudentAssessment"]}


@SLOW
@given(cells=st.lists(st.tuples(st.sampled_from(sorted(SCORES)), CELLS), min_size=60, max_size=90))
def test_any_text_in_any_score_cell_ends_as_a_value_or_as_a_reason(
    cells: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cells")
    good = map_rows()[0]
    rows = [{**good, "TestID": str(n), column: text} for n, (column, text) in enumerate(cells)]
    state = built(MAP, 2026, [write(folder / "map.csv", rows)], folder / "state")
    accepted, held = results(state), {(row, field): rule for _, row, _, field, rule in state.held}
    for n, (column, text) in enumerate(cells, start=1):
        method, datatype = SCORES[column]
        value = _clean(text)
        found = {
            s["assessmentReportingMethodDescriptor"].rpartition("#")[2]: s["result"]
            for s in accepted.get(n, {}).get("scoreResults", [])
        }
        if n not in accepted:
            assert held[n, f"scoreResults.{column}"] == FORMS[datatype][0]
            assert not re.fullmatch(FORMS[datatype][1].strip("^$"), value or "", re.ASCII)
        elif value is None or value == NONE:
            assert not found.get(method, "").strip()
        else:
            assert value.startswith(found[method].strip())
            assert found[method].strip() == value or len(found[method]) == RESULT_LENGTH
            assert found[method].strip() == value or state.summary.repairs["length.cut"]


def _clean(text: str) -> str | None:
    """White space at the ends says nothing; how much of it the reader takes off is not this test's business."""
    return text.strip() or None


@pytest.mark.parametrize("vendor", VENDORS[:4])
def test_the_same_file_gives_the_same_rows_and_order_does_not_matter(
    vendor: str, state_of: Callable[[str], Built], tmp_path: Path
) -> None:
    first = state_of(vendor)
    mixed = []
    for n, path in enumerate(sample(vendor)):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        random.Random(n).shuffle(rows)
        header = sorted(rows[0], key=lambda c: (hash((n, len(c))), c))
        (tmp_path / "mixed").mkdir(exist_ok=True)
        mixed.append(write(tmp_path / "mixed" / path.name, rows, header))
    second = built(vendor, 2026, mixed, tmp_path / "second")
    assert {e: _without_place(r) for e, r in first.rows.items()} == {
        e: _without_place(r) for e, r in second.rows.items()
    }
    assert [h[2:] for h in sorted(first.held, key=lambda h: h[2:])] == [
        h[2:] for h in sorted(second.held, key=lambda h: h[2:])
    ]


def test_twice_the_same_file_is_the_same_state(state_of: Callable[[str], Built], tmp_path: Path) -> None:
    first, again = state_of(MAP), built(MAP, 2026, sample(MAP), tmp_path / "again")
    assert (again.rows, again.held, again.summary) == (first.rows, first.held, first.summary)


def _without_place(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(repr(sorted((k, v) for k, v in row.items() if k not in ("_file", "_row"))) for row in rows)


def test_map_growth_says_what_the_file_says(state_of: Callable[[str], Built]) -> None:
    state = state_of(MAP)
    row = results(state)[1]
    assert row["assessmentIdentifier"] == "MAP_Growth_Mathematics"
    assert row["administrationDate"] == "2025-09-08T09:05:10"
    assert (row["_id.State"], row["_id.Local"]) == ("0000051001", "7101")
    assert "studentUniqueId" not in row
    assert (row["schoolYear"], row["assessedMinutes"], row["reportedSchoolIdentifier"]) == (2026, 41, "441003")
    assert row["period"] == {"assessmentPeriodDescriptor": "uri://ed-fi.org/AssessmentPeriodDescriptor#Fall"}
    rit = next(s for s in row["scoreResults"] if s["assessmentReportingMethodDescriptor"].endswith("#RIT Scale Score"))
    assert rit == {
        "assessmentReportingMethodDescriptor": f"{SPACE}/AssessmentReportingMethodDescriptor#RIT Scale Score",
        "resultDatatypeTypeDescriptor": "uri://ed-fi.org/ResultDatatypeTypeDescriptor#Integer",
        "result": "203",
    }
    levels = {p["performanceLevelDescriptor"].rpartition("#")[2] for p in row["performanceLevels"]}
    assert levels == {"HiAvg", "Yes"}
    goals = row["studentObjectiveAssessments"]
    assert [len(g["scoreResults"]) for g in goals] == [3, 3, 3]
    long = goals[1]["identificationCode"]
    assert len(long) == 60
    assert re.fullmatch(r"Fractions, Ratios.*~[0-9a-f]{8}", long)
    named = {o["identificationCode"]: o for o in state.rows["ObjectiveAssessment"]}
    assert named[long]["description"].endswith("May Be Compared")
    assert {
        g["identificationCode"] for r in results(state).values() for g in r.get("studentObjectiveAssessments", [])
    } == set(named)


def test_language_usage_is_not_reading_and_an_asterisk_is_no_score(state_of: Callable[[str], Built]) -> None:
    rows = results(state_of(MAP))
    assert [rows[n]["assessmentIdentifier"] for n in (2, 3, 5)] == [
        "MAP_Growth_Reading", "MAP_Growth_Language_Usage", "MAP_Screening_Mathematics",
    ]  # fmt: skip
    (goal,) = rows[4]["studentObjectiveAssessments"]
    assert "performanceLevels" not in goal
    assert [s["result"] for s in goal["scoreResults"]] == ["196", "6.6"]
    assert "studentObjectiveAssessments" not in rows[5]


def test_an_identifier_stands_for_the_test_and_not_for_how_it_is_written(tmp_path: Path) -> None:
    changes = [
        ("Student_StateID", "51001", True),
        ("TestStartDate", "2025-09-08", True),
        ("TestStartDate", "9/8/2025", True),
        ("TestRITScore", "204", True),
        ("TestID", "900000099", False),
        ("Subject", "Science", False),
        ("TestStartDate", "09/09/2025", False),
    ]
    good = map_rows()[0]
    path = write(tmp_path / "map.csv", [good, *({**good, column: text} for column, text, _ in changes)])
    rows = results(built(MAP, 2026, [path], tmp_path / "state"))
    digests = [rows[n]["studentAssessmentIdentifier"] for n in range(1, len(changes) + 2)]
    assert [digest == digests[0] for digest in digests[1:]] == [same for *_, same in changes]
    assert all(re.fullmatch(r"[0-9a-f]{32}", digest) for digest in digests)


def test_scores_without_a_goal_name_are_held_and_a_goal_without_scores_is_kept(tmp_path: Path) -> None:
    good = {c: v for c, v in map_rows()[0].items() if not c.startswith("Goal")}
    rows = [{**good, "Goal1RitScore": "200"}, {**good, "Goal1Name": "Alone"}]
    header = list(map_rows()[0])
    full = [{c: r.get(c, "") for c in header} for r in rows]
    state = built(MAP, 2026, [write(tmp_path / "map.csv", full)], tmp_path / "state")
    assert state.held == [("results", 1, "StudentAssessment", "studentObjectiveAssessments.Goal1RitScore", "required")]
    (goal,) = results(state)[2]["studentObjectiveAssessments"]
    assert goal["identificationCode"] == "Alone"


def test_iready_reports_what_was_not_assessed_as_nothing_and_counts_it(state_of: Callable[[str], Built]) -> None:
    state = state_of("iready")
    reading = [r for r in state.rows["StudentAssessment"] if r["_stream"] == "reading"]
    domains = [
        o["identificationCode"].removeprefix("CAINC-IREADY-DIAGNOSTIC-ELA-")
        for o in reading[0]["studentObjectiveAssessments"]
    ]
    assert "PHONOLOGICAL-AWARENESS" not in domains
    assert "HIGH-FREQUENCY-WORDS" in domains  # tested out: a level without a score
    assert state.summary.repairs["score.none"] == 3
    assert reading[0]["administrationEndDate"] == "2025-09-03T00:00:00"
    assert reading[0]["whenAssessedGradeLevelDescriptor"].endswith("#Third grade")
    winter = reading[1]["period"]["assessmentPeriodDescriptor"]
    assert winter == "uri://cainc.com/AssessmentPeriodDescriptor#Winter"


def test_each_attempt_at_the_sat_is_a_result(state_of: Callable[[str], Built]) -> None:
    state = state_of("college-board")
    sat = [r for r in state.rows["StudentAssessment"] if r["_stream"] == "sat"]
    assert sorted(
        (r["_row"], r["administrationDate"][:10], r["assessmentIdentifier"], r["schoolYear"]) for r in sat
    ) == [
        (1, "2023-10-07", "SAT_1600", 2024),
        (1, "2025-10-04", "SAT_Adaptive", 2026),
        (2, "2025-10-04", "SAT_Adaptive", 2026),
        (3, "2015-11-07", "SAT_2400", 2016),
    ]
    old = next(r for r in sat if r["assessmentIdentifier"] == "SAT_2400")
    assert [o["identificationCode"] for o in old["studentObjectiveAssessments"]] == [
        "Critical Reading Section", "Mathematics Section", "Writing Section",
    ]  # fmt: skip


def test_an_attempt_keeps_its_identifier_when_a_later_one_comes(tmp_path: Path) -> None:
    with sample("college-board")[-1].open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    earlier = {c: v for c, v in row.items() if not c.startswith(("LATEST_", "ADMIN"))}
    earlier |= {c: "" for c in row if c.startswith(("LATEST_", "ADMIN"))}
    earlier |= {
        c.replace("ADMIN2", "LATEST"): v
        for c, v in row.items()
        if c.startswith("ADMIN2") and c.replace("ADMIN2", "LATEST") in row
    }
    before = built("college-board", 2026, [write(tmp_path / "sat_1.csv", [earlier])], tmp_path / "before")
    after = built("college-board", 2026, [write(tmp_path / "sat_2.csv", [row])], tmp_path / "after")
    (first,) = before.rows["StudentAssessment"]
    second = next(r for r in after.rows["StudentAssessment"] if r["administrationDate"] == first["administrationDate"])
    assert first["studentAssessmentIdentifier"] == second["studentAssessmentIdentifier"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_result_refers_to_an_assessment_and_parts_that_came_with_it(
    vendor: str, state_of: Callable[[str], Built]
) -> None:
    state = state_of(vendor)
    assessments = {(a["assessmentIdentifier"], a["namespace"]): a for a in state.rows["Assessment"]}
    parts = {
        (o["assessmentIdentifier"], o["namespace"], o["identificationCode"]): o
        for o in state.rows.get("ObjectiveAssessment", [])
    }
    for part in parts.values():
        assert (part["assessmentIdentifier"], part["namespace"]) in assessments
        parent = part.get("parentIdentificationCode")
        assert parent is None or (part["assessmentIdentifier"], part["namespace"], parent) in parts
    known = {uri for uris in codes().values() for uri in uris}
    for result in state.rows["StudentAssessment"]:
        whole = assessments[result["assessmentIdentifier"], result["namespace"]]
        assert _methods(result.get("scoreResults", [])) <= _methods(whole["scores"])
        for part in result.get("studentObjectiveAssessments", []):
            of = parts[part["assessmentIdentifier"], part["namespace"], part["identificationCode"]]
            assert _methods(part.get("scoreResults", [])) <= _methods(of["scores"])
        assert {s["resultDatatypeTypeDescriptor"] for s in result.get("scoreResults", [])} <= known


def _methods(scores: list[dict[str, str]]) -> set[tuple[str, str]]:
    return {(s["assessmentReportingMethodDescriptor"], s["resultDatatypeTypeDescriptor"]) for s in scores}


def test_a_renamed_column_is_refused_with_the_name_it_looks_like(tmp_path: Path) -> None:
    rows = [{("TestRitScore" if c == "TestRITScore" else c): v for c, v in r.items()} for r in map_rows()]
    with pytest.raises(AskVendor, match=r"TestRITScore.*csv\.header\.missing_column") as refused:
        built(MAP, 2026, [write(tmp_path / "map.csv", rows)], tmp_path / "state")
    assert "TestRitScore" in refused.value.remedy


@pytest.mark.parametrize(("vendor", "year"), [(v, 2027) for v in VENDORS])
def test_last_years_file_is_refused(vendor: str, year: int, tmp_path: Path) -> None:
    with pytest.raises(AskVendor, match=r"file\.wrong_year"):
        built(vendor, year, sample(vendor), tmp_path / "state")


def test_a_file_is_known_by_its_header_where_its_name_says_nothing(
    state_of: Callable[[str], Built], tmp_path: Path
) -> None:
    files = []
    for n, path in enumerate(sample("college-board")):
        files.append(tmp_path / f"export_{n}.csv")
        files[-1].write_bytes(path.read_bytes())
    named = state_of("college-board")
    guessed = built("college-board", 2026, files, tmp_path / "guessed")
    assert {e: _without_place(r) for e, r in guessed.rows.items()} == {
        e: _without_place(r) for e, r in named.rows.items()
    }


def test_column_names_written_short() -> None:
    assert expand("Goal{1..2}{Name,Range}") == ["Goal1Name", "Goal1Range", "Goal2Name", "Goal2Range"]
    assert expand("Class(es)") == ["Class(es)"]
    assert reasons({"A*": "no use", "{B,C}": "why not"}, ["A1", "A2", "B"]) == {
        "A1": "no use", "A2": "no use", "B": "why not", "C": "why not",
    }  # fmt: skip
