"""NWEA MAP Growth: one row per test taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv

from hub.demo.columns import Ints, american, below, choose, dates, padded, shuffled, table, text, where
from hub.demo.layouts import MAP_GROWTH
from hub.demo.oneroster import DISTRICT_NUMBER, school_names, school_numbers
from hub.demo.package import read_csv
from hub.demo.people import FIRST_LOCAL_ID, state_ids
from hub.demo.roster import Roster

SUBJECTS = ("Mathematics", "Language Arts")
_COURSES = ("Math K-12", "Reading")
_TESTS = ("Growth: Math K-12 Hollow 2024", "Growth: Reading K-12 Hollow 2024")
_GOALS = (
    ("Numbers, Quantities, and Patterns", "Shapes and Space", "Data and Chance", "Problem Solving"),
    ("Literary Texts", "Informational Texts", "Words: Meaning and Use", "Language, Grammar, and Style"),
)
QUINTILES = ("Low", "LoAvg", "Avg", "HiAvg", "High")
#: Share of the term's tests that were taken before the first night; each night after that adds as many as NIGHTLY.
TAKEN_BEFORE, NIGHTLY = 0.9, 0.02
#: Adaptive and formative results of an ordinary night, per student.
PER_STUDENT = 0.634
#: Rows that `copies` holds at a time.
BATCH = 50_000


def tests(roster: Roster) -> pa.Table:
    """The term so far: first the tests taken before the first night, then each night's, in the order taken."""
    plan = roster.plan
    total = plan.students * len(SUBJECTS)
    share = min(1.0, TAKEN_BEFORE + NIGHTLY * (roster.night - 1))
    taken = shuffled(plan.key("map order"), total)[: round(total * share)]
    place = np.arange(len(taken)) / total
    night = np.maximum(1, np.ceil((place - TAKEN_BEFORE) / NIGHTLY).astype(np.int64) + 1)
    first = (plan.day(1) - plan.start).days
    day = np.where(night == 1, first - 3 - below(plan.key("map week"), taken, 8) * 7 - taken % 5, 0)
    for when in range(2, roster.night + 1):
        day = np.where(night == when, (plan.day(when) - plan.start).days, day)
    return _rows(roster, taken // 2, taken % 2, day, taken)


def nightly(roster: Roster) -> pa.Table:
    """The results of one night alone: about 0.63 per student, each student at most once."""
    plan, night = roster.plan, roster.night
    count = round(plan.students * PER_STUDENT)
    student = shuffled(plan.key(f"map night {night}"), plan.students)[:count]
    day = np.full(count, (plan.day(night) - plan.start).days)
    return _rows(roster, student, student % 2, day, night * 2**24 + student)


def _rows(roster: Roster, student: Ints, subject: Ints, day: Ints, number: Ints) -> pa.Table:
    plan = roster.plan

    def roll(topic: str, limit: int) -> Ints:
        return below(plan.key(f"map {topic}"), number, limit)

    percentile = 1 + (roll("p1", 50) + roll("p2", 50))
    score = 150 + roster.grade[student] * 6 + percentile // 3
    minutes = 7 * 60 + 45 + roll("minute", 400)
    goals: dict[str, object] = {}
    for goal in range(4):
        rit, error = score - 8 + roll(f"goal {goal}", 17), 55 + roll(f"goal error {goal}", 20)
        half = np.rint(error / 10).astype(np.int64)
        goals |= {
            f"Goal{goal + 1}Name": choose([names[goal] for names in _GOALS], subject),
            f"Goal{goal + 1}RitScore": rit,
            f"Goal{goal + 1}StdErr": _tenths(error),
            f"Goal{goal + 1}Range": text(rit - half, "-", rit + half),
            f"Goal{goal + 1}Adjective": choose(QUINTILES, np.clip((percentile - 1) // 20 + roll("adj", 3) - 1, 0, 4)),
        }
    reading = subject == 1
    lexile = (score - 140) * 12 // 5 * 5
    measure, low, high = text(lexile, ""), text(lexile - 100, ""), text(lexile + 50, "")
    return table(
        MAP_GROWTH, len(student), TermName=f"Fall {plan.year_title}", DistrictName=f"{plan.title} School District",
        District_StateID=DISTRICT_NUMBER, SchoolName=choose(school_names(plan), roster.school[student]),
        School_StateID=school_numbers(roster.school[student]),
        StudentID=pa.array(student + FIRST_LOCAL_ID).cast(pa.string()), Student_StateID=state_ids(plan, student),
        Subject=choose(SUBJECTS, subject), Course=choose(_COURSES, subject), GrowthMeasureYN="TRUE",
        NormsReferenceData="2020", WISelectedAYFall="6", TestType="Survey With Goals", TestName=choose(_TESTS, subject),
        TestID=text(str(plan.year), padded(number, 10)), TestStartDate=american(dates(plan.start, day)),
        TestStartTime=text(padded(minutes // 60, 2), ":", padded(minutes % 60, 2), ":", padded(roll("second", 60), 2)),
        TestDurationMinutes=18 + roll("duration", 60), TestRITScore=score,
        TestStandardError=_tenths(29 + roll("se", 9)),
        TestPercentile=percentile, AchievementQuintile=choose(QUINTILES, (percentile - 1) // 20),
        PercentCorrect=42 + roll("correct", 18), RapidGuessingPercentage=text(roll("rapid", 4), ".0000"),
        LexileScore=where(reading, measure), LexileMin=where(reading, low), LexileMax=where(reading, high),
        QuantileScore=where(~reading, measure), QuantileMin=where(~reading, low), QuantileMax=where(~reading, high),
        TypicalFallToFallGrowth=3 + roll("typical", 9), TypicalFallToWinterGrowth=2 + roll("winter", 5),
        TypicalFallToSpringGrowth=3 + roll("spring", 8), **goals,
    )  # fmt: skip


def _tenths(number: Ints) -> pa.Array:
    return text(number // 10, ".", number % 10)


def copies(path: Path, rows: int, out: Path) -> Path:
    """Write `rows` rows made by repeating those of a MAP Growth file, each with a student and a TestID of its own.

    Goes in batches, so that memory stays flat however many rows are asked for.
    """
    source = read_csv(path)
    out.parent.mkdir(parents=True, exist_ok=True)
    with pcsv.CSVWriter(str(out), source.schema) as writer:
        for start in range(0, rows, BATCH):
            writer.write_table(_copied(source, np.arange(start, min(start + BATCH, rows))))
    return out


def _copied(source: pa.Table, number: Ints) -> pa.Table:
    blown = source.take(pa.array(number % source.num_rows))
    own = {
        "StudentID": text(number + FIRST_LOCAL_ID),
        "Student_StateID": padded(number + 1, 10),
        "TestID": text(number + 10**12),
    }
    for name, column in own.items():
        blown = blown.set_column(blown.schema.get_field_index(name), name, column)
    return blown
