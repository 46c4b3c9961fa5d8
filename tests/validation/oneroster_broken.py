"""For every rule of the OneRoster validator the ways to break it, each in a package that is clean otherwise."""

from __future__ import annotations

import stat
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oneroster_package import Package, clean

ROSTER = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments", "demographics")
LOOSE = ("orgs", "academicSessions")  # files that need no other
GRADES = ("lineItems", "results", "categories")
EXTRA = ("resources", "userResources", "userProfiles", "scoreScales")
Break = Callable[[Package], object]


@dataclass(frozen=True)
class Broken:
    """One way to break `rule`: what is found then, and nothing else, is `rule` at this place, `count` times."""

    rule: str
    change: Break
    file: str
    column: str = ""
    row: int | None = None
    count: int = 1
    version: str = "1.1"
    files: tuple[str, ...] = ROSTER
    previous: Break | None = None  # the earlier package, to compare with
    after: Callable[[Path], None] | None = None  # changes the zip itself

    def package(self) -> Package:
        files = (*self.files, "roles") if self.version == "1.2" and "users" in self.files else self.files
        package = clean(self.version).only(*files)
        if "users" in files and self.version == "1.2" and "userProfiles" not in files:
            package.set("roles", 1, userProfileSourcedId="")
        return package

    def broken(self) -> Package:
        package = self.package()
        self.change(package)
        return package


def put(file: str, row: int, **values: str) -> Break:
    return lambda p: p.set(file, row, **values)


def edit(file: str, old: bytes, new: bytes) -> Break:
    def change(p: Package) -> None:
        before = p.text(file)
        assert old in before
        p.edit(file, lambda _: before.replace(old, new, 1))

    return change


def say(name: str, value: str) -> Break:
    return lambda p: p.say(name, value)


def manifest(change: Callable[[list[tuple[str, ...]]], list[tuple[str, ...]]]) -> Break:
    def changed(p: Package) -> None:
        p.manifest = change(p.manifest)

    return changed


def header(file: str, change: Callable[[list[str]], list[str]]) -> Break:
    def changed(p: Package) -> None:
        p.headers[file] = change(p.headers[file])

    return changed


def both(*changes: Break) -> Break:
    return lambda p: [change(p) for change in changes]


def add(file: str, row: int, **values: str) -> Break:
    """A copy of a row with other values at the end."""
    return lambda p: p.rows[file].append({**p.rows[file][row - 1], **values})


def delta(file: str, *changes: Break) -> Break:
    return both(lambda p: p.delta(file), *changes)


def rezip(write: Callable[[zipfile.ZipFile], None]) -> Callable[[Path], None]:
    def after(path: Path) -> None:
        with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a name that stands twice
            write(archive)

    return after


def link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("notes.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/hostname")


def quoted(p: Package) -> None:
    p.edit("orgs", lambda text: text.replace(b"Birch School", b'Birch "A" School'))


def swapped(names: list[str]) -> list[str]:
    return [*names[:3], names[4], names[3], *names[5:]]


def behind(p: Package) -> None:
    p.edit("orgs", lambda text: text.replace(b"\n", b"\r\n").replace(b"org-d\r\n", b"org-d,\r\n"))


def many(p: Package) -> None:
    p.rows["orgs"] += [{**p.rows["orgs"][2], "sourcedId": f"org-{i}", "name": f"School {i}"} for i in range(10, 30)]


def none(p: Package) -> None:
    pass


