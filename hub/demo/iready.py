"""i-Ready diagnostics: one row per student and test, kindergarten to grade 8, in the fall window."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from hub.demo.columns import american, below, choose, dates, table, text, where
from hub.demo.layouts import IREADY, IREADY_DOMAINS
from hub.demo.oneroster import DISTRICT_NUMBER, school_names, school_numbers
from hub.demo.people import state_ids, students
from hub.demo.plan import GRADES
from hub.demo.roster import NEVER, Roster

RELATIVE = (
    "3 or More Grade Levels Below", "2 Grade Levels Below", "1 Grade Level Below", "Early On Grade Level",
    "Mid or Above Grade Level",
)  # fmt: skip
WINDOW = "Fall (Beginning of Year - November 15)"
_KINDERGARTEN, _GRADE_8 = GRADES.index("KG"), GRADES.index("08")
_MEASURE = {"ela": ("Lexile", "L"), "math": ("Quantile", "Q")}


def diagnostics(roster: Roster, subject: str) -> pa.Table:
    """The year so far in "ela" or "math": tests of the first night, and one more percent of students each night."""
    plan = roster.plan
    turn = below(plan.key(f"iready turn {subject}"), roster.students, 100)
    tested = (roster.grade >= _KINDERGARTEN) & (roster.grade <= _GRADE_8) & (turn < 94 + roster.night)
    number = np.flatnonzero(tested & (roster.joined == NEVER))
    turn, grade = turn[number], roster.grade[number] - _KINDERGARTEN
    who = students(plan, number)
    level = np.maximum(below(plan.key(f"iready {subject}"), number, 5), 3 - grade)
    score = 360 + grade * 22 + level * 18 + below(plan.key(f"iready score {subject}"), number, 15)
    day = (plan.day(1) - plan.start).days - 14 - below(plan.key("iready week"), number, 6) * 7
    for night in range(2, roster.night + 1):
        day = np.where(turn == 93 + night, (plan.day(night) - plan.start).days, day)
    taken = american(dates(plan.start, day), zeros=False)
    measure, unit = _MEASURE[subject]
    size = (score - 340) * 4 // 5 * 5
    columns = {
        "Last Name": who.family, "First Name": who.given, "Student ID": who.local_id,
        "Student Grade": choose(("K", *map(str, range(1, 9))), grade), "Academic Year": plan.year_title,
        "School": choose(school_names(plan), roster.school[number]), "Enrolled": "Enrolled",
        "District State ID": DISTRICT_NUMBER, "School State ID": school_numbers(roster.school[number]),
        "Student State ID": state_ids(plan, number), "User Name": who.login, "Start Date": taken,
        "Completion Date": taken, "Norming Window": WINDOW, "Baseline Diagnostic (Y/N)": "Y",
        "Most Recent Diagnostic YTD (Y/N)": "Y", "Duration (min)": 25 + below(plan.key("iready min"), number, 60),
        "Read Aloud": "Off", "Overall Scale Score": score, "Overall Placement": _placement(grade, level),
        "Overall Relative Placement": choose(RELATIVE, level),
        "Percentile": np.clip(level * 20 + below(plan.key("iready pct"), number, 20), 1, 99),
        "Grouping": 1 + level, f"{measure} Measure": text(size, unit),
        f"{measure} Range": text(size - 100, unit, "-", size + 50, unit),
        "Diagnostic Gain": "0", "Annual Typical Growth Measure": 10 + level * 3,
        "Annual Stretch Growth Measure": 20 + level * 5, "Percent Progress to Annual Typical Growth (%)": "0",
        "Percent Progress to Annual Stretch Growth (%)": "0", "Mid On Grade Level Scale Score": 440 + grade * 22,
    } | _last(subject, level)  # fmt: skip
    for n, domain in enumerate(IREADY_DOMAINS[subject]):
        own = np.clip(level + below(plan.key(f"iready {subject} {n}"), number, 3) - 1, np.maximum(0, 3 - grade), 4)
        unasked = np.full(len(number), n == 0 and subject == "ela") & (grade > 1)
        columns |= {
            f"{domain} Scale Score": where(~unasked, text(score + (own - level) * 18)),
            f"{domain} Placement": where(unasked, "Not Assessed", _placement(grade, own)),
            f"{domain} Relative Placement": where(unasked, "Not Assessed", choose(RELATIVE, own)),
        }
    return table(IREADY[subject], len(number), **columns)


def _last(subject: str, level: np.typing.NDArray[np.int64]) -> dict[str, object]:
    if subject == "ela":
        return {"Reading Difficulty Indicator (Y/N)": where(level == 0, "Y", "N")}
    return {
        "Proficiency if Student Shows No Additional Growth": text("Level ", np.clip(level, 1, 4)),
        "Projection if Student Achieves Typical Growth": text("Level ", np.clip(level + 1, 1, 4)),
        "Projection if Student Achieves Stretch Growth": text("Level ", np.clip(level + 1, 1, 4)),
    }


def _placement(grade: np.typing.NDArray[np.int64], level: np.typing.NDArray[np.int64]) -> pa.Array:
    """Two or more grades below and the like say which grade; on grade it says how far into it."""
    names = ("K", *map(str, range(1, 9)))
    own = choose(names, grade)
    on_grade = where(level == 3, text("Early ", own), text("Mid ", own))
    return where(level >= 3, on_grade, text("Grade ", choose(names, np.maximum(grade - 3 + np.minimum(level, 3), 0))))
