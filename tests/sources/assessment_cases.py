"""The public samples, and every difference of our output from the other tool's, by kind and count."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.sources.building import SHARED

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
