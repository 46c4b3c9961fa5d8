"""A small fictional OneRoster package, as tables to change and as files to deliver."""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from hub.model import OpenedDelivery, OpenedFile
from hub.standards.mapping.normalize import Vocabulary
from hub.standards.specs import SCHEMAS, descriptor_codes, load_entities
from hub.standards.states.source_state import Work, build_state
from hub.standards.states.summary import StateSummary
from hub.standards.vendors.sources import load_source

Row = dict[str, str]
Tables = dict[str, list[Row]]

FILES = yaml.safe_load((SCHEMAS / "oneroster" / "csv.yaml").read_text())["files"]
YEAR = 2027
PROVENANCE = ("_source", "_stream", "_file", "_row", "_seq")


def rows(columns: str, *lines: str) -> list[Row]:
    """Rows out of `a|b` lines."""
    names = columns.split()
    return [dict(zip(names, line.split("|"), strict=True)) for line in lines]


def roster() -> Tables:
    """1.1: two schools; a class for the year, one of both semesters, one in the fall; students, staff, contacts."""
    return {
        "academicSessions": rows(
            "sourcedId title type startDate endDate parentSourcedId schoolYear",
            "s-year|2026-2027 Year|schoolYear|2026-08-24|2027-06-12||2027",
            "s-fall|Fall|semester|2026-08-24|2027-01-23|s-year|2027",
            "s-spring|Spring|semester|2027-01-23|2027-06-12|s-year|2027",
            "s-q1|Quarter 1|gradingPeriod|2026-08-24|2026-10-31|s-fall|2027",
            "s-q2|Quarter 2|gradingPeriod|2026-10-31|2027-01-23|s-fall|2027",
        ),
        "orgs": rows(
            "sourcedId name type identifier parentSourcedId",
            "o-d|Maple Hollow School District|district|1001|",
            "o-1|Alder School|school|100101|o-d",
            "o-2|Birch School|school||o-d",
        ),
        "courses": rows(
            "sourcedId title courseCode grades orgSourcedId subjects subjectCodes",
            "c-read|Reading|READ-1|01,02|o-d|Reading|01028",
            "c-math|Mathematics|MATH-9|09|o-d|Mathematics|02056",
            "c-home|Homeroom||KG,01,02|o-d|Homeroom|",
        ),
        "classes": rows(
            "sourcedId title grades courseSourcedId classType location schoolSourcedId termSourcedIds periods",
            "k-read|Reading A|01|c-read|scheduled|Room 1|o-1|s-year|1",
            "k-math|Mathematics A|09|c-math|scheduled|Room 2|o-2|s-fall,s-spring|2,3",
            "k-home|Homeroom A||c-home|homeroom||o-1|s-fall|",
        ),
        "users": rows(
            "sourcedId enabledUser orgSourcedIds role username userIds givenName familyName identifier email phone "
            "agentSourcedIds grades",
            "u-ada|true|o-1|student|ada|{State:0042},{LMS:ab-1}|Ada|Reed|1001|ada@maple.example||u-pat|01",
            "u-ben|true|o-1|student|ben|{State:0043}|Ben|Stone|1002|||u-pat|01",
            "u-cam|true|o-2|student|cam||Cam|Field|1003||||09",
            "u-dee|true|o-1,o-2|student|dee||Dee|Marsh|||||09",
            "u-tom|true|o-1|teacher|tom||Tom|Hill|T1|tom@maple.example|555-0101||",
            "u-ann|true|o-1,o-2|teacher|ann||Ann|Brook|T2||||",
            "u-boss|true|o-d|administrator|boss||Bo|Ridge|A1||||",
            "u-pat|true|o-1|parent|pat||Pat|Reed|P1|pat@home.example||u-ada|",
        ),
        "demographics": rows(
            "sourcedId birthDate sex asian white hispanicOrLatinoEthnicity countryOfBirthCode stateOfBirthAbbreviation",
            "u-ada|2019-05-06|female|true|false|false|US|NY",
            "u-cam|2012-02-03|male|false|true|true|US|",
        ),
        "enrollments": rows(
            "sourcedId classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate",
            "e-1|k-read|o-1|u-ada|student||2026-08-24|2027-06-12",
            "e-2|k-read|o-1|u-ben|student|||",
            "e-3|k-math|o-2|u-cam|student||2026-08-24|2027-06-12",
            "e-4|k-math|o-2|u-dee|student||2026-09-01|2026-12-01",
            "e-5|k-home|o-1|u-ada|student||2026-08-24|2026-08-24",
            "e-6|k-read|o-1|u-tom|teacher|true|2026-08-24|2027-06-12",
            "e-7|k-math|o-2|u-ann|teacher|true||",
        ),
    }


def gradebook() -> Tables:
    return {
        "categories": rows("sourcedId title", "g-hw|Homework", "g-lab|Lab"),
        "lineItems": rows(
            "sourcedId title assignDate dueDate classSourcedId categorySourcedId gradingPeriodSourcedId resultValueMin "
            "resultValueMax",
            "l-1|Essay|2026-09-01|2026-09-08|k-read|g-hw|s-q1|0|100",
            "l-2|Lab 1|2027-02-01|2027-02-05|k-math|g-lab|s-q2|0|20",
        ),
        "results": rows(
            "sourcedId lineItemSourcedId studentSourcedId scoreStatus score scoreDate comment",
            "r-1|l-1|u-ada|fully graded|88|2026-09-09|",
            "r-2|l-1|u-ben|not submitted||2026-09-09|",
            "r-3|l-2|u-cam|exempt||2027-02-06|",
        ),
    }


