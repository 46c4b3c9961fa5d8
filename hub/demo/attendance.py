"""Positive attendance of one school day, as the SIS extracts it: one row per student and school, and per section."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from hub.demo.columns import Ints, below, choose, table
from hub.demo.oneroster import class_ids, periods, school_numbers
from hub.demo.people import FIRST_LOCAL_ID
from hub.demo.plan import Plan
from hub.demo.roster import Roster, places

#: A row without section_id speaks of the whole day at school. section_id is the sourcedId of the class.
ATTENDANCE = ("student_number", "school_number", "section_id", "date", "period", "code", "reason")
#: Present, absent without and with excuse, tardy.
CODES = ("P", "A", "E", "T")
_REASONS = (None, None, "Illness", "Bus")
#: Out of a hundred: the day's mark changes from P to A, E and T at these.
_SHARES = (92, 94, 98)


def day_marks(plan: Plan, night: int, student: Ints) -> Ints:
    """Index into CODES of each student's day: eight in a hundred are absent or tardy."""
    return np.searchsorted(_SHARES, below(plan.key(f"attendance {night}"), student, 100), side="right")


def attendance(roster: Roster, night: int) -> pa.Table:
    """All marks of night `night`. Elementary schools take it once, in the first subject; later schools every period.

    Who is absent for the day is absent in every section; who is tardy is tardy in the first period only.
    """
    plan = roster.plan
    student, subject, group = places(roster, night)
    taken = (roster.group_level[group] > 0) | (subject == 0)
    student, subject, group = student[taken], subject[taken], group[taken]
    present = np.unique(student)
    period = periods(roster, group, subject)
    mark = day_marks(plan, night, student)
    mark = np.where((mark == 3) & (period > 1), 0, mark)
    whole_days = _rows(roster, present, day_marks(plan, night, present), night)
    sections = _rows(
        roster, student, mark, night, section_id=class_ids(plan, group, subject),
        period=pa.array(period).cast(pa.string()),
    )  # fmt: skip
    return pa.concat_tables([whole_days, sections])


def _rows(roster: Roster, student: Ints, mark: Ints, night: int, **columns: pa.Array) -> pa.Table:
    return table(
        ATTENDANCE, len(student), student_number=pa.array(student + FIRST_LOCAL_ID).cast(pa.string()),
        school_number=school_numbers(roster.school[student]), date=roster.plan.day(night),
        code=choose(CODES, mark), reason=choose(_REASONS, mark), **columns,
    )  # fmt: skip
