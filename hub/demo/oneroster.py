"""The SIS package in OneRoster CSV 1.1: one table per file, headers in the order of the standard (1.1, section 4)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hub.demo.columns import Ints, below, choose, dates, opaque, padded, table, text, where
from hub.demo.layouts import ONEROSTER_1_1
from hub.demo.names import SCHOOL
from hub.demo.people import (
    People,
    administrators,
    contact_numbers,
    contacts,
    staff,
    state_ids,
    students,
    teacher_numbers,
)
from hub.demo.plan import GRADES, LEVELS, PERIODS, SPAN, Plan
from hub.demo.roster import Roster

#: (course title, subject, SCED subject area and course code) by level and subject number.
COURSES = (
    (("Reading", "English", "01028"), ("Writing", "English", "01104"), ("Mathematics", "Mathematics", "02038"),
     ("Science", "Science", "03230"), ("Social Studies", "History", "04430"), ("Art and Music", "Arts", "05131")),
    (("English", "English", "01034"), ("Mathematics", "Mathematics", "02037"), ("Science", "Science", "03237"),
     ("Social Studies", "History", "04437"), ("Physical Education", "Health", "08037"), ("World Language", "Language",
      "06101"), ("Design", "Technology", "10051")),
    (("English", "English", "01001"), ("Mathematics", "Mathematics", "02056"), ("Biology", "Science", "03051"),
     ("History", "History", "04101"), ("Physical Education", "Health", "08001"), ("World Language", "Language",
      "06121"), ("Computing", "Technology", "10012")),
)  # fmt: skip
#: The last subject of middle and high schools is taught in the fall only.
FALL_ONLY = 6
SCHOOL_NUMBER = 100_101
DISTRICT_NUMBER = "1001"
RACES = (
    "americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican", "nativeHawaiianOrOtherPacificIslander", "white",
)  # fmt: skip


def term_ids(plan: Plan) -> list[str]:
    ids: list[str] = opaque(plan.key(f"term {plan.year}"), np.arange(len(plan.terms))).to_pylist()
    return ids


def school_ids(plan: Plan, school: Ints) -> pa.Array:
    return opaque(plan.key("org"), school + 1)


def school_numbers(school: Ints) -> pa.Array:
    """The district's own number of a school: orgs.identifier, and the school column of every other vendor."""
    return pa.array(school + SCHOOL_NUMBER).cast(pa.string())


def school_names(plan: Plan) -> list[str]:
    level = np.searchsorted([0.48, 0.72], (np.arange(plan.schools) + 0.5) / plan.schools)
    return [
        f"{SCHOOL[s % len(SCHOOL)]} {'' if s < len(SCHOOL) else f'{s // len(SCHOOL) + 1} '}{LEVELS[level[s]]} School"
        for s in range(plan.schools)
    ]


def class_ids(plan: Plan, group: Ints, subject: Ints) -> pa.Array:
    return opaque(plan.key(f"class {plan.year}"), group * 8 + subject)


def orgs(plan: Plan) -> pa.Table:
    district = opaque(plan.key("org"), np.zeros(1, np.int64))
    every = np.arange(plan.schools)
    ids = pa.concat_arrays([district, school_ids(plan, every)])
    return table(
        ONEROSTER_1_1["orgs"], plan.schools + 1, sourcedId=ids,
        name=[f"{plan.title} School District", *school_names(plan)], type=["district", *["school"] * plan.schools],
        identifier=[DISTRICT_NUMBER, *school_numbers(every).to_pylist()],
        parentSourcedId=[None, *[district[0].as_py()] * plan.schools],
    )  # fmt: skip


def academic_sessions(plan: Plan) -> pa.Table:
    _, kinds, titles, starts, ends, parents = zip(*plan.terms, strict=True)
    ids = term_ids(plan)
    return table(
        ONEROSTER_1_1["academicSessions"], len(ids), sourcedId=ids, title=titles, type=kinds, startDate=starts,
        endDate=ends, parentSourcedId=[ids[p] if p >= 0 else None for p in parents], schoolYear=str(plan.year),
    )  # fmt: skip


def course_ids(plan: Plan, grade: Ints, subject: Ints) -> pa.Array:
    return opaque(plan.key(f"course {plan.year}"), grade * 8 + subject)


