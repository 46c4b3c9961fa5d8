"""Who is where on a night: arrays over students, groups and classes, all derived from the plan and the night.

A group is a set of about 25 students of one school and grade that takes its classes together; class number
`group * 8 + subject`. A student's own number never changes, newcomers get the numbers after the last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hub.demo.columns import Ints, below, shuffled
from hub.demo.plan import PERIODS, SPAN, Plan

GROUP_SIZE = 25
#: Shares of the students that a night touches.
NEW, DROPPED, MOVED, REGRADED, CORRECTED = 0.002, 0.002, 0.002, 0.001, 0.001
NEVER = 0


@dataclass(frozen=True)
class Roster:
    """State of the district on one night. `*_night` arrays hold the night of the event, 0 for never."""

    plan: Plan
    night: int
    # by student
    school: Ints
    level: Ints
    grade: Ints
    group: Ints
    joined: Ints
    dropped: Ints
    moved: Ints
    moved_subject: Ints
    moved_group: Ints
    regraded: Ints
    corrected: Ints
    # by group
    group_school: Ints
    group_grade: Ints
    group_level: Ints
    group_in_school: Ints

    @property
    def students(self) -> Ints:
        return np.arange(len(self.school))

    @property
    def classes(self) -> tuple[Ints, Ints]:
        """(group, subject) of every class."""
        periods = np.array(PERIODS)[self.group_level]
        return _repeat(periods)

    @property
    def enrollments(self) -> tuple[Ints, Ints]:
        """(student, subject) of every place a student has had, before schedule changes."""
        return _repeat(np.array(PERIODS)[self.level])

    @property
    def active(self) -> NDArray[np.bool_]:
        return self.dropped == NEVER


def roster(plan: Plan, night: int) -> Roster:
    """The district on night `night`: the first night plus the small events of every night since."""
    base = _first_night(plan)
    new = _count(NEW, plan) * (night - 1)
    if new:
        host = below(plan.key("host"), np.arange(new), plan.students)
        base = replace(
            base,
            school=np.append(base.school, base.school[host]),
            level=np.append(base.level, base.level[host]),
            grade=np.append(base.grade, base.grade[host]),
            group=np.append(base.group, base.group[host]),
            joined=np.append(base.joined, np.arange(new) // _count(NEW, plan) + 2),
        )
    return _with_events(replace(base, night=night), night)


def places(roster: Roster, night: int) -> tuple[Ints, Ints, Ints]:
    """(student, subject, group) of everybody who sits in a class on `night`, which may lie before the roster's."""
    student, subject = roster.enrollments
    dropped, moved = roster.dropped[student], roster.moved[student]
    there = (roster.joined[student] <= night) & ((dropped == NEVER) | (dropped > night))
    changed = (subject == roster.moved_subject[student]) & (moved != NEVER) & (moved <= night)
    group = np.where(changed, roster.moved_group[student], roster.group[student])
    return student[there], subject[there], group[there]


def _first_night(plan: Plan) -> Roster:
    student = np.arange(plan.students)
    school = student * plan.schools // plan.students
    level_of_school = np.searchsorted([0.48, 0.72], (np.arange(plan.schools) + 0.5) / plan.schools)
    level = level_of_school[school]
    low, high = np.array(SPAN).T
    grades = (high - low + 1)[level]
    position, size = _within(school)
    grade = low[level] + position * grades // size
    cohort = school * 16 + grade
    position, size = _within(cohort)
    groups = np.maximum(1, np.rint(size / GROUP_SIZE).astype(np.int64))
    _, group = np.unique(cohort * 4096 + position * groups // size, return_inverse=True)
    _, first = np.unique(group, return_index=True)
    in_school, _ = _within(school[first])
    nothing = np.zeros(plan.students, np.int64)
    return Roster(
        plan, 1, school, level, grade, group, nothing, nothing, nothing, nothing, nothing, nothing, nothing,
        school[first], grade[first], level[first], in_school,
    )  # fmt: skip


def _with_events(base: Roster, night: int) -> Roster:
    """Events touch each student of the first night at most once, so that they do not blur each other."""
    plan, count = base.plan, len(base.school)
    order = shuffled(plan.key("events"), plan.students)
    sizes = [_count(share, plan) for share in (DROPPED, MOVED, REGRADED, CORRECTED)]
    touched = [np.zeros(count, np.int64) for _ in sizes]
    start = 0
    for when in range(2, night + 1):
        for column, size in zip(touched, sizes, strict=True):
            column[order[start : start + size]] = when
            start += size
    dropped, moved, regraded, corrected = touched
    last = np.append(base.group_school[1:] * 16 + base.group_grade[1:], -1)
    cohort = base.group_school * 16 + base.group_grade
    has_next = last == cohort
    has_previous = np.append(False, has_next[:-1])
    neighbour = np.arange(len(cohort)) + np.where(has_next, 1, np.where(has_previous, -1, 0))
    moved = np.where(neighbour[base.group] != base.group, moved, NEVER)
    subject = below(plan.key("moved subject"), np.arange(count), np.array(PERIODS)[base.level])
    top = np.array(SPAN)[base.level, 1]
    regraded = np.where(base.grade < top, regraded, NEVER)
    return replace(
        base, dropped=dropped, moved=moved, moved_subject=subject, moved_group=neighbour[base.group],
        regraded=regraded, corrected=corrected,
    )  # fmt: skip


def _count(share: float, plan: Plan) -> int:
    return max(2, round(plan.students * share))


def _within(sorted_key: Ints) -> tuple[Ints, Ints]:
    """Position within, and size of, each run of equal neighbours."""
    starts = np.flatnonzero(np.append(True, np.diff(sorted_key) != 0))
    sizes = np.diff(np.append(starts, len(sorted_key)))
    return np.arange(len(sorted_key)) - np.repeat(starts, sizes), np.repeat(sizes, sizes)


def _repeat(times: Ints) -> tuple[Ints, Ints]:
    """(row, 0..times-1) for every row."""
    row = np.repeat(np.arange(len(times)), times)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
