"""The LMS package in OneRoster CSV 1.2. The LMS was rostered from the SIS, so it keeps the SIS's sourcedIds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from hub.demo import gradebook, oneroster
from hub.demo.columns import opaque, table, text, where
from hub.demo.layouts import ONEROSTER_1_2
from hub.demo.people import People, staff, state_ids, students, teacher_numbers
from hub.demo.roster import Roster


def tables(roster: Roster) -> dict[str, pa.Table]:
    """Bulk: all that the LMS knows after this night. No contacts, no administrators, no demographics."""
    plan = roster.plan
    nights = range(1, roster.night + 1)
    return {
        "academicSessions": oneroster.academic_sessions(plan),
        "categories": gradebook.categories(plan, ONEROSTER_1_2),
        "classes": oneroster.classes(roster),
        "courses": oneroster.courses(plan),
        "enrollments": oneroster.enrollments(roster),
        "lineItems": pa.concat_tables([gradebook.assignments(roster, night) for night in nights]),
        "orgs": oneroster.orgs(plan),
        "results": pa.concat_tables([gradebook.submissions(roster, night) for night in nights]),
        "roles": roles(roster),
        "users": users(roster),
    }


def delta(roster: Roster) -> dict[str, pa.Table]:
    """Delta: the assignments and submissions of this night alone; who and which class is known from the SIS."""
    modified = f"{roster.plan.day(roster.night)}T22:00:00.000Z"
    return {
        "lineItems": gradebook.assignments(roster, roster.night, modified),
        "results": gradebook.submissions(roster, roster.night, modified),
    }


def users(roster: Roster) -> pa.Table:
    plan, number = roster.plan, roster.students
    teacher = np.unique(teacher_numbers(roster))
    login = opaque(plan.key("lms login"), number)
    return pa.concat_tables(
        [
            _users(
                students(plan, number), oneroster.school_ids(plan, roster.school),
                grades=oneroster.current_grades(roster), enabledUser=where(roster.active, "true", "false"),
                userIds=text("{State:", state_ids(plan, number), "},{LMS:", login, "}"),
            ),
            _users(staff(plan, teacher), oneroster.school_ids(plan, teacher // 1000)),
        ]
    )  # fmt: skip


def _users(people: People, school: pa.Array, **columns: pa.Array) -> pa.Table:
    return table(
        ONEROSTER_1_2["users"], len(people.local_id),
        **{
            "sourcedId": people.sourced_id, "enabledUser": "true", "username": people.login,
            "givenName": people.given, "familyName": people.family, "middleName": people.middle,
            "identifier": people.local_id, "email": people.email, "primaryOrgSourcedId": school,
        } | columns,
    )  # fmt: skip


def roles(roster: Roster) -> pa.Table:
    """One primary role for each user, at their school."""
    plan, number = roster.plan, roster.students
    teacher = np.unique(teacher_numbers(roster))
    return pa.concat_tables(
        [
            _roles("student", opaque(plan.key("student role"), number), oneroster.student_ids(plan, number),
                   oneroster.school_ids(plan, roster.school)),
            _roles("teacher", opaque(plan.key("teacher role"), teacher), opaque(plan.key("staff"), teacher),
                   oneroster.school_ids(plan, teacher // 1000)),
        ]
    )  # fmt: skip


def _roles(role: str, ids: pa.Array, user: pa.Array, school: pa.Array) -> pa.Table:
    return table(
        ONEROSTER_1_2["roles"], len(ids), sourcedId=ids, userSourcedId=user, roleType="primary", role=role,
        orgSourcedId=school,
    )  # fmt: skip
