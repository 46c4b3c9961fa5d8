"""Our output on the public samples beside the other tool's, field by field; every difference is named and explained.

docs/assessments.md says why each difference is there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.sources.building import SHARED, Built, built

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the public samples are not here (../shared/data/assessments)"),
]
OUTPUT = "earthmover_0.4.10_output"


@dataclass(frozen=True)
class Case:
    """One sample: its files, how many results come, and what differs from the other tool's, kind by kind.

    `by_assessment` where a student has several results on one day; `parts` are objectives that only ours has.
    """

    vendor: str
    year: int
    sample: str | tuple[str, ...]
    theirs: str
    results: int
    held: tuple[tuple[int, str], ...]
    differences: dict[str, int] = field(default_factory=dict)
    by_assessment: bool = False
    parts: frozenset[str] = frozenset()

    @property
    def files(self) -> list[Path]:
        return [SHARED / name for name in ((self.sample,) if isinstance(self.sample, str) else self.sample)]


PSAT = "PSAT_SAT/sample_anonymized_file_{}.csv"
CASES = {
    "map": Case(
        "nwea-map-growth", 2022, "MAP_Growth/sample_anonymized_file.csv", f"MAP_Growth/{OUTPUT}/main", 6,
        ((7, "csv.columns.missing"),),
        {
            "absent with us: the row is held": 1,
            "administrationDate: with the time": 6,
            "datatype: theirs Integer, ours Percentage": 6,
            "datatype: theirs Integer, ours Percentile": 6,
            "objective code cut at 60 with theirs": 3,
            "score only ours: Norms Reference Data": 6,
            "score only ours: Rapid Guessing Percentage": 6,
            "score only ours: Test Type": 6,
            "score only ours: Typical Fall-To-Fall Growth": 3,
            "score only ours: Typical Fall-To-Spring Growth": 6,
            "score only ours: Typical Fall-To-Winter Growth": 3,
            "score only theirs: Subject": 6,
            "score only theirs: Term Name": 6,
            "score only theirs: Test Duration Minutes": 6,
            "studentAssessmentIdentifier: a digest, theirs the test id": 6,
        },
    ),
    "iready ela": Case(
        "iready", 2026, "i-Ready/sample_anonymized_file_ela.csv", f"i-Ready/{OUTPUT}/ela", 5, (),
        {
            "administrationDate: not ISO 8601 with theirs": 5,
            "datatype: theirs Integer, ours Percentile": 5,
            "datatype: theirs Level, ours Range": 5,
            "datatype: theirs Percentile, ours Percentage": 10,
            "objective only ours: CAINC-IREADY-DIAGNOSTIC-ELA-HIGH-FREQUENCY-WORDS": 4,
            "objective only ours: CAINC-IREADY-DIAGNOSTIC-ELA-PHONICS": 3,
            "score only ours: Baseline Diagnostic": 5,
            "score only ours: Most Recent Diagnostic YTD": 5,
            "score only ours: Read Aloud": 5,
            "score only ours: Reading Difficulty Indicator": 2,
            "studentAssessmentIdentifier: of other parts": 5,
            "whenAssessedGradeLevel: theirs lacks the word Descriptor": 5,
        },
    ),
    "iready math": Case(
        "iready", 2026, "i-Ready/sample_anonymized_file_math.csv", f"i-Ready/{OUTPUT}/math", 5, (),
        {
            "administrationDate: not ISO 8601 with theirs": 5,
            "datatype: theirs Integer, ours Percentile": 5,
            "datatype: theirs Level, ours Range": 5,
            "datatype: theirs Percentile, ours Percentage": 10,
            "score only ours: Baseline Diagnostic": 5,
            "score only ours: Most Recent Diagnostic YTD": 5,
            "score only ours: Proficiency With No Additional Growth": 5,
            "score only ours: Projection With Stretch Growth": 3,
            "score only ours: Projection With Typical Growth": 3,
            "score only ours: Read Aloud": 5,
            "studentAssessmentIdentifier: of other parts": 5,
            "whenAssessedGradeLevel: theirs lacks the word Descriptor": 5,
        },
    ),
    "sat": Case(
        "college-board", 2023, PSAT.format("sat"), f"PSAT_SAT/{OUTPUT}/SAT", 9, ((4, "code.unknown"),),
        {
            "absent with us: the row is held": 1,
            "assessmentIdentifier: theirs SAT_2400, ours SAT_1600": 2,
            "datatype: theirs Level, ours Decimal": 12,
            "datatype: theirs Level, ours Integer": 116,
            "datatype: theirs Level, ours Percentile": 120,
            "only ours: an earlier attempt": 5,
            "schoolYear: theirs of the run, ours of the test": 3,
            "score only ours: Form Code": 4,
            "studentAssessmentIdentifier: of other parts": 4,
        },
    ),
    "psat 8/9": Case(
        "college-board", 2023, PSAT.format("psat_89"), f"PSAT_SAT/{OUTPUT}/PSAT89", 3,
        ((3, "code.unknown"), (4, "code.unknown")),
        {
            "absent with us: the row is held": 2,
            "administrationDate: not ISO 8601 with theirs": 3,
            "datatype: theirs Level, ours Decimal": 9,
            "datatype: theirs Level, ours Integer": 84,
            "datatype: theirs Level, ours Percentile": 84,
            "grade: theirs No grade level, ours none": 1,
            "score only ours: Form Code": 3,
            "studentAssessmentIdentifier: of other parts": 3,
        },
    ),
    "psat 10": Case(
        "college-board", 2022, PSAT.format("psat_10"), f"PSAT_SAT/{OUTPUT}/PSAT10", 5, (),
        {
            "administrationDate: not ISO 8601 with theirs": 5,
            "datatype: theirs Level, ours Decimal": 15,
            "datatype: theirs Level, ours Integer": 145,
            "datatype: theirs Level, ours Percentile": 150,
            "schoolYear: theirs of the run, ours of the test": 5,
            "score only ours: Form Code": 5,
            "studentAssessmentIdentifier: of other parts": 5,
        },
    ),
    "nmsqt": Case(
        "college-board", 2023, PSAT.format("psat_nmsqt"), f"PSAT_SAT/{OUTPUT}/NMSQT", 5, (),
        {
            "datatype: theirs Level, ours Decimal": 15,
            "datatype: theirs Level, ours Integer": 145,
            "datatype: theirs Level, ours Percentile": 150,
            "grade: theirs No grade level, ours none": 1,
            "score only ours: Form Code": 5,
            "score only ours: National Merit": 5,
            "score only ours: Selection Index": 5,
            "studentAssessmentIdentifier: of other parts": 5,
        },
    ),
    "act": Case(
        "act-scores", 2025, "ACT/sample_anonymized_file.csv", f"ACT/{OUTPUT}/main", 5, (),
        {
            "grade: theirs none, ours Eleventh grade": 1,
            "level only ours: Understanding Complex Texts Above proficiency": 1,
            "level only ours: Understanding Complex Texts Below proficiency": 2,
            "level only ours: Understanding Complex Texts Proficient": 2,
            "schoolYear: theirs of the run, ours of the test": 5,
            "score only ours: Rank Type": 5,
            "studentAssessmentIdentifier: of other parts": 5,
        },
    ),
    "ap": Case(
        "college-board", 2024, "AP/SAMPLE_AP_2324.csv", f"AP/{OUTPUT}/main", 12, ((5, "code.unknown"),),
        {
            "absent with us: the row is held": 1,
            "administrationDate: not ISO 8601 with theirs": 7,
            "level only ours: AP Award 2 AP Scholar with Honor": 1,
            "level only ours: AP Award AP Scholar": 1,
            "level only ours: AP Award AP Scholar with Distinction": 1,
            "level only theirs: AP Award 01": 1,
            "level only theirs: AP Award 03": 1,
            "level only theirs: AP Award 2 02": 1,
            "only ours: AP - 10": 1,
            "only ours: AP - 25": 1,
            "only ours: AP - 28": 1,
            "only ours: AP - 34": 1,
            "only ours: AP - 36": 1,
            "score only ours: AP Award Year": 2,
            "score only ours: AP Award Year 2": 1,
            "studentAssessmentIdentifier: of other parts": 7,
        }, True,
    ),
    "dibels": Case(
        "dibels-8", 2024, "Dibels_8_Benchmark/sample_anonymized_file.csv", f"Dibels_8_Benchmark/{OUTPUT}/main", 5, (),
        {
            "datatype: theirs Integer, ours Percentile": 5,
            "datatype: theirs Level, ours Decimal": 22,
            "datatype: theirs Level, ours Percentile": 22,
            "objective score only theirs: Assessment Measure National Norm Percentile": 3,
            "score only ours: Administration Type": 5,
            "score only ours: Assessment Edition": 5,
            "score only ours: Assessment Grade": 5,
            "score only theirs: Enrolled Grade Level": 5,
            "studentAssessmentIdentifier: of other parts": 5,
        }, parts=frozenset({"Correct-Responses-Maze", "Incorrect-Responses-Maze"}),
    ),
    "star": Case(
        "renaissance-star", 2024, ("STAR/SR_sample_anonymized_file.csv",), f"STAR/{OUTPUT}/main", 5, (),
        {
            "administrationDate: with the time": 5,
            "datatype: theirs Integer, ours Percentile": 14,
            "level only theirs: District Benchmark Cat. Name At/Above Benchmark": 1,
            "level only theirs: District Benchmark Cat. Name On Watch": 1,
            "level only theirs: District Benchmark Cat. Name Urgent Intervention": 3,
            "level only theirs: School Benchmark Cat. Name At/Above Benchmark": 2,
            "level only theirs: School Benchmark Cat. Name Urgent Intervention": 3,
            "level only theirs: State Benchmark Cat. Name Does Not Meet Expectations": 3,
            "level only theirs: State Benchmark Cat. Name Exceeds Expectations": 1,
            "level only theirs: State Benchmark Cat. Name Meets Expectations": 1,
            "objective only theirs: 10eb2f4c4169114c5545fc3d9cff6a3e": 2,
            "objective only theirs: 1802e26584f794dd09e21a1e011ee241": 1,
            "objective only theirs: 2b3aaab6f023e92233e1420cfe15d041": 1,
            "objective only theirs: 516999ecb63589a2e343001d7e7a7b5b": 1,
            "objective only theirs: 52e6504b6ce04c7b09eefa7032b132cd": 1,
            "objective only theirs: 594c874c9f636b7697acca5667e6ddaa": 1,
            "objective only theirs: 5d3258318754ee3fb6364198aa628665": 1,
            "objective only theirs: 71d70820fb3aeacbfbb7af6014629752": 2,
            "objective only theirs: 9a393049512aa7eb7d4f880bb7796588": 1,
            "objective only theirs: c0ee2943f26e48b748ca6015767c91dc": 1,
            "objective only theirs: c87223916daa140aa14012fb0a6149a4": 1,
            "objective only theirs: d11bf6fd367452a6799ec30f2c70691d": 1,
            "objective only theirs: ed75e2829a4a55178b0d60aa55b5a471": 1,
            "score only ours: Assessment Number": 5,
            "score only ours: Assessment Status": 5,
            "score only ours: Assessment Type": 5,
            "score only ours: District Benchmark Cat. Name": 5,
            "score only ours: Extra Time": 5,
            "score only ours: Grade Placement": 5,
            "score only ours: Instructional Reading Level": 5,
            "score only ours: Lexile": 5,
            "score only ours: Lower Zone of Proximal Development": 5,
            "score only ours: School Benchmark Cat. Name": 5,
            "score only ours: State Benchmark Assessment": 5,
            "score only ours: State Benchmark Cat. Name": 5,
            "score only ours: Taken At": 5,
            "score only ours: Upper Zone of Proximal Development": 5,
        }, True,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """The state of a case, built once."""
    folder = tmp_path_factory.mktemp("states")
    return cache(
        lambda name: built(CASES[name].vendor, CASES[name].year, CASES[name].files, folder / name.replace("/", " "))
    )


@pytest.mark.parametrize("name", list(CASES))
def test_every_difference_from_the_other_tool_is_explained(name: str, states: Callable[[str], Built]) -> None:
    case = CASES[name]
    state = states(name)
    assert len(state.rows["StudentAssessment"]) == case.results
    assert tuple(sorted({(row, rule) for _, row, _, _, rule in state.held})) == case.held
    found = differences(state, _lines(case, "studentAssessments"), case.by_assessment)
    assert dict(found) == case.differences


@pytest.mark.parametrize("name", list(CASES))
def test_assessments_and_their_parts_are_the_other_tools(name: str, states: Callable[[str], Built]) -> None:
    """Same identifiers and subjects; the same objectives, whole where theirs are cut at 60 characters."""
    case = CASES[name]
    state = states(name)
    theirs = {a["assessmentIdentifier"]: a for a in _lines(case, "assessments")}
    codes: dict[str, set[str]] = {}
    for part in (
        _lines(case, "objectiveAssessments") if (SHARED / case.theirs / "objectiveAssessments.jsonl").is_file() else []
    ):
        codes.setdefault(part["assessmentReference"]["assessmentIdentifier"], set()).add(part["identificationCode"])
    for assessment in state.rows["Assessment"]:
        other = theirs.get(assessment["assessmentIdentifier"])
        if other is None:  # counted above as results that only ours has
            continue
        assert assessment["academicSubjects"] == other["academicSubjects"]
        assert assessment["namespace"] == other["namespace"]
        mine = {
            row["description"][:60].strip() if len(row["description"]) > 60 else row["identificationCode"]
            for row in state.rows.get("ObjectiveAssessment", [])
            if row["assessmentIdentifier"] == assessment["assessmentIdentifier"]
        }
        assert mine - case.parts == (codes.get(assessment["assessmentIdentifier"], set()) if mine else set())


def _lines(case: Case, name: str) -> list[dict[str, Any]]:
    text = (SHARED / case.theirs / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def differences(state: Built, theirs: list[dict[str, Any]], by_assessment: bool = False) -> Counter[str]:
    """Counts of what differs between our results and theirs, by kind; the same student, test and day are one result."""
    mine = {_which(r, by_assessment): r for r in state.rows["StudentAssessment"]}
    other = {_their_key(r, by_assessment): r for r in theirs}
    assert len(mine) == len(state.rows["StudentAssessment"]), "two results of one student on one day in one subject"
    found: Counter[str] = Counter()
    found["absent with us: the row is held"] = len(set(other) - set(mine))
    for _, _, assessment in set(mine) - set(other):
        found[f"only ours: {assessment or 'an earlier attempt'}"] += 1
    for key in set(mine) & set(other):
        found += _result(mine[key], other[key])
    return +found


def _which(row: dict[str, Any], by_assessment: bool) -> tuple[str, str, str]:
    return row["_id.State"], row["administrationDate"][:10], row["assessmentIdentifier"] if by_assessment else ""


def _their_key(row: dict[str, Any], by_assessment: bool) -> tuple[str, str, str]:
    assessment = row["assessmentReference"]["assessmentIdentifier"] if by_assessment else ""
    return row["studentReference"]["studentUniqueId"], _iso(row["administrationDate"]), assessment


def _iso(text: str) -> str:
    text = text[:10]
    if "/" in text:
        month, day, year = text.split("/")
    else:
        year, month, day = text.split("-")
    return f"{year}-{int(month):02}-{int(day):02}"


def _result(ours: dict[str, Any], theirs: dict[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    if ours["studentAssessmentIdentifier"] != theirs["studentAssessmentIdentifier"]:
        is_digest = len(theirs["studentAssessmentIdentifier"]) == 32
        found[
            "studentAssessmentIdentifier: " + ("of other parts" if is_digest else "a digest, theirs the test id")
        ] += 1
    if ours["administrationDate"] != f"{_iso(theirs['administrationDate'])}T00:00:00":
        found["administrationDate: with the time"] += 1
    if _iso(theirs["administrationDate"]) != theirs["administrationDate"][:10]:
        found["administrationDate: not ISO 8601 with theirs"] += 1
    theirs_is = theirs["assessmentReference"]
    if ours["assessmentIdentifier"] != theirs_is["assessmentIdentifier"]:
        found[
            f"assessmentIdentifier: theirs {theirs_is['assessmentIdentifier']}, ours {ours['assessmentIdentifier']}"
        ] += 1
    if ours["namespace"] != theirs_is["namespace"]:
        found["namespace"] += 1
    if ours["schoolYear"] != theirs["schoolYearTypeReference"]["schoolYear"]:
        found["schoolYear: theirs of the run, ours of the test"] += 1
    grade = ours.get("whenAssessedGradeLevelDescriptor")
    if "whenAssessedGradeLevel" in theirs:
        found["whenAssessedGradeLevel: theirs lacks the word Descriptor"] += 1
    if grade != theirs.get("whenAssessedGradeLevelDescriptor", theirs.get("whenAssessedGradeLevel")):
        found[f"grade: theirs {_code(theirs.get('whenAssessedGradeLevelDescriptor'))}, ours {_code(grade)}"] += 1
    found += _scores(ours.get("scoreResults", []), theirs.get("scoreResults", []), "score")
    found += _levels(ours.get("performanceLevels", []), theirs.get("performanceLevels", []))
    return found + _objectives(ours, theirs)


def _objectives(ours: dict[str, Any], theirs: dict[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    mine = {o["identificationCode"]: o for o in ours.get("studentObjectiveAssessments", [])}
    other = {
        o["objectiveAssessmentReference"]["identificationCode"]: o
        for o in theirs.get("studentObjectiveAssessments", [])
    }
    for code in sorted(set(other) - set(mine)):
        near = [c for c in mine if c[:51] == code[:51]]
        if len(code) == 60 and near:
            found["objective code cut at 60 with theirs"] += 1
            mine[code] = mine.pop(near[0])
        else:
            found[f"objective only theirs: {code}"] += 1
    for code in sorted(set(mine) - set(other)):
        found[f"objective only ours: {code}"] += 1
    for code in set(mine) & set(other):
        found += _scores(mine[code].get("scoreResults", []), other[code].get("scoreResults", []), "objective score")
        found += _levels(mine[code].get("performanceLevels", []), other[code].get("performanceLevels", []))
    return found


def _scores(ours: list[dict[str, str]], theirs: list[dict[str, str]], kind: str) -> Counter[str]:
    found: Counter[str] = Counter()
    mine, other = ({_code(s["assessmentReportingMethodDescriptor"]): s for s in scores} for scores in (ours, theirs))
    assert (len(mine), len(other)) == (len(ours), len(theirs)), "a reporting method twice"
    for method in sorted(set(mine) ^ set(other)):
        found[f"{kind} only {'ours' if method in mine else 'theirs'}: {method}"] += 1
    for method in set(mine) & set(other):
        assert mine[method]["result"] == other[method]["result"], method
        types = [_code(s[method]["resultDatatypeTypeDescriptor"]) for s in (other, mine)]
        if types[0] != types[1]:
            found[f"datatype: theirs {types[0]}, ours {types[1]}"] += 1
    return found


def _levels(ours: list[dict[str, str]], theirs: list[dict[str, str]]) -> Counter[str]:
    mine, other = (
        {(_code(s["assessmentReportingMethodDescriptor"]), _code(s["performanceLevelDescriptor"])) for s in levels}
        for levels in (ours, theirs)
    )
    return Counter(
        f"level only {'ours' if level in mine else 'theirs'}: {level[0]} {level[1]}" for level in mine ^ other
    )


def _code(uri: str | None) -> str:
    return (uri or "none").rpartition("#")[2]
