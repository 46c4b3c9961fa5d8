"""Names and ids of students, staff and contacts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hub.demo.columns import Ints, below, choose, opaque, padded, text
from hub.demo.names import FAMILY, GIVEN
from hub.demo.plan import Plan
from hub.demo.roster import Roster

FIRST_LOCAL_ID = 1001
#: A prime just below ten digits: multiplying modulo a prime gives every student a state id of their own.
STATE_IDS = 9_999_999_967
#: Staff numbers: school * 1000 + subject * 100 + nth teacher of that subject, or 700 + group in an elementary school.
ELEMENTARY_TEACHER = 700


@dataclass(frozen=True)
class People:
    """One array per column; all null-free but `middle`."""

    sourced_id: pa.Array
    given: pa.Array
    middle: pa.Array
    family: pa.Array
    local_id: pa.Array
    login: pa.Array
    email: pa.Array


def _people(plan: Plan, kind: str, number: Ints, family_of: Ints, local_id: pa.Array) -> People:
    given = choose(GIVEN, below(plan.key(f"{kind} given"), number, len(GIVEN)))
    middle = choose([*GIVEN[::3], *[None] * 60], below(plan.key(f"{kind} middle"), number, len(GIVEN[::3]) + 60))
    family = choose(FAMILY, below(plan.key("family"), family_of, len(FAMILY)))
    login = pc.utf8_lower(text(given, ".", family, ".", local_id))
    return People(
        opaque(plan.key(kind), number), given, middle, family, local_id, login, text(login, f"@{plan.district}.example")
    )


def students(plan: Plan, number: Ints) -> People:
    return _people(plan, "student", number, number, pa.array(number + FIRST_LOCAL_ID).cast(pa.string()))


def state_ids(plan: Plan, number: Ints) -> pa.Array:
    """Ten digits, distinct within a district, about one in ten with a leading zero."""
    step = 1_000_003 + int(below(plan.key("state id"), np.zeros(1, np.int64), 900_000_000)[0])
    # step * number stays below 2**63 for every district with fewer than nine billion students
    return padded((number * step + 5 * step % 9_999_991) % STATE_IDS, 10)


def staff(plan: Plan, number: Ints) -> People:
    return _people(plan, "staff", number, number + 2**40, text("T", pa.array(number)))


def teacher_numbers(roster: Roster) -> Ints:
    """Staff number of the teacher of each class: one for a whole elementary group, five classes each later on."""
    group, subject = roster.classes
    school, nth = roster.group_school[group], roster.group_in_school[group]
    elementary = roster.group_level[group] == 0
    return school * 1000 + np.where(elementary, ELEMENTARY_TEACHER + nth, subject * 100 + nth // 5)


def administrators(plan: Plan) -> People:
    number = np.arange(plan.schools)
    return _people(plan, "administrator", number, number + 2**41, text("A", pa.array(number + 1)))


def contact_numbers(plan: Plan, student: Ints) -> tuple[Ints, Ints]:
    """(contact number, index into `student`): 1.8 contacts for each student; number = student * 2 + 0 or 1."""
    second = np.flatnonzero(below(plan.key("second contact"), student, 10) < 8)
    rows = np.sort(np.concatenate([np.arange(len(student)), second]), kind="stable")
    slot = np.append(0, (np.diff(rows) == 0).astype(np.int64)) if len(rows) else rows
    return student[rows] * 2 + slot, rows


def contacts(plan: Plan, number: Ints) -> People:
    """The first contact bears the student's family name, the second a name of their own half the time."""
    family_of = np.where(below(plan.key("own name"), number, 4) == 0, number + 2**42, number // 2)
    return _people(plan, "contact", number, family_of, text("P", pa.array(number)))
