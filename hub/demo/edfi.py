"""Ed-Fi 5.2 bulk interchange documents: calendars, programs, school attendance and discipline.

StudentUniqueId is the local id, SchoolId the district's own school number, as in the SIS package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from lxml import etree

from hub.demo.attendance import day_marks
from hub.demo.columns import below, shuffled
from hub.demo.oneroster import DISTRICT_NUMBER, SCHOOL_NUMBER
from hub.demo.people import FIRST_LOCAL_ID
from hub.demo.plan import Plan
from hub.demo.roster import Roster, places

NAMESPACE = "http://ed-fi.org/5.2.0"
#: An element: its name and its text, or its children.
Node = tuple[str, Any]

_TERMS = {"schoolYear": "Year Round", "fall": "Fall Semester", "spring": "Spring Semester"}
_NINE_WEEKS = ("First", "Second", "Third", "Fourth")
_EVENTS = {1: "Unexcused Absence", 2: "Excused Absence", 3: "Tardy"}
PROGRAMS = ("Bilingual", "Gifted and Talented")
#: One discipline incident for each of so many students.
STUDENTS_PER_INCIDENT = 100


def write_edfi(roster: Roster, folder: Path) -> dict[str, Path]:
    """Interchange name -> file. Attendance holds the absences of every night so far, the rest stands still."""
    documents = {
        "EducationOrgCalendar": _calendar(roster.plan),
        "EducationOrganization": _programs(roster.plan),
        "StudentAttendance": _attendance(roster),
        "StudentDiscipline": _discipline(roster),
        "StudentProgram": _student_programs(roster),
    }
    return {name: _write(name, nodes, folder / f"{name}.xml") for name, nodes in documents.items()}


def _write(interchange: str, nodes: Iterable[Node], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    root = etree.Element(f"{{{NAMESPACE}}}Interchange{interchange}", nsmap={None: NAMESPACE})
    for node in nodes:
        _append(root, node)
    etree.ElementTree(root).write(str(path), xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return path


def _append(parent: etree._Element, node: Node) -> None:
    name, content = node
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if isinstance(content, list):
        for child in content:
            _append(element, child)
    else:
        element.text = str(content)


def _code(descriptor: str, value: str) -> str:
    return f"uri://ed-fi.org/{descriptor}Descriptor#{value}"


def _school(number: int, name: str = "SchoolReference") -> Node:
    return (name, [("SchoolIdentity", [("SchoolId", SCHOOL_NUMBER + number)])])


def _student(number: int) -> Node:
    return ("StudentReference", [("StudentIdentity", [("StudentUniqueId", FIRST_LOCAL_ID + number)])])


def _district() -> Node:
    identity = [("EducationOrganizationId", DISTRICT_NUMBER)]
    return ("EducationOrganizationReference", [("EducationOrganizationIdentity", identity)])


def _calendar(plan: Plan) -> Iterator[Node]:
    """Ed-Fi end dates are inclusive, OneRoster's are not: hence one day less."""
    year = ("SchoolYear", plan.year_title)
    holidays = set(plan.holidays)
    days = [plan.start + timedelta(days=n) for n in range((plan.end - plan.start).days)]
    weekdays = [day for day in days if day.weekday() < 5]
    for school in range(plan.schools):
        for name, kind, title, first, after, _ in plan.terms:
            if kind != "gradingPeriod":
                yield (
                    "Session",
                    [
                        ("SessionName", title), year, ("BeginDate", first), ("EndDate", after - timedelta(days=1)),
                        ("Term", _code("Term", _TERMS.get(name, _TERMS["schoolYear"]))),
                        ("TotalInstructionalDays", plan.instructional_days(first, after)), _school(school),
                    ],
                )  # fmt: skip
    for school in range(plan.schools):
        quarters = [term for term in plan.terms if term[1] == "gradingPeriod"]
        for nth, (_, _, title, first, after, _) in zip(_NINE_WEEKS, quarters, strict=True):
            yield (
                "GradingPeriod",
                [
                    _school(school), ("GradingPeriod", _code("GradingPeriod", f"{nth} Nine Weeks")),
                    ("GradingPeriodName", title), year, ("BeginDate", first),
                    ("EndDate", after - timedelta(days=1)),
                    ("TotalInstructionalDays", plan.instructional_days(first, after)),
                ],
            )  # fmt: skip
    for school in range(plan.schools):
        identity = [("CalendarCode", "1"), _school(school), year]
        type_ = ("CalendarType", _code("CalendarType", "School"))
        yield ("Calendar", [identity[0], type_, *identity[1:]])
        for day in weekdays:
            event = _code("CalendarEvent", "Holiday" if day in holidays else "Instructional day")
            reference = ("CalendarReference", [("CalendarIdentity", identity)])
            yield ("CalendarDate", [("Date", day), ("CalendarEvent", event), reference])