LONG = "x" * 256
DELTA = "2026-11-20T02:00:00.000Z"
P, S = "oneroster.package.", "oneroster.semantic."
BROKEN = [
    # ---- package
    Broken(P + "unsafe", none, "file 4 of the zip", files=LOOSE, after=rezip(lambda z: z.writestr("../up.csv", "a"))),
    Broken(P + "unsafe", none, "file 4 of the zip", files=LOOSE, after=rezip(link)),
    Broken(P + "duplicate_file", none, "orgs.csv", files=LOOSE, after=rezip(lambda z: z.writestr("orgs.csv", "a"))),
    Broken(P + "nested_folder", lambda p: p.renamed.update({"orgs.csv": "feed/orgs.csv"}), "feed/orgs.csv",
           files=LOOSE),
    Broken(P + "unknown_file", lambda p: p.raw.update({"notes.txt": b"hello"}), "notes.txt", files=LOOSE),
    Broken(P + "unknown_file", lambda p: p.raw.update({"roles.csv": b"sourcedId\n1\n"}), "roles.csv", files=LOOSE),
    Broken(P + "file_name_case", lambda p: p.renamed.update({"orgs.csv": "Orgs.csv"}), "Orgs.csv", files=LOOSE),
    Broken("oneroster.manifest.missing", lambda p: p.raw.update({"manifest.csv": None}), "manifest.csv"),
    Broken("oneroster.manifest.unreadable", lambda p: p.raw.update({"manifest.csv": b"\xff\x00"}), "manifest.csv"),
    Broken("oneroster.manifest.header", manifest(lambda m: [("name", "value"), *m[1:]]), "manifest.csv", files=LOOSE),
    Broken("oneroster.manifest.header", manifest(lambda m: m[1:]), "manifest.csv", files=LOOSE),
    Broken("oneroster.manifest.row_width", manifest(lambda m: [*m[:-1], (*m[-1], "x")]), "manifest.csv", "", 16,
           files=LOOSE),
    Broken("oneroster.manifest.duplicate_property", manifest(lambda m: [*m, m[-1]]), "manifest.csv",
           "source.systemName", 17, files=LOOSE),
    Broken("oneroster.manifest.missing_property", manifest(lambda m: [r for r in m if r[0] != "file.results"]),
           "manifest.csv", "file.results", files=LOOSE),
    Broken("oneroster.manifest.unknown_property", manifest(lambda m: [*m, ("file.teachers", "bulk")]), "manifest.csv",
           "propertyName", 17, files=LOOSE),
    Broken("oneroster.manifest.manifest_version", say("manifest.version", "1"), "manifest.csv", "value", 1,
           files=LOOSE),
    Broken("oneroster.manifest.oneroster_version", say("oneroster.version", "2.0"), "manifest.csv", "value", 2),
    Broken("oneroster.manifest.mode", say("file.orgs", "full"), "manifest.csv", "file.orgs", 12, files=LOOSE),
    Broken("oneroster.manifest.mode_of_no_file", say("file.results", ""), "manifest.csv", "file.results", 14,
           files=LOOSE),
    Broken("oneroster.manifest.file_missing", say("file.results", "bulk"), "results.csv", files=LOOSE),
    Broken("oneroster.manifest.file_unexpected", say("file.orgs", "absent"), "orgs.csv", files=LOOSE),
    # ---- syntax
    Broken("oneroster.csv.empty", lambda p: p.raw.update({"demographics.csv": b"\r\n"}), "demographics.csv"),
    Broken("oneroster.csv.no_rows", lambda p: p.rows["demographics"].clear(), "demographics.csv"),
    Broken("oneroster.csv.no_rows_in_delta", delta("demographics", lambda p: p.rows["demographics"].clear()),
           "demographics.csv"),
    Broken("oneroster.csv.byte_order_mark", lambda p: p.edit("orgs", lambda b: b"\xef\xbb\xbf" + b), "orgs.csv",
           files=LOOSE),
    Broken("oneroster.csv.encoding", edit("orgs", b"Alder", b"\xc9rable"), "orgs.csv", "", 3, files=LOOSE),
    Broken("oneroster.csv.encoding", edit("orgs", b"Alder", b"Al\0der"), "orgs.csv", "", 3, files=LOOSE),
    Broken("oneroster.csv.encoding", lambda p: p.edit("demographics", lambda b: b.decode().encode("utf-16")),
           "demographics.csv"),
    Broken("oneroster.csv.bare_carriage_return", edit("orgs", b"Birch School", b"Birch\rSchool"), "orgs.csv", "", 2,
           files=LOOSE),
    Broken("oneroster.csv.carriage_return_ends", lambda p: p.edit("orgs", lambda b: b.replace(b"\n", b"\r")),
           "orgs.csv", files=LOOSE),
    Broken("oneroster.csv.mixed_line_ends", edit("orgs", b"org-d\n", b"org-d\r\n"), "orgs.csv", "", 2, files=LOOSE),
    Broken("oneroster.csv.line_break_in_field", put("orgs", 2, name="Birch\nSchool"), "orgs.csv", "name", 2,
           files=LOOSE),
    Broken("oneroster.csv.quote", lambda p: p.edit("demographics", lambda b: b + b'usr-p,,,"2016-03-09'),
           "demographics.csv", "", 3),
    Broken("oneroster.csv.quote", lambda p: p.edit("demographics", lambda b: b + b'usr-p,,,,"x"y,,,,,,,,,,,\n'),
           "demographics.csv", "", 3),
    Broken("oneroster.csv.unescaped_quote", quoted, "orgs.csv", "", 2, files=LOOSE),
    Broken("oneroster.csv.row_width", lambda p: p.edit("orgs", lambda b: b + b"org-9,,\n"), "orgs.csv", "", 4,
           files=LOOSE),
    Broken("oneroster.csv.row_width", edit("orgs", b"org-1,,,Birch", b"org-1,,,a,b,Birch"), "orgs.csv", "", 2,
           files=("orgs",)),
    Broken("oneroster.csv.row_too_long", lambda p: p.edit("orgs", lambda b: b + b"x" * 17_000_000), "orgs.csv", "", 4,
           files=LOOSE),
    # ---- header
    Broken("oneroster.header.missing", lambda p: p.edit("demographics", lambda b: b.split(b"\n", 1)[1]),
           "demographics.csv"),
    Broken("oneroster.header.missing_required_column", header("orgs", lambda h: [c for c in h if c != "name"]),
           "orgs.csv", "name", files=LOOSE),
    Broken("oneroster.header.missing_column", header("orgs", lambda h: [c for c in h if c != "identifier"]),
           "orgs.csv", "identifier", files=LOOSE),
    Broken("oneroster.header.unknown_column", header("orgs", lambda h: [*h, "phone"]), "orgs.csv", "phone",
           files=LOOSE),
    Broken("oneroster.header.duplicate_column", header("orgs", lambda h: [*h, "name"]), "orgs.csv", "name",
           files=LOOSE),
    Broken("oneroster.header.order", header("orgs", swapped), "orgs.csv", "type", files=LOOSE),
    Broken("oneroster.header.case", edit("orgs", b"identifier", b"Identifier"), "orgs.csv", "identifier", files=LOOSE),
    Broken("oneroster.header.old_name", edit("classes", b"termSourcedIds", b"termSourcedId"), "classes.csv",
           "termSourcedId"),
    Broken("oneroster.header.old_name", edit("demographics", b"sourcedId", b"USERSOURCEDID"), "demographics.csv",
           "USERSOURCEDID"),
    Broken("oneroster.header.metadata_position", header("orgs", lambda h: [*h[:3], "metadata.x", *h[3:]]), "orgs.csv",
           "metadata.x", files=LOOSE),
    Broken("oneroster.header.metadata_name", header("orgs", lambda h: [*h, "metadata."]), "orgs.csv", "metadata.",
           files=LOOSE),
    # ---- values
    Broken("oneroster.value.required", put("orgs", 2, name=""), "orgs.csv", "name", 2, files=LOOSE),
    Broken("oneroster.value.required", put("orgs", 2, name="\t "), "orgs.csv", "name", 2, files=LOOSE),
    Broken("oneroster.value.required", put("classes", 2, courseSourcedId=""), "classes.csv", "courseSourcedId", 2),
    Broken("oneroster.value.required", put("demographics", 2, sourcedId=""), "demographics.csv", "sourcedId", 2),
    Broken("oneroster.value.whitespace", put("orgs", 2, type="school "), "orgs.csv", "type", 2, files=LOOSE),
    Broken("oneroster.value.whitespace", put("classes", 2, courseSourcedId=" crs-2"), "classes.csv",
           "courseSourcedId", 2),
    Broken("oneroster.value.whitespace", put("orgs", 2, sourcedId="org-1 "), "orgs.csv", "sourcedId", 2),
    Broken("oneroster.value.whitespace", put("users", 1, orgSourcedIds="org-1, org-2"), "users.csv", "orgSourcedIds",
           1),
    Broken("oneroster.value.too_long", put("orgs", 3, name=LONG), "orgs.csv", "name", 3, files=LOOSE),
    Broken("oneroster.type.guid", add("orgs", 3, sourcedId="org 3"), "orgs.csv", "sourcedId", 4, files=LOOSE),
    Broken("oneroster.type.guid", put("classes", 1, courseSourcedId="crs#1"), "classes.csv", "courseSourcedId", 1),
    Broken("oneroster.type.guid", add("orgs", 3, sourcedId=LONG), "orgs.csv", "sourcedId", 4, files=LOOSE),
    Broken("oneroster.type.date", put("demographics", 1, birthDate="3/9/2016"), "demographics.csv", "birthDate", 1),
    Broken("oneroster.type.date", put("demographics", 1, birthDate="2016-02-30"), "demographics.csv", "birthDate", 1),
    Broken("oneroster.type.date", put("academicSessions", 1, endDate="0000-00-00"), "academicSessions.csv", "endDate",
           1, files=LOOSE),
    Broken("oneroster.type.datetime", delta("orgs", put("orgs", 1, dateLastModified="2026-11-20")), "orgs.csv",
           "dateLastModified", 1, files=LOOSE),
    Broken("oneroster.type.datetime", delta("orgs", put("orgs", 1, dateLastModified="2026-11-20T02:00:00+01:00")),
           "orgs.csv", "dateLastModified", 1, files=LOOSE),
    Broken("oneroster.type.boolean", put("users", 2, enabledUser="yes"), "users.csv", "enabledUser", 2),
    Broken("oneroster.type.integer", put("categories", 1, weight="40.5"), "categories.csv", "weight", 1,
           version="1.2", files=("categories",)),
    Broken("oneroster.type.float", put("results", 1, score="A-"), "results.csv", "score", 1, files=(*ROSTER, *GRADES)),
    Broken("oneroster.type.float", put("lineItems", 1, resultValueMax="inf"), "lineItems.csv", "resultValueMax", 1,
           files=(*ROSTER, *GRADES)),
    Broken("oneroster.type.year", put("academicSessions", 3, schoolYear="27"), "academicSessions.csv", "schoolYear", 3,
           files=LOOSE),
    Broken("oneroster.year.range", put("academicSessions", 3, schoolYear="2026-2027"), "academicSessions.csv",
           "schoolYear", 3, files=LOOSE),
    Broken("oneroster.type.list", put("classes", 1, periods="1,,2"), "classes.csv", "periods", 1),
    Broken("oneroster.type.list", put("classes", 1, termSourcedIds="ses-1,,ses-2"), "classes.csv", "termSourcedIds", 1),
    Broken("oneroster.type.user_ids", put("users", 1, userIds="{Local:71};{State:9}"), "users.csv", "userIds", 1),
    Broken("oneroster.type.user_ids", put("users", 1, identifier="L-71", userIds="L-71"), "users.csv", "userIds", 1),
    *(Broken("oneroster.type.user_id_pair", put("users", 1, userIds=ids), "users.csv", "userIds", 1)
      for ids in ("Local:71", "{71}", "{Local:}", "{:71}", "{}", "{ : 71}", "{Local:71},{State: }", "71,{Local:71}")),
    Broken("oneroster.delta.required", delta("orgs", put("orgs", 2, status="")), "orgs.csv", "status", 2, files=LOOSE),
    Broken("oneroster.delta.required", delta("orgs", put("orgs", 2, dateLastModified="")), "orgs.csv",
           "dateLastModified", 2, files=LOOSE),
    Broken("oneroster.bulk.status_filled", put("orgs", 2, status="active"), "orgs.csv", "status", 2, files=LOOSE),
    Broken("oneroster.bulk.status_filled", put("orgs", 2, dateLastModified=DELTA), "orgs.csv", "dateLastModified", 2,
           files=LOOSE),
    # ---- keys, references and listed values
    Broken("oneroster.key.duplicate", add("orgs", 2), "orgs.csv", "sourcedId", 4, files=LOOSE),
    Broken("oneroster.key.duplicate", both(add("orgs", 2, name="Other"), add("orgs", 2)), "orgs.csv", "sourcedId", 4, 2,
           files=LOOSE),
    Broken("oneroster.reference.missing_file", lambda p: p.drop("courses"), "classes.csv", "courseSourcedId", 1, 2),
    Broken("oneroster.reference.unresolved", put("enrollments", 3, userSourcedId="usr-9"), "enrollments.csv",
           "userSourcedId", 3),
    Broken("oneroster.reference.unresolved", put("classes", 1, termSourcedIds="ses-1,ses-2,ses-9"), "classes.csv",
           "termSourcedIds", 1),
    Broken("oneroster.reference.unresolved", add("demographics", 1, sourcedId="usr-9"), "demographics.csv", "sourcedId",
           3),
    Broken("oneroster.vocabulary.unknown", put("enrollments", 4, role="aide", primary=""), "enrollments.csv", "role",
           4),
    Broken("oneroster.vocabulary.unknown", put("demographics", 1, sex="other"), "demographics.csv", "sex", 1),
    Broken("oneroster.vocabulary.unknown", put("classes", 1, classType="ext:club"), "classes.csv", "classType", 1),
    Broken("oneroster.vocabulary.unknown", put("orgs", 2, status="deleted"), "orgs.csv", "status", 2, files=LOOSE),
    Broken("oneroster.vocabulary.unknown", put("resources", 1, roles="student,pupil"), "resources.csv", "roles", 1,
           files=("resources",)),
    Broken("oneroster.vocabulary.extension", put("orgs", 1, type="ext:head office"), "orgs.csv", "type", 1,
           version="1.2", files=LOOSE),
    Broken("oneroster.vocabulary.grade", put("users", 1, grades="4"), "users.csv", "grades", 1),
    Broken("oneroster.vocabulary.grade", put("classes", 2, grades="05,Six"), "classes.csv", "grades", 2),
    Broken("oneroster.vocabulary.grade", put("courses", 2, grades="K"), "courses.csv", "grades", 2),
    Broken("oneroster.value.case", put("users", 2, enabledUser="TRUE"), "users.csv", "enabledUser", 2),
    Broken("oneroster.value.case", put("orgs", 2, type="School"), "orgs.csv", "type", 2),
    Broken("oneroster.csv.blank_fields_behind", edit("orgs", b"org-d\n", b'"org-d",""\n'), "orgs.csv", "", 2,
           files=LOOSE),
    Broken("oneroster.csv.blank_fields_behind", edit("orgs", b"1001,\n", b"1001,,,\n"), "orgs.csv", "", 1, files=LOOSE),
    Broken("oneroster.csv.blank_fields_behind", behind, "orgs.csv", "", 2, 2, files=LOOSE),
    Broken("oneroster.value.whitespace", say("file.orgs", "bulk "), "manifest.csv", "value", 12, files=LOOSE),
    Broken("oneroster.value.case", say("file.orgs", "Bulk"), "manifest.csv", "file.orgs", 12, files=LOOSE),
    # ---- what files say together
    Broken(S + "parent_cycle", put("orgs", 1, parentSourcedId="org-d"), "orgs.csv", "parentSourcedId", 1, 3,
           files=LOOSE),
    Broken(S + "parent_cycle", put("academicSessions", 1, parentSourcedId="ses-2"), "academicSessions.csv",
           "parentSourcedId", 1, 3, files=LOOSE),
    Broken(S + "org_type", put("classes", 1, schoolSourcedId="org-d"), "classes.csv", "schoolSourcedId", 1),
    Broken(S + "org_type", put("enrollments", 2, schoolSourcedId="org-d"), "enrollments.csv", "schoolSourcedId", 2),
    Broken(S + "org_type", put("lineItems", 2, schoolSourcedId="org-d"), "lineItems.csv", "schoolSourcedId", 2,
           version="1.2", files=(*ROSTER, *GRADES)),
    Broken(S + "session_type", put("courses", 1, schoolYearSourcedId="ses-1"), "courses.csv", "schoolYearSourcedId", 1),
    Broken(S + "session_type", put("lineItems", 1, gradingPeriodSourcedId="ses-y"), "lineItems.csv",
           "gradingPeriodSourcedId", 1, files=(*ROSTER, *GRADES)),
    Broken(S + "session_type", put("lineItems", 1, academicSessionSourcedId="ses-y"), "lineItems.csv",
           "academicSessionSourcedId", 1, version="1.2", files=(*ROSTER, *GRADES)),
    Broken(S + "school_year", put("academicSessions", 1, schoolYear="2026"), "academicSessions.csv", "schoolYear", 1,
           files=LOOSE),
    Broken(S + "school_year", put("academicSessions", 2, schoolYear="2025"), "academicSessions.csv", "schoolYear", 2,
           files=LOOSE),
    Broken(S + "date_order", put("academicSessions", 2, endDate="2026-08-15"), "academicSessions.csv", "endDate", 2,
           files=LOOSE),
    Broken(S + "date_order", put("enrollments", 2, beginDate="2026-09-02", endDate="2026-09-01"), "enrollments.csv",
           "endDate", 2),
    Broken(S + "date_order", put("roles", 1, endDate="2026-08-14"), "roles.csv", "endDate", 1, version="1.2"),
    Broken(S + "date_order", put("lineItems", 1, dueDate="2026-08-31"), "lineItems.csv", "dueDate", 1,
           files=(*ROSTER, *GRADES)),
    Broken(S + "subject_codes", put("classes", 1, subjects="English,Writing"), "classes.csv", "subjectCodes", 1),
    Broken(S + "subject_codes", put("courses", 2, subjectCodes="02056"), "courses.csv", "subjectCodes", 2),
    Broken(S + "enrollment_outside_term", put("enrollments", 2, beginDate="2026-08-14"), "enrollments.csv", "beginDate",
           2),
    Broken(S + "enrollment_outside_term", put("enrollments", 3, endDate="2027-01-11"), "enrollments.csv", "endDate", 3),
    Broken(S + "primary_not_teacher", put("enrollments", 2, primary="true"), "enrollments.csv", "primary", 2),
    Broken(S + "several_primary_teachers", add("enrollments", 1, sourcedId="enr-9", beginDate=""), "enrollments.csv",
           "primary", 1),
    Broken(S + "several_primary_roles", put("roles", 4, orgSourcedId="org-1"), "roles.csv", "roleType", 4,
           version="1.2"),
    Broken(S + "primary_org_role", put("users", 1, primaryOrgSourcedId="org-2"), "users.csv", "primaryOrgSourcedId", 1,
           version="1.2"),
    Broken(S + "user_profile_user", put("roles", 1, userProfileSourcedId="prf-2"), "roles.csv", "userProfileSourcedId",
           1, version="1.2", files=(*ROSTER, "userProfiles")),
    Broken(S + "result_not_student", put("results", 1, studentSourcedId="usr-t"), "results.csv", "studentSourcedId", 1,
           files=(*ROSTER, *GRADES)),
    Broken(S + "result_not_student", put("results", 1, studentSourcedId="usr-t"), "results.csv", "studentSourcedId", 1,
           version="1.2", files=(*ROSTER, *GRADES)),
    Broken(S + "result_not_enrolled", put("results", 2, studentSourcedId="usr-1"), "results.csv", "studentSourcedId", 2,
           files=(*ROSTER, *GRADES)),
    Broken(S + "result_class", put("results", 1, classSourcedId="cls-2"), "results.csv", "classSourcedId", 1,
           version="1.2", files=(*ROSTER, *GRADES)),
    Broken(S + "score_above_maximum", put("results", 1, score="100.5"), "results.csv", "score", 1,
           files=(*ROSTER, *GRADES)),
    Broken(S + "score_below_minimum", put("results", 1, score="-1"), "results.csv", "score", 1,
           files=(*ROSTER, *GRADES)),
    Broken(S + "score_range", both(lambda p: p.drop("results"), put("lineItems", 1, resultValueMin="101")),
           "lineItems.csv", "resultValueMax", 1, files=(*ROSTER, *GRADES)),
    Broken(S + "score_scale_value", put("scoreScales", 1, scoreScaleValue="A:90,B:80"), "scoreScales.csv",
           "scoreScaleValue", 1, version="1.2", files=(*ROSTER, "scoreScales")),
    Broken(S + "case_identifier", put("lineItemLearningObjectiveIds", 1, learningObjectiveId="goal 7"),
           "lineItemLearningObjectiveIds.csv", "learningObjectiveId", 1, version="1.2",
           files=(*ROSTER, *GRADES, "lineItemLearningObjectiveIds")),
    Broken(S + "case_identifier", put("resultLearningObjectiveIds", 1, learningObjectiveId="urn:uuid:5f0c"),
           "resultLearningObjectiveIds.csv", "learningObjectiveId", 1, version="1.2",
           files=(*ROSTER, *GRADES, "resultLearningObjectiveIds")),
    Broken(S + "resource_role", put("resources", 1, roles="teacher"), "userResources.csv", "resourceSourcedId", 1, 2,
           version="1.2", files=(*ROSTER, *EXTRA)),
    Broken(S + "user_resource_org", put("userResources", 1, orgSourcedId="org-2"), "userResources.csv", "orgSourcedId",
           1, version="1.2", files=(*ROSTER, *EXTRA)),
    Broken(S + "user_resource_enrollment", put("userResources", 2, classSourcedId="cls-1", orgSourcedId="org-1"),
           "userResources.csv", "classSourcedId", 2, version="1.2", files=(*ROSTER, *EXTRA)),
    # ---- compared with the earlier package
    Broken("oneroster.difference.file_gone", lambda p: p.drop("demographics"), "demographics.csv", previous=none),
    Broken("oneroster.difference.removed", many, "orgs.csv", files=LOOSE,
           previous=both(many, add("orgs", 3, sourcedId="org-3", name="Elm School"))),
    Broken("oneroster.difference.mass_removal", none, "orgs.csv", files=LOOSE, count=1,
           previous=add("orgs", 3, sourcedId="org-3", name="Elm School")),
    Broken("oneroster.difference.mass_change", none, "orgs.csv", files=LOOSE, count=2,
           previous=both(put("orgs", 1, name="Old"), put("orgs", 2, name="Older"))),
    Broken("oneroster.difference.ids_changed", put("orgs", 3, sourcedId="org-22"), "orgs.csv", "sourcedId", 3,
           files=LOOSE, previous=none),
]  # fmt: skip
