"""Our output on the public samples beside the other tool's, field by field; every difference is named and explained.

docs/assessments.md says why each difference is there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.sources.assessment_cases import CASES, Case
from tests.sources.building import SHARED, Built, built

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the public samples are not here (../shared/data/assessments)"),
]


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
