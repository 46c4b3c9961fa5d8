"""Law 6: OneRoster in, Ed-Fi, OneRoster out returns what the standard can carry; the rest is listed, not dropped."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub.serve.oneroster_csv import Column, Package, Plan, write_package
from hub.standards.export.oneroster import columns, mapping
from hub.standards.specs import SCHEMAS, load_entities
from hub.standards.validation import validate
from hub.store.current import field_types
from tests.sources.oneroster_package import YEAR, Sent, Tables, as_1_2, build, gradebook, opened, roster, write
from tests.sources.test_oneroster_laws import spoiled

pytestmark = pytest.mark.slow
# An example builds a state in some seconds.
FEW = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
WORDS = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12).filter(lambda w: w.upper() != "NULL")
FLAG = st.sampled_from(["true", "false"])
DAYS = st.dates(date(2026, 8, 24), date(2027, 1, 20)).map(date.isoformat)


def record(state: Path, folder: Path) -> dict[str, Path]:
    """The rows of a state as the store gives them: every field of the spec, in its type."""
    found = {}
    for name, entity in load_entities().items():
        schema, path = pa.schema(field_types(entity)), state / "rows" / f"{name}.parquet"
        table = pq.read_table(path) if path.exists() else schema.empty_table()
        said = [
            table[f.name].cast(f.type) if f.name in table.column_names else pa.nulls(len(table), f.type) for f in schema
        ]
        found[name] = folder / f"{name}.parquet"
        pq.write_table(pa.table(said, schema=schema), found[name])
    return found


def sent_out(tables: Tables, version: str, folder: Path) -> tuple[Package, Tables]:
    """What comes back of a package."""
    build(folder / "state", [opened(write(tables, folder / "in", Sent(version=version)))])
    (folder / "record").mkdir()
    layouts = {
        name: [Column(c.name, c.required, c.many, c.to, () if c.extensible else c.values) for c in of_file]
        for name, of_file in columns(version).items()
    }
    rows = record(folder / "state", folder / "record")
    made = write_package(rows, layouts, Plan(**mapping()), version, YEAR, folder / "out.zip", folder / "scratch")
    with zipfile.ZipFile(folder / "out.zip") as archive:
        texts = {n: archive.read(n).decode() for n in archive.namelist() if n != "manifest.csv"}
    return made, {n.removesuffix(".csv"): list(csv.DictReader(io.StringIO(t))) for n, t in texts.items()}


# ------------------------------------------------------------------------------------------------- what is carried


@st.composite
def rosters(draw: st.DrawFn) -> Tables:
    """The clean package with other names, dates, grades, flags, scores, terms and kinds of class."""
    tables = roster() | gradebook()
    for user in tables["users"]:
        user |= {"givenName": draw(WORDS), "familyName": draw(WORDS), "middleName": draw(st.just("") | WORDS)}
        user["phone"] = draw(st.sampled_from(["", "555-0199"]))
        if user["role"] == "student":
            user["grades"] = draw(st.sampled_from(["KG", "01", "05", "12", "UG"]))
    for row in tables["demographics"]:
        row |= {
            "sex": draw(st.sampled_from(["male", "female"])),
            "asian": draw(FLAG),
            "hispanicOrLatinoEthnicity": draw(FLAG),
        }
        row["birthDate"] = draw(st.dates(date(2005, 1, 1), date(2022, 1, 1))).isoformat()
    for row in tables["classes"]:
        row |= {
            "title": draw(WORDS),
            "location": draw(st.just("") | WORDS),
            "classType": draw(st.sampled_from(["homeroom", "scheduled"])),
        }
        row["grades"] = draw(st.sampled_from(["", "01", "03,09"]))
    for row in tables["enrollments"]:
        if row["classSourcedId"] == "k-read":
            begins = draw(DAYS)
            row |= {"beginDate": begins, "endDate": draw(st.just("2027-06-12") | st.just("2027-02-01"))}
    for row in tables["results"]:
        row |= {"score": str(draw(st.integers(0, 20))), "comment": draw(st.just("") | WORDS)}
        row["scoreStatus"] = draw(st.sampled_from(["exempt", "fully graded", "not submitted", "submitted"]))
    return tables


def carried(tables: Tables) -> dict[str, Any]:
    """What a package says, in terms that do not depend on ids that are made anew."""
    sessions = {s["sourcedId"]: s for s in tables["academicSessions"]}
    roles: dict[str, list[tuple[str, str]]] = {}
    for row in tables.get("roles", ()):
        roles.setdefault(row["userSourcedId"], []).append((row["role"], row["orgSourcedId"]))
    for user in tables["users"]:
        if "roles" not in tables:
            roles[user["sourcedId"]] = [(user["role"], org) for org in user["orgSourcedIds"].split(",")]
    guests = {u for u, held in roles.items() if held[0][0] == "parent"}
    ids = {
        u["sourcedId"]: u.get("identifier") or u["sourcedId"] if u["sourcedId"] in guests else u["sourcedId"]
        for u in tables["users"]
    }
    links = {frozenset((ids[u["sourcedId"]], ids[a])) for u in tables["users"] for a in split(u.get("agentSourcedIds"))}
    classes = {c["sourcedId"]: c for c in tables["classes"]}
    held = {e["classSourcedId"] for e in tables["enrollments"] if e["role"] == "student"}

    def term(row: dict[str, str], end: str) -> str:
        days = [sessions[t][end] for t in split(classes[row["classSourcedId"]]["termSourcedIds"])]
        return min(days) if end == "startDate" else max(days)

    def ends(row: dict[str, str]) -> str:
        same = row["endDate"] and row["endDate"] == row["beginDate"]
        return (
            str(date.fromisoformat(row["endDate"]) + timedelta(1)) if same else row["endDate"] or term(row, "endDate")
        )

    return {
        "orgs": {o["sourcedId"]: (o["name"], o["type"], o["identifier"], o["parentSourcedId"]) for o in tables["orgs"]},
        "sessions": {(s["title"], s["type"], s["startDate"], s["endDate"], s["schoolYear"]) for s in sessions.values()},
        "courses": {
            c["sourcedId"]: (
                c["title"], c["courseCode"], split(c["grades"]), c["orgSourcedId"], c["subjects"], c["subjectCodes"],
            )
            for c in tables["courses"]
        },
        "classes": {
            c["sourcedId"]: (
                c["title"], split(c["grades"]), c["courseSourcedId"], c["location"], c["schoolSourcedId"],
                {sessions[t]["title"] for t in split(c["termSourcedIds"])}, split(c["periods"]),
                c["classType"] if c["sourcedId"] in held else "",
            )
            for c in classes.values()
        },
        "users": {
            ids[u["sourcedId"]]: (
                u["givenName"], u["familyName"], u.get("middleName", ""), u.get("email", ""), u.get("phone", ""),
                split(u.get("userIds")), u["grades"], set(roles[u["sourcedId"]]),
                "" if u["sourcedId"] in guests else u["identifier"],
            )
            for u in tables["users"]
        },
        "links": links,
        "demographics": {
            d["sourcedId"]: (
                d["birthDate"], d["sex"], d["asian"] == "true", d["white"] == "true", d["hispanicOrLatinoEthnicity"],
                d["countryOfBirthCode"], d["stateOfBirthAbbreviation"],
            )
            for d in tables["demographics"]
        },
        "enrollments": {
            (e["classSourcedId"], e["userSourcedId"], e["role"], e["primary"] if e["role"] == "teacher" else "",
             e["beginDate"] or term(e, "startDate"), ends(e))
            for e in tables["enrollments"]
        },
        "categories": {c["title"] for c in tables["categories"]},
        "lineItems": {
            i["sourcedId"]: (i["title"], i["assignDate"], i["dueDate"], i["classSourcedId"], float(i["resultValueMax"]))
            for i in tables["lineItems"]
        },
        "results": {
            (r["lineItemSourcedId"], r["studentSourcedId"]): (
                r["scoreStatus"], float(r["score"]), r["scoreDate"], r["comment"],
            )
            for r in tables["results"]
        },
    }  # fmt: skip


def split(said: str | None) -> list[str]:
    return sorted(i for i in (said or "").split(",") if i)


@given(st.sampled_from(["1.2", "1.1"]), rosters())
@FEW
def test_what_the_standard_can_carry_comes_back(version: str, tables: Tables) -> None:
    given_ = as_1_2(tables) if version == "1.2" else tables
    with TemporaryDirectory() as folder:
        made, returned = sent_out(given_, version, Path(folder))
        found = validate([Path(folder) / "out.zip"])
    assert [f for f in found.findings if f.severity == "error"] == []
    wanted, got = carried(given_), carried(returned)
    for name in wanted:
        assert got[name] == wanted[name], name
    assert not [lost for lost in made.lost if lost.of.endswith(".csv")]


@given(st.sampled_from(["1.2", "1.1"]), spoiled())
@settings(parent=FEW, max_examples=2)
def test_whatever_the_record_holds_the_package_conforms(version: str, tables: Tables) -> None:
    with TemporaryDirectory() as folder:
        try:
            made, returned = sent_out(as_1_2(tables) if version == "1.2" else tables, version, Path(folder))
        except KeyError:
            return  # a spoiled package that cannot be written as 1.2
        found = validate([Path(folder) / "out.zip"])
    assert [(f.rule, f.file, f.column) for f in found.findings if f.severity == "error"] == []
    assert made.files == {name: len(rows) for name, rows in returned.items()}


def test_what_is_not_carried_is_listed_with_its_number() -> None:
    tables = roster() | gradebook()
    tables["users"][5]["role"] = "librarian"  # Ann, of two schools
    tables["users"][7]["role"] = "contact"  # Pat, of two children
    with TemporaryDirectory() as folder:
        made, returned = sent_out(tables, "1.1", Path(folder))
    lost = {(lost.of, lost.field): lost.rows for lost in made.lost}
    assert (
        len(tables["results"]) - len(returned["results"]) == lost["results.csv", "score"] == 2
    )  # 1.1 asks for a score
    assert lost["StaffEducationOrganizationAssignmentAssociation", "staffClassificationDescriptor"] == 2
    assert lost["StudentContactAssociation", "relationDescriptor"] == 2
    roles = {u["sourcedId"]: u["role"] for u in returned["users"]}
    assert roles["u-ann"] == "teacher"  # she teaches
    assert "P1" not in roles  # 1.1 asks for a role and an org
    assert lost["users.csv", "orgSourcedIds"] == 1
    assert lost["School", "gradeLevels"] == 2
    assert lost["StaffSchoolAssociation", ""] == 3
    assert set(made.filled) == {"users.enabledUser", "users.username", "lineItems.resultValueMin"}


# ------------------------------------------------------------------------------------------------------ the command


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A district that synced the sample package of the vendor's folder."""
    folder = tmp_path_factory.mktemp("out")
    hub(folder, "init", "d", "--name", "Try", "--local-education-agency-id", "255901")
    shutil.copytree(
        SCHEMAS / "sources" / "oneroster-csv" / "sample", folder / "d" / "incoming" / "sis", dirs_exist_ok=True
    )
    (folder / "d" / "incoming" / "sis" / "expected.json").unlink()
    assert hub(folder / "d", "sync").returncode == 0
    return folder / "d"


def hub(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "HUB_CONFIG"}
    command = [sys.executable, "-m", "hub.cli", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_hub_export_writes_the_same_conforming_package_twice(district: Path) -> None:
    for version in ("1.1", "1.2"):
        told = hub(district, "export", "oneroster", "--version", version, "--out", "a.zip", "--json")
        again = hub(district, "export", "oneroster", "--version", version, "--out", "b.zip")
        assert (told.returncode, again.returncode) == (0, 0), told.stderr + again.stderr
        assert (district / "a.zip").read_bytes() == (district / "b.zip").read_bytes()
        said = json.loads(told.stdout)
        assert {"of", "field", "reason", "rows"} == set(said["not_carried"][0])
        found = validate([district / "a.zip"])
        assert (found.version, found.findings) == (version, ())
        assert {f.name: f.rows for f in found.files} == {f"{n}.csv": rows for n, rows in said["files"].items()}
        assert "School.gradeLevels" in again.stdout


def test_hub_export_says_what_to_do_where_nothing_is_published(district: Path) -> None:
    told = hub(district, "export", "oneroster", "--out", "missing/c.zip")
    assert (told.returncode, "missing" in told.stderr) == (3, True)
