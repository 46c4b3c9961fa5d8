"""Clean OneRoster packages, 1.1 and 1.2, of a fictional district: every file and column of the standard, few rows."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hub.standards.oneroster_layout import layouts

Rows = list[dict[str, str]]

UUID = "urn:uuid:5f0c7a52-7a0e-4f5e-9a55-0c1f3a9d2b11"
COMMON: dict[str, str] = {
    "orgs": """
        sourcedId|name|type|identifier|parentSourcedId
        org-d|Maple Hollow District|district|1001|
        org-1|Birch School|school|100101|org-d
        org-2|Alder School|school|100102|org-d""",
    "academicSessions": """
        sourcedId|title|type|startDate|endDate|parentSourcedId|schoolYear
        ses-y|Year 2027|schoolYear|2026-08-15|2027-06-12||2027
        ses-1|Fall|semester|2026-08-15|2027-01-10|ses-y|2027
        ses-2|Spring|semester|2027-01-10|2027-06-12|ses-y|2027""",
    "courses": """
        sourcedId|schoolYearSourcedId|title|courseCode|grades|orgSourcedId|subjects|subjectCodes
        crs-1|ses-y|Reading|R1|04|org-d|English|01028
        crs-2|ses-y|Algebra|A1|05,06|org-d|Mathematics,Logic|02056,02201""",
    "classes": """
        sourcedId|title|grades|courseSourcedId|classCode|classType|location|schoolSourcedId|termSourcedIds|subjects|subjectCodes|periods
        cls-1|Reading 4|04|crs-1|R1-1|homeroom|Room 1|org-1|ses-1,ses-2|English|01028|1
        cls-2|Algebra 5|05|crs-2|A1-1|scheduled||org-2|ses-1|Mathematics|02056|2,3""",
    "enrollments": """
        sourcedId|classSourcedId|schoolSourcedId|userSourcedId|role|primary|beginDate|endDate
        enr-1|cls-1|org-1|usr-t|teacher|true|2026-08-15|2027-06-12
        enr-2|cls-1|org-1|usr-1|student|false|2026-08-15|2027-06-12
        enr-3|cls-2|org-2|usr-2|student||2026-08-20|2027-01-10
        enr-4|cls-2|org-2|usr-t|teacher|||""",
    "demographics": """
        sourcedId|birthDate|sex|americanIndianOrAlaskaNative|asian|white|hispanicOrLatinoEthnicity|countryOfBirthCode
        usr-1|2016-03-09|female|false|true|false|false|US
        usr-2|2015-11-30|male|false|false|true|true|""",
    "categories": """
        sourcedId|title
        cat-1|Homework""",
    "lineItems": """
        sourcedId|title|description|assignDate|dueDate|classSourcedId|categorySourcedId|resultValueMin|resultValueMax
        lin-1|Essay|Two pages|2026-09-01|2026-09-08|cls-1|cat-1|0|100
        lin-2|Quiz||2026-10-01|2026-10-01|cls-2|cat-1|0|20.5""",
    "results": """
        sourcedId|lineItemSourcedId|studentSourcedId|scoreStatus|score|scoreDate|comment
        res-1|lin-1|usr-1|fully graded|88|2026-09-09|Well done
        res-2|lin-2|usr-2|submitted|12.5|2026-10-02|""",
    "resources": """
        sourcedId|vendorResourceId|title|roles|importance|vendorId|applicationId
        rsc-1|book-17|Reader|student,teacher|primary|v-1|a-1""",
    "classResources": """
        sourcedId|title|classSourcedId|resourceSourcedId
        clr-1|Reader|cls-1|rsc-1""",
    "courseResources": """
        sourcedId|title|courseSourcedId|resourceSourcedId
        cor-1||crs-1|rsc-1""",
}
ONLY_1_1: dict[str, str] = {
    "users": """
        sourcedId|enabledUser|orgSourcedIds|role|username|userIds|givenName|familyName|identifier|email|agentSourcedIds|grades
        usr-1|true|org-1|student|lrowan|{Local:71}|Lena|Rowan|71|lena@example.org|usr-p|04
        usr-2|true|org-2|student|tvale||Tom|Vale|72||usr-p|05
        usr-t|true|org-1,org-2|teacher|mfern|{Staff:9},{LDAP:fern}|Mira|Fern|9|mira@example.org||
        usr-p|false|org-1|parent|prowan||Pia|Rowan|||usr-1,usr-2|"""
}
ONLY_1_2: dict[str, str] = {
    "users": """
        sourcedId|enabledUser|username|userIds|givenName|familyName|identifier|email|agentSourcedIds|grades|userMasterIdentifier|primaryOrgSourcedId|pronouns
        usr-1|true|lrowan|{Local:71}|Lena|Rowan|71|lena@example.org|usr-p|04|m-1|org-1|she
        usr-2|true|tvale||Tom|Vale|72||usr-p|05||org-2|
        usr-t|true|mfern|{Staff:9},{LDAP:fern}|Mira|Fern|9|mira@example.org||||org-1|
        usr-p|false|prowan||Pia|Rowan|||usr-1,usr-2||||""",
    "roles": """
        sourcedId|userSourcedId|roleType|role|beginDate|endDate|orgSourcedId|userProfileSourcedId
        rol-1|usr-1|primary|student|2026-08-15|2027-06-12|org-1|prf-1
        rol-2|usr-2|primary|student|||org-2|
        rol-3|usr-t|primary|teacher|||org-1|
        rol-4|usr-t|primary|ext:Coach|||org-2|
        rol-5|usr-p|secondary|parent|||org-1|""",
    "userProfiles": """
        sourcedId|userSourcedId|profileType|vendorId|applicationId|credentialType|username
        prf-1|usr-1|LMS|v-1|a-1|password|lrowan
        prf-2|usr-2|LMS|v-1|a-1|password|tvale""",
    "userResources": """
        sourcedId|userSourcedId|orgSourcedId|classSourcedId|resourceSourcedId
        urs-1|usr-1|org-1|cls-1|rsc-1
        urs-2|usr-2|org-2||rsc-1""",
    "scoreScales": """
        sourcedId|title|type|orgSourcedId|courseSourcedId|classSourcedId|scoreScaleValue
        scs-1|Letters|letter|org-1|crs-1|cls-1|{A:90},{B:80}""",
    "lineItemScoreScales": """
        sourcedId|title|lineItemSourcedId|scoreScaleSourcedId
        lss-1||lin-1|scs-1""",
    "resultScoreScales": """
        sourcedId|title|resultSourcedId|scoreScaleSourcedId
        rss-1||res-1|scs-1""",
    "lineItemLearningObjectiveIds": f"""
        sourcedId|lineItemSourcedId|source|learningObjectiveId
        lob-1|lin-1|case|{UUID}""",
    "resultLearningObjectiveIds": f"""
        sourcedId|resultSourcedId|source|learningObjectiveId|score|textScore
        rob-1|res-1|case|{UUID}|3.5|
        rob-2|res-2|unknown|goal 7||met""",
}


@dataclass
class Package:
    """A package to break. `headers` and `rows` by file; `raw` replaces a file's bytes, None leaves the file out."""

    version: str
    headers: dict[str, list[str]]
    rows: dict[str, Rows]
    manifest: list[tuple[str, ...]]
    raw: dict[str, bytes | None] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)  # file.csv -> name in the package

    def set(self, file: str, row: int, **values: str) -> None:
        """Changes cells; rows count from 1."""
        self.rows[file][row - 1] |= values

    def say(self, name: str, value: str) -> None:
        """Changes a property of the manifest."""
        self.manifest = [(n, value if n == name else v) for n, v in self.manifest]

    def delta(self, file: str) -> None:
        self.say(f"file.{file}", "delta")
        for row in self.rows[file]:
            row |= {"status": "active", "dateLastModified": "2026-11-20T02:00:00.000Z"}

    def drop(self, *files: str) -> None:
        """Leaves files out as the standard wants it."""
        for file in files:
            del self.rows[file]
            self.say(f"file.{file}", "absent")

    def only(self, *files: str) -> Package:
        """Keeps these files alone."""
        self.drop(*(set(self.rows) - set(files)))
        return self

    def text(self, file: str) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.headers[file])
        writer.writerows([[row.get(c, "") for c in self.headers[file]] for row in self.rows[file]])
        return out.getvalue().encode()

    def edit(self, file: str, change: Callable[[bytes], bytes]) -> None:
        """Replaces a file's bytes by a change of them."""
        self.raw[f"{file}.csv"] = change(self.text(file))

    def files(self) -> dict[str, bytes]:
        found: dict[str, bytes | None] = {f"{file}.csv": self.text(file) for file in self.rows}
        found["manifest.csv"] = "".join(",".join(line) + "\n" for line in self.manifest).encode()
        found |= self.raw
        return {self.renamed.get(name, name): body for name, body in found.items() if body is not None}

    def write(self, folder: Path) -> Path:
        for name, body in self.files().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        return folder

    def zip(self, path: Path) -> Path:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in self.files().items():
                archive.writestr(name, body)
        return path


def clean(version: str) -> Package:
    sent = COMMON | (ONLY_1_1 if version == "1.1" else ONLY_1_2)
    rows = {name: _rows(text) for name, text in sent.items()}
    for row in rows["lineItems"]:
        session = {"academicSessionSourcedId": "ses-1", "schoolSourcedId": "org-1"}
        row |= {"gradingPeriodSourcedId": "ses-1"} if version == "1.1" else session
    if version == "1.2":
        rows["lineItems"][1]["schoolSourcedId"] = "org-2"
        rows["categories"][0]["weight"] = "40"
        for row, made in zip(rows["results"], ("cls-1", ""), strict=True):
            row |= {"classSourcedId": made, "late": "false", "textScore": "B"}
    layout = layouts(version)
    headers = {name: [c.name for c in layout[name].columns if not c.spare] for name in rows}
    manifest = [("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", version)]
    manifest += [(f"file.{name}", "bulk" if name in rows else "absent") for name in layout]
    return Package(version, headers, rows, [*manifest, ("source.systemName", "Fictional SIS")])


def _rows(text: str) -> Rows:
    lines = [line.strip().split("|") for line in text.strip().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
