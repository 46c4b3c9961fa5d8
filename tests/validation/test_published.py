"""`hub validate --store`: what a delta or a document refers to may be published already, in either database."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from oneroster_package import clean
from oneroster_payloads import clean as payloads
from oneroster_payloads import ref

from hub.cli import main
from hub.standards import validate
from hub.standards.oneroster_layout import layouts

CONFIG = """\
state: ./state
store: {store}
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 1001
    years: [2027]
    sources:
      sis: {{vendor: oneroster-csv, path: ./incoming}}
"""


LONG = f"lin-{'3' * 80}"  # longer than the field in which the record keeps it


class Hub:
    """A hub that has published the clean package once."""

    def __init__(self, folder: Path, url: str) -> None:
        self.config, self.url = folder / "hub.yaml", url
        (folder / "incoming").mkdir()
        package = clean("1.1")
        package.rows["lineItems"].append(package.rows["lineItems"][0] | {"sourcedId": LONG})
        package.zip(folder / "incoming" / "package.zip")
        self.config.write_text(CONFIG.format(store="{url_env: THE_STORE}" if url else "sqlite"))
        synced = self("sync")
        assert synced.exit_code in (0, 1), synced.output

    def __call__(self, *words: str | Path) -> Result:
        given = [*map(str, words), "--config", str(self.config)]
        return CliRunner().invoke(main, given, env={"THE_STORE": self.url})

    def validate(self, *words: str | Path) -> dict[str, Any]:
        told = self("validate", *words, "--store", "--format", "json")
        assert told.exit_code in (0, 1), told.output
        return json.loads(told.stdout)


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Hub:
    url = ""
    if request.param == "postgresql":
        import sqlalchemy

        name = f"published_{uuid.uuid4().hex[:8]}"
        server = sqlalchemy.make_url(request.getfixturevalue("postgres_url"))
        engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        url = server.set(database=name).render_as_string(hide_password=False)
    return Hub(tmp_path_factory.mktemp("published"), url)


def delta(path: Path, **enrollment: str) -> Path:
    package = clean("1.1").only("enrollments")
    package.delta("enrollments")
    package.set("enrollments", 2, **enrollment)
    return package.zip(path)


def unresolved(told: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    return [(f["file"], f["column"], f["row"]) for f in told["findings"] if f["rule"].endswith("reference.unresolved")]


def test_a_delta_may_refer_to_what_is_published(hub: Hub, tmp_path: Path) -> None:
    good, bad = delta(tmp_path / "good.zip"), delta(tmp_path / "bad.zip", userSourcedId="nobody")
    assert unresolved(validate([bad]).to_json()) == []  # without the store nothing is known of them
    assert unresolved(hub.validate(good)) == []
    assert unresolved(hub.validate(bad)) == [("enrollments.csv", "userSourcedId", 2)]


#: The columns that lead to what the record keeps the ids of. Other references of a delta are not judged.
LOOKED_UP = {
    "classResources": {"classSourcedId"},
    "classes": {"courseSourcedId", "schoolSourcedId"},
    "courseResources": {"courseSourcedId"},
    "courses": {"orgSourcedId"},
    "demographics": {"sourcedId"},
    "enrollments": {"classSourcedId", "schoolSourcedId", "userSourcedId"},
    "lineItems": {"classSourcedId", "schoolSourcedId"},
    "orgs": {"parentSourcedId"},
    "results": {"classSourcedId", "lineItemSourcedId", "studentSourcedId"},
    "users": {"orgSourcedIds", "primaryOrgSourcedId"},
    "roles": {"orgSourcedId", "userSourcedId"},
    "scoreScales": {"classSourcedId", "courseSourcedId", "orgSourcedId"},
    "userProfiles": {"userSourcedId"},
    "userResources": {"classSourcedId", "orgSourcedId", "userSourcedId"},
    "lineItemScoreScales": {"lineItemSourcedId"},
    "lineItemLearningObjectiveIds": {"lineItemSourcedId"},
}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_every_reference_of_a_delta_is_looked_up(hub: Hub, tmp_path: Path, version: str) -> None:
    package = clean(version)
    refers = {name: [c.name for c in layouts(version)[name].columns if c.to] for name in package.rows}
    for name, rows in package.rows.items():
        package.delta(name)
        for row in rows:
            if "sourcedId" not in refers[name]:
                row["sourcedId"] = f"new-{row['sourcedId']}"  # so that nothing in the package is referred to
    package.set("results", 1, lineItemSourcedId=LONG)
    assert unresolved(hub.validate(package.zip(tmp_path / "good.zip"))) == []
    for name, columns in refers.items():
        package.set(name, 1, **dict.fromkeys(columns, "nobody"))
    found = {(file, column) for file, column, _ in unresolved(hub.validate(package.zip(tmp_path / "bad.zip")))}
    assert found == {(f"{n}.csv", c) for n, columns in LOOKED_UP.items() for c in columns if c in refers.get(n, ())}


@pytest.mark.parametrize("single", [False, True], ids=["many", "one"])
def test_objects_may_refer_to_what_is_published(hub: Hub, tmp_path: Path, single: bool) -> None:
    objects = payloads("1.1")
    objects["enrollments"][1]["user"] = ref("user", "nobody")
    objects["results"][0]["lineItem"] = ref("lineItem", "nothing")
    objects["demographics"][0]["sourcedId"] = "nobody"
    for name, one in (("enrollments", "enrollment"), ("results", "result"), ("demographics", "demographics")):
        said = {one: objects[name][-1]} if single else {name: objects[name]}
        (tmp_path / f"{name}.json").write_text(json.dumps(said))
    assert unresolved(validate([tmp_path]).to_json()) == []
    row = 1 if single else 2
    assert sorted(unresolved(hub.validate(tmp_path))) == [
        ("demographics.json", "sourcedId", 1),
        ("enrollments.json", "user.sourcedId", row),
        ("results.json", "lineItem.sourcedId", 1),
    ]


def test_what_the_record_does_not_keep_is_not_judged(hub: Hub, tmp_path: Path) -> None:
    package = clean("1.1").only("classes")
    package.delta("classes")
    package.set("classes", 1, termSourcedIds="ses-unheard-of", courseSourcedId="crs-unheard-of")
    told = hub.validate(package.zip(tmp_path / "delta.zip"))
    assert unresolved(told) == [("classes.csv", "courseSourcedId", 1)]


def test_an_ed_fi_body_may_refer_to_what_is_published(hub: Hub, tmp_path: Path) -> None:
    codes = "uri://ed-fi.org/AttendanceEventCategoryDescriptor#Unexcused Absence"
    bodies = [
        {
            "studentReference": {"studentUniqueId": student},
            "schoolReference": {"schoolId": school},
            "sessionReference": {"schoolId": 100101, "schoolYear": 2027, "sessionName": "Fall"},
            "attendanceEventCategoryDescriptor": codes,
            "eventDate": "2026-09-14",
        }
        for student, school in (("71", 100101), ("nobody", 100101), ("71", 999))
    ]
    path = tmp_path / "studentSchoolAttendanceEvents.json"
    path.write_text(json.dumps(bodies))
    assert unresolved(validate([path]).to_json()) == []
    found = hub.validate(path, "--district", "maple-hollow", "--year", "2027")
    assert sorted(row for _, _, row in unresolved(found)) == [2, 3]


def test_the_store_is_asked_only_with_its_option(hub: Hub, tmp_path: Path) -> None:
    good = delta(tmp_path / "good.zip")
    assert hub("validate", good, "--district", "maple-hollow").exit_code == 3
    assert hub("validate", good, "--store", "--district", "no-where").exit_code == 3