def as_1_2(tables: Tables) -> Tables:
    """The same package in 1.2: roles in a file of their own, sessions instead of grading periods on line items."""
    found = copy.deepcopy(tables)
    found["roles"] = [
        {
            "sourcedId": f"role-{u['sourcedId']}-{org}",
            "userSourcedId": u["sourcedId"],
            "roleType": "secondary" if n else "primary",
            "role": "districtAdministrator" if u["role"] == "administrator" else u["role"],
            "beginDate": "2026-08-20" if u["role"] == "student" else "",
            "orgSourcedId": org,
        }
        for u in found["users"]
        for n, org in enumerate(u["orgSourcedIds"].split(","))
    ]
    for user in found["users"]:
        del user["orgSourcedIds"], user["role"]
    for item in found.get("lineItems", ()):
        item["academicSessionSourcedId"] = item.pop("gradingPeriodSourcedId")
        item["schoolSourcedId"] = "o-1"
    return found


@dataclass(frozen=True)
class Sent:
    """How a package is written."""

    version: str = "1.1"
    modes: dict[str, str] = field(default_factory=dict)  # of files that are not bulk
    manifest: bool = True
    encoding: str = "utf-8"  # utf-8-sig writes a byte order mark
    newline: str = "\n"
    header: Callable[[list[str]], list[str]] = list
    zipped: bool = False
    name: Callable[[str], str] = "{}.csv".format


def layout(name: str, version: str) -> list[str]:
    return list(FILES[name]["layouts"][version])


def write(tables: Tables, folder: Path, sent: Sent = Sent()) -> Path:
    """Writes a folder of files; `zipped`: one zip in it."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [n for n, f in FILES.items() if sent.version in f["layouts"]]
    modes = {n: sent.modes.get(n, "bulk" if n in tables else "absent") for n in names}
    files = {sent.name(name): _csv(tables[name], layout(name, sent.version), sent) for name in tables}
    if sent.manifest:
        said = {"manifest.version": "1.0", "oneroster.version": sent.version}
        said |= {f"file.{n}": mode for n, mode in modes.items()}
        lines = [{"propertyName": k, "value": v} for k, v in said.items()]
        files["manifest.csv"] = _csv(lines, ["propertyName", "value"], sent, list)
    if sent.zipped:
        with zipfile.ZipFile(folder / "oneroster.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        for name, content in files.items():
            (folder / name).write_bytes(content)
    return folder


def _csv(
    lines: list[Row], columns: list[str], sent: Sent, header: Callable[[list[str]], list[str]] | None = None
) -> bytes:
    columns = (header or sent.header)(columns)
    text = io.StringIO()
    out = csv.DictWriter(text, columns, restval="", lineterminator=sent.newline, extrasaction="ignore")
    out.writeheader()
    out.writerows(lines)
    return text.getvalue().encode(sent.encoding)


def opened(folder: Path, seq: int = 1) -> OpenedDelivery:
    """A delivery of the CSV files of a folder; a zip that stands there alone is unpacked beside it."""
    files = []
    found = sorted(p for p in folder.iterdir() if p.is_file())
    for path in [p for p in found if p.suffix != ".zip"] or found:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder / "unpacked")
            files += sorted((folder / "unpacked").iterdir())
        else:
            files.append(path)
    named = tuple(OpenedFile(p.name, p, hashlib.sha256(p.read_bytes()).hexdigest()) for p in files)
    return OpenedDelivery(seq, datetime(2026, 11, seq, tzinfo=UTC), named)


@dataclass(frozen=True)
class State:
    """`rows` by entity without provenance, in an order of their own; `held` as (file, row, entity, field, rule)."""

    summary: StateSummary
    rows: dict[str, list[str]]
    held: list[tuple[str, int, str, str, str]]
    path: Path

    def table(self, entity: str) -> list[dict[str, Any]]:
        return [json.loads(r) for r in self.rows.get(entity, [])]

    def ignored(self, stream: str) -> dict[str, int]:
        return self._count(stream).ignored

    def accepted(self, stream: str) -> int:
        return self._count(stream).accepted

    def faults(self) -> set[tuple[str, str, str]]:
        return {(entity, name, rule) for _, _, entity, name, rule in self.held}

    def _count(self, stream: str) -> Any:
        return next(c for c in self.summary.counts if c.stream == stream and not c.entity)


@cache
def _standard() -> tuple[Any, Any]:
    return load_entities(), descriptor_codes()


def build(
    out: Path,
    deliveries: Iterable[OpenedDelivery],
    *,
    year: int = YEAR,
    name: str = "sis",
    delivery: str = "",
    **options: str,
) -> State:
    source = load_source("oneroster-csv")
    entities, codes = _standard()
    facts = {"schoolYear": year, "localEducationAgencyId": None}
    words = Vocabulary(codes, source.namespaces)
    work = Work(name, source, entities, words, options, facts, delivery=delivery)
    summary = build_state(work, list(deliveries), out)
    return State(summary, {p.stem: _content(p) for p in sorted(out.glob("rows/*"))}, _held(out), out)


def _content(path: Path) -> list[str]:
    table = pq.read_table(path)
    kept = table.drop_columns([c for c in PROVENANCE if c in table.column_names])
    return sorted(json.dumps({k: v for k, v in row.items() if v is not None}, default=str) for row in kept.to_pylist())


def _held(out: Path) -> list[tuple[str, int, str, str, str]]:
    path = out / "held.parquet"
    found = pq.read_table(path).to_pylist() if path.is_file() else []
    return sorted((r["_stream"], r["_row"], r["entity"], r["field"], r["rule"]) for r in found)