def courses(plan: Plan) -> pa.Table:
    rows = [
        (grade, subject, *COURSES[level][subject])
        for level, (low, high) in enumerate(SPAN)
        for grade in range(low, high + 1)
        for subject in range(PERIODS[level])
    ]
    grade, subject, title, area, code = zip(*rows, strict=True)
    return table(
        ONEROSTER_1_1["courses"], len(rows), sourcedId=course_ids(plan, np.array(grade), np.array(subject)),
        schoolYearSourcedId=term_ids(plan)[0], title=[f"{t} {GRADES[g]}" for t, g in zip(title, grade, strict=True)],
        courseCode=[f"{c}-{GRADES[g]}" for c, g in zip(code, grade, strict=True)], grades=[GRADES[g] for g in grade],
        orgSourcedId=opaque(plan.key("org"), np.zeros(len(rows), np.int64)), subjects=area, subjectCodes=code,
    )  # fmt: skip


def periods(roster: Roster, group: Ints, subject: Ints) -> Ints:
    """The period in which a class meets: turned by the group, so that a teacher's five classes never clash."""
    return (subject + roster.group_in_school[group]) % np.array(PERIODS)[roster.group_level[group]] + 1


def classes(roster: Roster) -> pa.Table:
    plan = roster.plan
    group, subject = roster.classes
    school, grade, level = roster.group_school[group], roster.group_grade[group], roster.group_level[group]
    titles, areas, codes = zip(*[course for courses_ in COURSES for course in courses_], strict=True)
    course = np.array([0, 6, 13])[level] + subject
    grades = choose(GRADES, grade)
    number = pa.array(roster.group_in_school[group] + 1)
    terms = term_ids(plan)
    return table(
        ONEROSTER_1_1["classes"], len(group), sourcedId=class_ids(plan, group, subject),
        title=text(choose(titles, course), " ", grades, " / ", number), grades=grades,
        courseSourcedId=course_ids(plan, grade, subject),
        classCode=text(choose(codes, course), "-", grades, "-", number),
        classType="scheduled", location=text("Room ", pa.array(100 + below(plan.key("room"), group, 80))),
        schoolSourcedId=school_ids(plan, school), termSourcedIds=where(subject == FALL_ONLY, terms[1], terms[0]),
        subjects=choose(areas, course), subjectCodes=choose(codes, course),
        periods=pa.array(periods(roster, group, subject)).cast(pa.string()),
    )  # fmt: skip


def enrollments(roster: Roster) -> pa.Table:
    """Students' places, the places that schedule changes opened, and teachers. endDate is exclusive."""
    plan = roster.plan
    student, subject = roster.enrollments
    group = roster.group[student]
    in_moved = subject == roster.moved_subject[student]
    ended = np.maximum(roster.dropped[student], np.where(in_moved, roster.moved[student], 0))
    mover = np.flatnonzero(roster.moved)
    mover_subject = roster.moved_subject[mover]
    class_group, class_subject = roster.classes
    key = plan.key(f"enrollment {plan.year}")
    student_rows = _places(
        roster, opaque(key, student * 16 + subject), group, subject, roster.joined[student], ended,
        student_ids(plan, student), "student",
    )  # fmt: skip
    moved_rows = _places(
        roster, opaque(key, mover * 16 + mover_subject + 8), roster.moved_group[mover], mover_subject,
        roster.moved[mover], np.zeros(len(mover), np.int64), student_ids(plan, mover), "student",
    )  # fmt: skip
    nobody = np.zeros(len(class_group), np.int64)
    teacher_rows = _places(
        roster, opaque(plan.key(f"teaching {plan.year}"), class_group * 8 + class_subject), class_group, class_subject,
        nobody, nobody, opaque(plan.key("staff"), teacher_numbers(roster)), "teacher",
    )  # fmt: skip
    return pa.concat_tables([student_rows, moved_rows, teacher_rows])


def student_ids(plan: Plan, student: Ints) -> pa.Array:
    return opaque(plan.key("student"), student)


