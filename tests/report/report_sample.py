"""A fictional district's month of nights, as whole and as awkward as a real one. Every total adds up."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hub.model import Breach, Change, Count, HeldCount, LandedFile, Rule, RuleResult, Run, SourceOutcome

NOW = datetime(2026, 11, 22, 7, 4, tzinfo=timezone(timedelta(hours=-7), "MST"))
_TONIGHT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_FAILED = 11  # nights ago
RUN_ID = "20261122T090000Z-7c41e0"
HOURS = {"psat": 24.0 * 200, "reading-screener": 24.0 * 14, "map-growth": 24.0 * 7}

RULES = {
    rule.id: rule
    for rule in (
        Rule(
            "grade-level-known",
            "error",
            "OneRoster 1.2, section 4.13 users, grades; CEDS entry grade level",
            "A grade level must be one of the codes of the standard.",
            "Map the code in the SIS export, or add it to the crosswalk if it is meant.",
        ),
        Rule(
            "section-exists",
            "error",
            "Ed-Fi 5.2, StudentSectionAssociation, SectionReference",
            "An enrollment must point to a section that was delivered.",
            "Deliver the section in the same package, or remove the enrollment.",
        ),
        Rule(
            "student-ids-disagree",
            "error",
            "Hub, identity review",
            "Two ids of one row point to two different students.",
            "Look at both students in the SIS and settle which id is right; the answer is remembered.",
            "district",
        ),
        Rule(
            "test-date-in-term",
            "error",
            "NWEA, MAP Growth data file, TestStartDate",
            "A test date must lie in the term that the file is for.",
            "Ask for the file of this term: last year's may have been exported under this year's name.",
        ),
        Rule(
            "attendance-taken",
            "warning",
            "Hub, completeness",
            "Every school in session sends attendance for the day.",
            "Call the school: two have not closed their day.",
            "district",
        ),
        Rule(
            "score-in-range",
            "warning",
            "NWEA, RIT scale, 100 to 350",
            "A RIT score lies between 100 and 350.",
            "Ask the vendor to re-score the test events listed.",
        ),
        Rule(
            "leading-zero-restored",
            "warning",
            "Hub, identity",
            "A local id that lost its leading zero was repaired, as only one student fits.",
            "Export ids as text.",
        ),
        Rule("bom-removed", "warning", "RFC 4180", "A byte order mark before the header was removed.", "None needed."),
    )
}

# source -> entity -> (rows in, held at check by (field, rule), ignored at unify by reason)
_ROWS = {
    "sis": {
        "School": (23, {}, {}),
        "Student": (14_206, {("gradeLevel", "grade-level-known"): 9}, {}),
        "StudentSchoolAssociation": (14_391, {("entryGradeLevelDescriptor", "grade-level-known"): 9}, {}),
        "Staff": (1_148, {}, {}),
        "Course": (862, {}, {}),
        "CourseOffering": (2_604, {}, {}),
        "Section": (3_911, {}, {}),
        "StudentSectionAssociation": (98_772, {("sectionIdentifier", "section-exists"): 214}, {}),
        "StudentSchoolAttendanceEvent": (11_037, {}, {}),
        "Contact": (21_640, {}, {}),
        "StudentContactAssociation": (24_983, {}, {}),
    },
    "lms": {
        "Student": (
            14_188,
            {("studentUniqueId", "student-ids-disagree"): 3},
            {"merged into another source": 14_171},
        ),
        "GradebookEntry": (6_320, {}, {}),
        "StudentGradebookEntry": (61_447, {}, {"the entry was dropped by its teacher": 52}),
    },
    "map-growth": {
        "Assessment": (6, {}, {}),
        "ObjectiveAssessment": (41, {}, {}),
        "StudentAssessment": (17_902, {("administrationDate", "test-date-in-term"): 118}, {}),
    },
    "psat": {"StudentAssessment": (2_811, {}, {})},
}
_STREAMS = {
    "sis": {
        "orgs": 24,
        "users": 40_312,
        "enrollments": 98_772,
        "classes": 3_911,
        "attendance": 11_037,
        "demographics": 14_206,
    },
    "lms": {"users": 15_402, "lineItems": 6_320, "results": 61_447},
    "map-growth": {"AssessmentResults": 17_902},
    "psat": {"scores": 2_811},
}
_IGNORED = {
    ("lms", "users"): {"not a student or staff of this year": 1_211},
    ("sis", "orgs"): {"state department row": 1},
}


def run() -> Run:
    """The night to look at: held by the guard, one source failed, one refused, a few hundred rows held."""
    counts = tuple(_counts())
    return Run(
        id=RUN_ID,
        district="juniper-valley",
        year=2027,
        started=_TONIGHT,
        finished=datetime(2026, 11, 22, 9, 3, 41, tzinfo=UTC),
        status="held",
        sources=_sources(),
        counts=counts,
        rules=tuple(_rule_results(0)),
        changes=_changes(0),
        held=tuple(
            HeldCount(source, entity, field, rule, rows)
            for source, entities in _ROWS.items()
            for entity, (_, held, _) in entities.items()
            for (field, rule), rows in held.items()
        ),
        breaches=(
            Breach("StudentSectionAssociation", "removed", 6_940, 6_940 / 99_104, 0.05),
            Breach("Section", "removed", 214, 214 / 3_901, 0.05),
        ),
        versions={
            "hub": "0.1.0",
            "specs": hashlib.sha256(b"specs").hexdigest(),
            "rules": hashlib.sha256(b"rules").hexdigest(),
            "standards": "Ed-Fi 5.2, OneRoster 1.2.1",
        },
    )


def good_run() -> Run:
    """The last weeknight: published, nothing for anyone to do."""
    past = next(past for past in history() if past.status == "published")
    return replace(past, held=(), rules=tuple(replace(r, failed=0) for r in past.rules))


def history(nights: int = 29) -> list[Run]:
    """Earlier nights, newest first: one failed, weekends unchanged."""
    made = []
    for back in range(1, nights + 1):
        started = _TONIGHT - timedelta(days=back)
        weekend = started.weekday() >= 5
        failed = back == _FAILED
        status = "failed" if failed else "unchanged" if weekend else "published"
        made.append(
            Run(
                id=f"{started:%Y%m%dT%H%M%SZ}-{back:06x}",
                district="juniper-valley",
                year=2027,
                started=started,
                finished=started + timedelta(minutes=4),
                status=status,
                sources=tuple(_past_outcome(outcome, back, weekend, started) for outcome in _sources()),
                rules=() if failed else tuple(_rule_results(back)),
                changes=() if failed else _changes(back),
                held=(HeldCount("sis", "Student", "gradeLevel", "grade-level-known", 9),),
            )
        )
    return made


def _sources() -> tuple[SourceOutcome, ...]:
    night = _TONIGHT
    return (
        SourceOutcome(
            "sis",
            "oneroster",
            "fresh",
            "One full package.",
            received=night + timedelta(minutes=1),
            files=_files("sis"),
            repairs={"bom-removed": 2, "leading-zero-restored": 37},
            state=_hash("sis")[:16],
        ),
        SourceOutcome(
            "lms",
            "classroom-csv",
            "fresh",
            received=night + timedelta(minutes=1),
            files=_files("lms"),
            repairs={"leading-zero-restored": 4},
            state=_hash("lms")[:16],
        ),
        SourceOutcome(
            "map-growth",
            "nwea-map-growth",
            "unchanged",
            "The same file as last night.",
            received=night - timedelta(days=3, hours=2),
            files=_files("map-growth"),
            state=_hash("map")[:16],
        ),
        SourceOutcome(
            "psat",
            "college-board",
            "refused",
            "psat_2025.csv has the header of the 2024–25 layout.",
            "Ask for the file in the 2026–27 layout.",
            "vendor",
            night - timedelta(days=12),
            _files("psat"),
            state=_hash("psat")[:16],
        ),
        SourceOutcome(
            "reading-screener",
            "iready",
            "failed",
            "sftp://files.reading.example: the host key changed.",
            "Compare the new key with the vendor by telephone, then put it in hub.yaml.",
            "R. Okafor, district IT",
            night - timedelta(days=2),
            state=_hash("screener")[:16],
        ),
    )


def _files(source: str) -> tuple[LandedFile, ...]:
    return tuple(
        LandedFile(f"{stream}.csv", _hash(source + stream), rows * 87 + 412, rows)
        for stream, rows in _STREAMS[source].items()
    )


def _counts() -> list[Count]:
    counts = []
    for source, streams in _STREAMS.items():
        for stream, rows in streams.items():
            ignored = _IGNORED.get((source, stream), {})
            counts.append(Count("normalize", source, stream, "", rows, rows - sum(ignored.values()), 0, ignored))
    for source, entities in _ROWS.items():
        for entity, (rows, held, ignored) in entities.items():
            faulty = sum(held.values())
            counts.append(Count("normalize", source, "", entity, rows, rows, 0))
            counts.append(Count("check", source, "", entity, rows, rows - faulty, faulty))
            rows -= faulty
            counts.append(Count("unify", source, "", entity, rows, rows - sum(ignored.values()), 0, ignored))
    return counts


# entity -> (rows published before tonight, rows that a weeknight adds)
_TABLES = {
    "Student": (14_197, 3),
    "StudentSchoolAssociation": (14_370, 4),
    "Staff": (1_148, 1),
    "Section": (3_901, 2),
    "StudentSectionAssociation": (99_104, 31),
    "StudentSchoolAttendanceEvent": (10_604, 420),
    "StudentGradebookEntry": (60_733, 1_260),
    "StudentAssessment": (20_595, 0),
    "School": (23, 0),
    "Course": (862, 0),
}


def _changes(back: int) -> tuple[Change, ...]:
    """Rows grow by the same number each weeknight; tonight the SIS lost sections and their enrollments."""
    lost = {"Section": (224, 11, 214), "StudentSectionAssociation": (6_394, 618, 6_940)}
    if back == 0:
        return tuple(
            Change(entity, rows, *lost.get(entity, (growth, growth // 3, 0)))
            for entity, (rows, growth) in _TABLES.items()
        )
    grew = sum(_grows(night) for night in range(1, back + 1))
    return tuple(
        Change(entity, rows - growth * grew, growth if _grows(back) else 0, 0, 0)
        for entity, (rows, growth) in _TABLES.items()
    )


def _grows(back: int) -> bool:
    return (_TONIGHT - timedelta(days=back)).weekday() < 5 and back != _FAILED


def _rule_results(back: int) -> list[RuleResult]:
    chance = random.Random(back)
    missing = 214 if back == 0 else chance.choice((0, 2, 5))
    silent = 2 if back == 0 else chance.choice((0, 0, 1, 4))
    scores = 0 if back < 8 else max(0, 60 - back)
    results = [
        RuleResult("grade-level-known", "error", "sis", "Student", 14_206, 9),
        RuleResult("grade-level-known", "error", "sis", "StudentSchoolAssociation", 14_391, 9),
        RuleResult("section-exists", "error", "sis", "StudentSectionAssociation", 98_772, missing),
        RuleResult("student-ids-disagree", "error", "lms", "Student", 14_188, 3 if back < 6 else 0),
        RuleResult("test-date-in-term", "error", "map-growth", "StudentAssessment", 17_902, 118 if back < 4 else 0),
        RuleResult("attendance-taken", "warning", "sis", "StudentSchoolAttendanceEvent", 23, silent),
        RuleResult("score-in-range", "warning", "map-growth", "StudentAssessment", 17_902, scores),
    ]
    for entity, rows in (("Student", 14_206), ("Staff", 1_148), ("Course", 862), ("Section", 3_911)):
        results.append(RuleResult("key-unique", "error", "sis", entity, rows, 0))
        results.append(RuleResult("required-present", "error", "sis", entity, rows, 0))
    return results


def _past_outcome(outcome: SourceOutcome, back: int, weekend: bool, started: datetime) -> SourceOutcome:
    status = outcome.status
    if outcome.source in ("sis", "lms"):
        status = "unchanged" if weekend else "fresh"
    if outcome.source == "reading-screener":
        status = "failed" if back < 2 else "fresh" if back % 7 == 2 else "unchanged"
    if outcome.source == "psat" and back > 3:
        status = "unchanged"
    if outcome.source == "map-growth":
        status = "fresh" if back % 7 == 3 else "unchanged"
    if back == _FAILED:
        status = "failed"
    received = min(outcome.received or started, started)
    return replace(outcome, status=status, received=received, files=(), repairs={}, message="", remedy="")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
