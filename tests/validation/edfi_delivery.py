"""A small clean delivery of interchange documents and of resource bodies. The school and its people are made up."""

from __future__ import annotations

from pathlib import Path

from benchmarks import edfi_documents
from benchmarks.edfi_documents import SCHOOL, SESSION

NS = "http://ed-fi.org/5.2.0"
ED, OWN = "uri://ed-fi.org", "uri://hilltop.example"


def interchange(name: str, *records: str, namespace: str = NS) -> str:
    body = "\n".join(records)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Interchange{name} xmlns="{namespace}">\n{body}\n</Interchange{name}>\n'  # noqa: E501


ENROLLMENT = edfi_documents.ENROLLMENT.format("S1")
ABSENCE = edfi_documents.ABSENCE.format("S1", 1).replace(f"{ED}/Attendance", f"{OWN}/Attendance")
ABSENCE = ABSENCE.replace("#Unexcused Absence", "#Away")


def student(number: str = "S1") -> str:
    return edfi_documents.STUDENT.format(number)


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
