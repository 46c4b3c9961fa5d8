"""Clean Ed-Fi 5.2 interchange documents of any size: a school, its students, their enrollments and absences."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

NAMESPACE = "http://ed-fi.org/5.2.0"
ABSENCES = 6  # of each student
_ED = "uri://ed-fi.org"
_SCHOOL = "<SchoolReference><SchoolIdentity><SchoolId>255001</SchoolId></SchoolIdentity></SchoolReference>"
_STUDENT = (
    "<StudentReference><StudentIdentity><StudentUniqueId>{0}</StudentUniqueId></StudentIdentity></StudentReference>"
)

SCHOOL = f"""<School>
<NameOfInstitution>Hilltop School</NameOfInstitution>
<EducationOrganizationCategory>{_ED}/EducationOrganizationCategoryDescriptor#School</EducationOrganizationCategory>
<SchoolId>255001</SchoolId>
<GradeLevel>{_ED}/GradeLevelDescriptor#First grade</GradeLevel>
</School>"""
SESSION = f"""<Session>
<SessionName>Autumn</SessionName>
<SchoolYear>2029-2030</SchoolYear>
<BeginDate>2029-09-03</BeginDate>
<EndDate>2029-12-20</EndDate>
<Term>{_ED}/TermDescriptor#Fall Semester</Term>
<TotalInstructionalDays>70</TotalInstructionalDays>
{_SCHOOL}
</Session>"""
STUDENT = f"""<Student>
<StudentUniqueId>{{0}}</StudentUniqueId>
<Name>
<FirstName>Wren</FirstName>
<LastSurname>Alder</LastSurname>
</Name>
<BirthData>
<BirthDate>2022-05-04</BirthDate>
<BirthSex>{_ED}/SexDescriptor#Female</BirthSex>
</BirthData>
</Student>"""
ENROLLMENT = f"""<StudentSchoolAssociation>
{_STUDENT}
{_SCHOOL}
<EntryDate>2029-09-03</EntryDate>
<EntryGradeLevel>{_ED}/GradeLevelDescriptor#First grade</EntryGradeLevel>
<ExitWithdrawDate>2030-06-14</ExitWithdrawDate>
</StudentSchoolAssociation>"""
ABSENCE = f"""<StudentSchoolAttendanceEvent>
<AttendanceEvent>
<EventDate>2029-10-{{1:02}}</EventDate>
<AttendanceEventCategory>{_ED}/AttendanceEventCategoryDescriptor#Unexcused Absence</AttendanceEventCategory>
</AttendanceEvent>
{_STUDENT}
{_SCHOOL}
<SessionReference>
<SessionIdentity>
<SessionName>Autumn</SessionName>
<SchoolYear>2029-2030</SchoolYear>
{_SCHOOL}
</SessionIdentity>
</SessionReference>
</StudentSchoolAttendanceEvent>"""


def write(folder: Path, students: int) -> list[Path]:
    """About 4.6 KB a student."""
    numbers = range(600_001, 600_001 + students)
    documents: dict[str, Iterable[str]] = {
        "EducationOrganization": [SCHOOL],
        "EducationOrgCalendar": [SESSION],
        "Student": (STUDENT.format(n) for n in numbers),
        "StudentEnrollment": (ENROLLMENT.format(n) for n in numbers),
        "StudentAttendance": (ABSENCE.format(n, 1 + d) for n in numbers for d in range(ABSENCES)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, records in documents.items():
        paths.append(folder / f"{name}.xml")
        with paths[-1].open("w", encoding="utf-8") as file:
            file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<Interchange{name} xmlns="{NAMESPACE}">\n')
            file.writelines(f"{record}\n" for record in records)
            file.write(f"</Interchange{name}>\n")
    return paths