def _places(
    roster: Roster, ids: pa.Array, group: Ints, subject: Ints, begun: Ints, ended: Ints, user: pa.Array, role: str
) -> pa.Table:
    plan = roster.plan
    nights = [(plan.day(night) - plan.start).days for night in range(1, roster.night + 1)]
    begin = np.array([0, 0, *nights[1:]])[begun]
    last = np.where(subject == FALL_ONLY, (plan.terms[1][4] - plan.start).days, (plan.end - plan.start).days)
    end = np.where(ended > 0, np.array([0, *nights])[ended], last)
    return table(
        ONEROSTER_1_1["enrollments"], len(group), sourcedId=ids, classSourcedId=class_ids(plan, group, subject),
        schoolSourcedId=school_ids(plan, roster.group_school[group]), userSourcedId=user, role=role,
        primary="true" if role == "teacher" else "false", beginDate=dates(plan.start, begin),
        endDate=dates(plan.start, end),
    )  # fmt: skip


def _users(people: People, role: object, org: object, **columns: object) -> pa.Table:
    return table(
        ONEROSTER_1_1["users"], len(people.local_id),
        **{
            "sourcedId": people.sourced_id, "enabledUser": "true", "orgSourcedIds": org, "role": role,
            "username": people.login, "givenName": people.given, "familyName": people.family,
            "middleName": people.middle, "identifier": people.local_id, "email": people.email,
        } | columns,
    )  # fmt: skip


def current_grades(roster: Roster) -> pa.Array:
    return choose(GRADES, roster.grade + (roster.regraded > 0))


def users(roster: Roster) -> pa.Table:
    """Students, then contacts, then teachers, then administrators. `identifier` is the local id."""
    plan, number = roster.plan, roster.students
    contact, of = contact_numbers(plan, number)
    second = np.isin(number * 2 + 1, contact)
    first_id, second_id = (opaque(plan.key("contact"), number * 2 + slot) for slot in (0, 1))
    student_rows = _users(
        students(plan, number), "student", school_ids(plan, roster.school), grades=current_grades(roster),
        enabledUser=where(roster.active, "true", "false"), userIds=text("{State:", state_ids(plan, number), "}"),
        agentSourcedIds=pc.if_else(pa.array(second), text(first_id, ",", second_id), first_id),
    )  # fmt: skip
    contact_rows = _users(
        contacts(plan, contact), choose(["parent", "parent", "guardian", "relative"], _kin(plan, contact)),
        school_ids(plan, roster.school[of]), agentSourcedIds=student_ids(plan, number[of]),
        phone=text("555-01", padded(below(plan.key("phone"), contact, 100), 2)),
    )  # fmt: skip
    teacher = np.unique(teacher_numbers(roster))
    teacher_rows = _users(staff(plan, teacher), "teacher", school_ids(plan, teacher // 1000))
    administrator_rows = _users(administrators(plan), "administrator", school_ids(plan, np.arange(plan.schools)))
    return pa.concat_tables([student_rows, contact_rows, teacher_rows, administrator_rows])


def _kin(plan: Plan, contact: Ints) -> Ints:
    return np.where(contact % 2 == 0, 0, below(plan.key("kin"), contact, 4))


def demographics(roster: Roster) -> pa.Table:
    """One row per student. Race flags are all filled; a corrected student gets another sex and birth date."""
    plan, number = roster.plan, roster.students
    corrected = roster.corrected > 0
    race = below(plan.key("race"), number, 40)
    flags = {name: np.isin(race, [n, n + 5, n + 10] if n else [0]) for n, name in enumerate(RACES)}
    flags["white"] |= race >= 15
    flags["asian"] |= race >= 38
    two = np.sum(list(flags.values()), axis=0) > 1
    female = (below(plan.key("sex"), number, 2) == 0) ^ corrected
    return table(
        ONEROSTER_1_1["demographics"], len(number), sourcedId=student_ids(plan, number),
        birthDate=birth_dates(roster), sex=where(female, "female", "male"),
        **{name: where(flag, "true", "false") for name, flag in flags.items()},
        demographicRaceTwoOrMoreRaces=where(two, "true", "false"),
        hispanicOrLatinoEthnicity=where(below(plan.key("hispanic"), number, 5) == 0, "true", "false"),
        countryOfBirthCode=where(below(plan.key("country"), number, 12) > 0, "US"),
    )  # fmt: skip


def birth_dates(roster: Roster) -> pa.Array:
    """Five years old on the first of September of the kindergarten year, older or younger with the grade."""
    plan, number = roster.plan, roster.students
    age = below(plan.key("birth"), number, 365) + (roster.corrected > 0)
    return dates(plan.start.replace(month=8, day=31), -np.rint((roster.grade + 4) * 365.25).astype(np.int64) - age)