def _programs(plan: Plan) -> Iterator[Node]:
    for name in PROGRAMS:
        yield ("Program", [_district(), ("ProgramName", name), ("ProgramType", _code("ProgramType", name))])


def _student_programs(roster: Roster) -> Iterator[Node]:
    """One student in twelve is in a program."""
    plan = roster.plan
    program = below(plan.key("program"), roster.students, 12 * len(PROGRAMS))
    for student in np.flatnonzero(program < len(PROGRAMS)).tolist():
        name = PROGRAMS[program[student]]
        identity = [_district(), ("ProgramName", name), ("ProgramType", _code("ProgramType", name))]
        yield (
            "StudentProgramAssociation",
            [
                _student(student), ("ProgramReference", [("ProgramIdentity", identity)]), ("BeginDate", plan.start),
                _district(),
            ],
        )  # fmt: skip


def _attendance(roster: Roster) -> Iterator[Node]:
    """Absences and lateness only (negative attendance), the same marks as in the attendance extract."""
    plan = roster.plan
    session = plan.terms[0][2]
    for night in range(1, roster.night + 1):
        student = np.unique(places(roster, night)[0])
        mark = day_marks(plan, night, student)
        for number, code in zip(student[mark > 0].tolist(), mark[mark > 0].tolist(), strict=True):
            school = int(roster.school[number])
            identity = [("SessionName", session), ("SchoolYear", plan.year_title), _school(school)]
            event = [
                ("EventDate", plan.day(night)),
                ("AttendanceEventCategory", _code("AttendanceEventCategory", _EVENTS[code])),
            ]
            yield (
                "StudentSchoolAttendanceEvent",
                [
                    ("AttendanceEvent", event), _student(number), _school(school),
                    ("SessionReference", [("SessionIdentity", identity)]),
                ],
            )  # fmt: skip


def _discipline(roster: Roster) -> Iterator[Node]:
    """One incident per hundred students of the first night, each with one student and one action."""
    plan = roster.plan
    order = shuffled(plan.key("incident"), plan.students)[: max(1, plan.students // STUDENTS_PER_INCIDENT)]
    incidents = [(n + 1, student, int(roster.school[student])) for n, student in enumerate(order.tolist())]
    day = ("IncidentDate", plan.day(1) - timedelta(days=4))
    behavior = ("Behavior", _code("Behavior", "School Code of Conduct"))
    for number, _, school in incidents:
        where = ("IncidentLocation", _code("IncidentLocation", "Classroom"))
        detail = ("Behavior", [behavior])
        yield ("DisciplineIncident", [("IncidentIdentifier", number), day, where, detail, _school(school)])
    for number, student, school in incidents:
        action = _code("Discipline", "In School Suspension")
        yield (
            "DisciplineAction",
            [
                ("DisciplineActionIdentifier", number), ("Discipline", action),
                ("DisciplineDate", plan.day(1) - timedelta(days=3)), _student(student),
                _school(school, "ResponsibilitySchoolReference"),
            ],
        )  # fmt: skip
    for number, student, school in incidents:
        identity = ("DisciplineIncidentIdentity", [("IncidentIdentifier", number), _school(school)])
        part = ("DisciplineIncidentParticipationCode", _code("DisciplineIncidentParticipationCode", "Perpetrator"))
        yield (
            "StudentDisciplineIncidentBehaviorAssociation",
            [_student(student), ("DisciplineIncidentReference", [identity]), behavior, part],
        )
