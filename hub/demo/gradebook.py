"""Grades: exams of the core subjects in the SIS, daily assignments in the LMS. Scores run from 0 to 100."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from hub.demo.columns import Ints, below, opaque, table, where
from hub.demo.layouts import ONEROSTER_1_1, ONEROSTER_1_2
from hub.demo.oneroster import class_ids, school_ids, student_ids, term_ids
from hub.demo.plan import Plan
from hub.demo.roster import Roster, places

#: Subjects 0, 1 and 2 of every level have a quarter exam in the SIS.
CORE = 3
#: Percent of exam results posted on the first night; one more percent each night.
POSTED = 97
#: Assignments per class and day: two a week.
PER_WEEK, WEEK = 2, 5
CATEGORIES = ("Exam", "Assignment")


def categories(plan: Plan, layout: dict[str, tuple[str, ...]] = ONEROSTER_1_1) -> pa.Table:
    weight = {"weight": [60, 40]} if "weight" in layout["categories"] else {}
    return table(layout["categories"], 2, sourcedId=_category(plan, np.arange(2)), title=list(CATEGORIES), **weight)


def exams(roster: Roster) -> pa.Table:
    """lineItems.csv of the SIS: one exam per core class, in the first grading period."""
    plan = roster.plan
    group, subject = (column[roster.classes[1] < CORE] for column in roster.classes)
    given = plan.day(1) - timedelta(days=7)
    return table(
        ONEROSTER_1_1["lineItems"], len(group), sourcedId=_exam_ids(plan, group, subject), title="Quarter 1 Exam",
        assignDate=given, dueDate=given, classSourcedId=class_ids(plan, group, subject),
        categorySourcedId=_category(plan, np.zeros(len(group), np.int64)), gradingPeriodSourcedId=term_ids(plan)[3],
        resultValueMin="0", resultValueMax="100",
    )  # fmt: skip


def exam_results(roster: Roster) -> pa.Table:
    """results.csv of the SIS: what has been posted so far, only for students who were there at the exam."""
    plan = roster.plan
    student, subject = roster.enrollments
    place = student * 16 + subject
    kept = (subject < CORE) & (roster.joined[student] == 0)
    kept &= below(plan.key("posted"), place, 100) < POSTED + roster.night - 1
    student, subject, place = student[kept], subject[kept], place[kept]
    return table(
        ONEROSTER_1_1["results"], len(student), sourcedId=opaque(plan.key(f"exam result {plan.year}"), place),
        lineItemSourcedId=_exam_ids(plan, roster.group[student], subject), studentSourcedId=student_ids(plan, student),
        scoreStatus="fully graded", score=pa.array(_scores(plan, "exam", place)).cast(pa.string()),
        scoreDate=plan.day(1) - timedelta(days=3),
    )  # fmt: skip


def assignments(roster: Roster, night: int, modified: str | None = None) -> pa.Table:
    """lineItems.csv of the LMS: what teachers assigned on one night. `modified` makes a delta row."""
    plan = roster.plan
    group, subject = (column[_assigned(roster, night, *roster.classes)] for column in roster.classes)
    day = plan.day(night)
    return table(
        ONEROSTER_1_2["lineItems"], len(group), sourcedId=_assignment_ids(plan, night, group, subject),
        title=f"Practice {night}", assignDate=day, dueDate=day, classSourcedId=class_ids(plan, group, subject),
        categorySourcedId=_category(plan, np.ones(len(group), np.int64)),
        academicSessionSourcedId=_grading_period(plan, day), resultValueMin="0", resultValueMax="100",
        schoolSourcedId=school_ids(plan, roster.group_school[group]), **_delta(modified),
    )  # fmt: skip


def submissions(roster: Roster, night: int, modified: str | None = None) -> pa.Table:
    """results.csv of the LMS: one row for each student of each class that got an assignment that night."""
    plan = roster.plan
    student, subject, group = places(roster, night)
    kept = _assigned(roster, night, group, subject)
    student, subject, group = student[kept], subject[kept], group[kept]
    place = (night * 2**24 + student) * 16 + subject
    missing = below(plan.key("missing"), place, 20) == 0
    late = ~missing & (below(plan.key("late"), place, 12) == 0)
    score = pa.array(_scores(plan, "practice", place)).cast(pa.string())
    return table(
        ONEROSTER_1_2["results"], len(student), sourcedId=opaque(plan.key(f"submission {plan.year}"), place),
        lineItemSourcedId=_assignment_ids(plan, night, group, subject), studentSourcedId=student_ids(plan, student),
        scoreStatus=where(missing, "not submitted", "fully graded"), score=where(~missing, score),
        scoreDate=plan.day(night), classSourcedId=class_ids(plan, group, subject), inProgress="false",
        incomplete="false", late=where(late, "true", "false"), missing=where(missing, "true", "false"),
        **_delta(modified),
    )  # fmt: skip


def _delta(modified: str | None) -> dict[str, str]:
    return {"status": "active", "dateLastModified": modified} if modified else {}


def _assigned(roster: Roster, night: int, group: Ints, subject: Ints) -> np.typing.NDArray[np.bool_]:
    key = roster.plan.key(f"assigned {night}")
    return below(key, group * 8 + subject, WEEK) < PER_WEEK


def _scores(plan: Plan, topic: str, place: Ints) -> Ints:
    return 40 + below(plan.key(f"{topic} 1"), place, 31) + below(plan.key(f"{topic} 2"), place, 31)


def _category(plan: Plan, number: Ints) -> pa.Array:
    return opaque(plan.key("category"), number)


def _exam_ids(plan: Plan, group: Ints, subject: Ints) -> pa.Array:
    return opaque(plan.key(f"exam {plan.year}"), group * 8 + subject)


def _assignment_ids(plan: Plan, night: int, group: Ints, subject: Ints) -> pa.Array:
    return opaque(plan.key(f"assignment {plan.year}"), (night * 2**24 + group) * 8 + subject)


def _grading_period(plan: Plan, day: date) -> str:
    number = next(n for n, term in enumerate(plan.terms) if term[1] == "gradingPeriod" and term[3] <= day < term[4])
    return term_ids(plan)[number]
