"""A small clean delivery of interchange documents and of resource bodies. The school and its people are made up."""

from __future__ import annotations

from pathlib import Path

NS = "http://ed-fi.org/5.2.0"
ED = "uri://ed-fi.org"


def interchange(name: str, *records: str, namespace: str = NS) -> str:
    body = "\n".join(records)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Interchange{name} xmlns="{namespace}">\n{body}\n</Interchange{name}>\n'  # noqa: E501


SCHOOL = f"""<School>
<NameOfInstitution>Hilltop School</NameOfInstitution>
<EducationOrganizationCategory>{ED}/EducationOrganizationCategoryDescriptor#School</EducationOrganizationCategory>
<SchoolId>255001</SchoolId>
<GradeLevel>{ED}/GradeLevelDescriptor#First grade</GradeLevel>
</School>"""

_SCHOOL = "<SchoolReference><SchoolIdentity><SchoolId>255001</SchoolId></SchoolIdentity></SchoolReference>"

SESSION = f"""<Session>
<SessionName>Autumn</SessionName>
<SchoolYear>2029-2030</SchoolYear>
<BeginDate>2029-09-03</BeginDate>
<EndDate>2029-12-20</EndDate>
<Term>{ED}/TermDescriptor#Fall Semester</Term>
<TotalInstructionalDays>70</TotalInstructionalDays>
{_SCHOOL}
</Session>"""


def student(number: str = "S1") -> str:
    return f"""<Student>
<StudentUniqueId>{number}</StudentUniqueId>
<Name>
<FirstName>Wren</FirstName>
<LastSurname>Alder</LastSurname>
</Name>
<BirthData>
<BirthDate>2022-05-04</BirthDate>
<BirthSex>{ED}/SexDescriptor#Female</BirthSex>
</BirthData>
</Student>"""


ENROLLMENT = f"""<StudentSchoolAssociation>
<StudentReference><StudentIdentity><StudentUniqueId>S1</StudentUniqueId></StudentIdentity></StudentReference>
{_SCHOOL}
<EntryDate>2029-09-03</EntryDate>
<EntryGradeLevel>{ED}/GradeLevelDescriptor#First grade</EntryGradeLevel>
<ExitWithdrawDate>2030-06-14</ExitWithdrawDate>
</StudentSchoolAssociation>"""

ABSENCE = f"""<StudentSchoolAttendanceEvent>
<AttendanceEvent>
<EventDate>2029-10-01</EventDate>
<AttendanceEventCategory>uri://hilltop.example/AttendanceEventCategoryDescriptor#Away</AttendanceEventCategory>
</AttendanceEvent>
<StudentReference><StudentIdentity><StudentUniqueId>S1</StudentUniqueId></StudentIdentity></StudentReference>
{_SCHOOL}
<SessionReference>
<SessionIdentity>
<SessionName>Autumn</SessionName>
<SchoolYear>2029-2030</SchoolYear>
{_SCHOOL}
</SessionIdentity>
</SessionReference>
</StudentSchoolAttendanceEvent>"""

CODE = """<AttendanceEventCategoryDescriptor>
<CodeValue>Away</CodeValue>
<ShortDescription>Away</ShortDescription>
<Namespace>uri://hilltop.example/AttendanceEventCategoryDescriptor</Namespace>
</AttendanceEventCategoryDescriptor>"""

CLEAN = {
    "attendance.xml": interchange("StudentAttendance", ABSENCE),
    "calendar.xml": interchange("EducationOrgCalendar", SESSION),
    "codes.xml": interchange("Descriptors", CODE),
    "enrollment.xml": interchange("StudentEnrollment", ENROLLMENT),
    "organization.xml": interchange("EducationOrganization", SCHOOL),
    "students.xml": interchange("Student", student(), student("S2")),
}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder
