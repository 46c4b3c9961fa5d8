"""An Ed-Fi API says what its documents say, through every version's way of paging, and follows what changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hub.config import Settings, load
from hub.connectors import Pull, fetch
from hub.errors import HubError
from hub.landing import deliveries
from hub.model import Slice, SourceOutcome, StreamAgain, StreamEnd
from hub.pipeline.source import pull as pull_source
from hub.standards.bodies import body
from hub.standards.reading.edfi_xml import read_interchange
from hub.standards.vendors.sources import load_source
from tests.connectors.edfi_server import EdFi, bodies
from tests.connectors.hostile import CANARY, Hostile, serving
from tests.connectors.oneroster_server import ENVIRONMENT
from tests.sources.building import built, entities

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "schemas" / "sources" / "edfi-xml" / "sample"
OFFICIAL = ROOT.parent / "shared" / "data" / "edfi" / "5.2" / "samples"
PLACE = ("_source", "_stream", "_file", "_row", "_seq")


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def filled(edfi: EdFi, documents: Path, scratch: Path) -> EdFi:
    """The records of interchange documents as resources of the server."""
    for number, path in enumerate(sorted(documents.glob("*.xml"))):
        read = read_interchange(path, entities(), scratch / str(number))
        for name in read.rows:
            if name != "Descriptor":
                shape = body(name, "5.2")
                rows = [_parsed(r) for r in pq.read_table(scratch / str(number) / f"{name}.parquet").to_pylist()]
                for item in bodies(rows, shape):
                    edfi.put(shape.resource, item)
    return edfi


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    return {k: json.loads(v) if isinstance(v, str) and re.match(r"[\[{]", v) else v for k, v in row.items()}


def served(edfi: EdFi) -> Hostile:
    hostile = Hostile({}, auth="oauth2", open=frozenset({"/api/"}))
    hostile.own = partial(edfi.answer, hostile)
    return hostile


def district(folder: Path, server: Hostile, year: int = 2027) -> Settings:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hub.yaml").write_text(
        f"""state: ./state
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 4410
    years: [{year}]
    sources:
      ods:
        vendor: edfi-rest
        url: {server.url}/api
        auth: {{client_id_env: SIS_ID, client_secret_env: SIS_SECRET}}
        transport: {{per_second: 10000, retry: {{times: 1, backoff: 0}}}}
"""
    )
    return load(folder / "hub.yaml")


def pull(settings: Settings) -> SourceOutcome:
    found = settings.districts[0]
    slice = Slice(found.id, found.current_year)
    return pull_source(settings, slice, found.sources[0], "", lambda *_: None, datetime.now(UTC))


def said(settings: Settings, outcome: SourceOutcome) -> dict[str, list[str]]:
    year = settings.districts[0].current_year
    folder = settings.state / "work" / "maple-hollow" / str(year) / "ods" / outcome.state / "rows"
    return {p.stem: _rows(pq.read_table(p).to_pylist()) for p in sorted(folder.glob("*"))}


def _rows(rows: list[dict[str, Any]]) -> list[str]:
    kept = [_parsed({k: v for k, v in row.items() if v is not None and k not in PLACE}) for row in rows]
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in kept)


@pytest.fixture
def edfi(tmp_path: Path) -> EdFi:
    return filled(EdFi(), SAMPLE, tmp_path / "xml")


@pytest.fixture
def server(edfi: EdFi) -> Iterator[Hostile]:
    with serving(served(edfi)) as running:
        yield running


@pytest.mark.parametrize(("version", "data"), [("5.3", "/data/v3"), ("7.3", "/data/v3"), ("8.0", "/data")])
def test_an_api_says_what_its_documents_say(
    tmp_path: Path, edfi: EdFi, server: Hostile, version: str, data: str
) -> None:
    edfi.version, edfi.data = version, data
    wanted = built("edfi-xml", 2027, sorted(SAMPLE.glob("*.xml")), tmp_path / "state")
    settings = district(tmp_path / version, server)
    outcome = pull(settings)
    assert outcome.status == "fresh", outcome.message
    assert said(settings, outcome) == {name: _rows(rows) for name, rows in wanted.rows.items()}


def scopes(settings: Settings) -> set[str]:
    newest = deliveries(settings.state, Slice("maple-hollow", 2027), "ods")[-1]
    return {end.scope for end in newest.streams.values()}


def students(settings: Settings, outcome: SourceOutcome) -> dict[str, str]:
    rows = [json.loads(r) for r in said(settings, outcome)["Student"]]
    return {row["studentUniqueId"]: row["firstName"] for row in rows}


def test_changes_and_deletions_are_followed_and_everything_is_asked_where_they_cannot_be(
    tmp_path: Path, edfi: EdFi, server: Hostile
) -> None:
    settings = district(tmp_path, server)
    for number in range(3):
        edfi.put("students", student(number))
    before = students(settings, pull(settings))
    assert scopes(settings) == {"full"}
    assert {"s0", "s1", "s2"} <= before.keys()

    _, changed = edfi.rows["students"][-1]
    edfi.put("students", {**changed, "firstName": "Renamed"})
    edfi.delete("students", len(edfi.rows["students"]) - 2)
    server.asked.clear()
    after = students(settings, pull(settings))
    assert scopes(settings) == {"delta"}
    assert after == {**{k: v for k, v in before.items() if k != "s1"}, "s2": "Renamed"}
    assert all("minChangeVersion" in q for path, q in server.asked if path.endswith("/ed-fi/students"))

    edfi.change_key("studentSchoolAssociations", 0)
    assert students(settings, pull(settings)) == after
    assert scopes(settings) == {"full"}  # what refers to a key that changed has changed with it

    edfi.put("students", student(9))
    edfi.oldest = edfi.changes + 1
    assert "s9" in students(settings, pull(settings))
    assert scopes(settings) == {"full"}  # the server has forgotten changes that were not asked for yet

    edfi.has_changes = False
    edfi.put("students", student(10))
    assert "s10" in students(settings, pull(settings))
    assert scopes(settings) == {"full"}


def student(number: int) -> dict[str, Any]:
    name = {"firstName": f"First {number}", "lastSurname": "Oak"}
    return {"studentUniqueId": f"s{number}", **name, "birthDate": "2015-01-02"}


@pytest.mark.parametrize("version", ["7.1", "7.3"])
def test_what_moves_while_it_is_read_is_not_lost(tmp_path: Path, edfi: EdFi, server: Hostile, version: str) -> None:
    edfi.version, edfi.cap = version, 10
    for number in range(40):
        edfi.put("students", student(number))
    words = "transport: {per_second: 10000, paging: {size: 10}, retry: {times: 1, backoff: 0}}"
    settings = district(tmp_path, server)
    settings = load(rewritten(settings.path, words))
    plain, calls = server.own, []

    def moving(handler: Any, path: str, query: dict[str, str]) -> bool:
        if path.endswith("/students") and len(calls) < 2 and query:
            calls.append(path)
            if version == "7.1":
                edfi.delete("students", 2)
        assert plain is not None
        return plain(handler, path, query)

    server.own = moving
    found = students(settings, pull(settings))
    there = {item["studentUniqueId"] for _, item in edfi.rows["students"]}
    assert there <= found.keys()


def rewritten(path: Path, words: str) -> Path:
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"        {words}" if line.strip().startswith("transport:") else line for line in lines))
    return path


def test_what_the_account_may_not_read_is_left_out_until_it_was_once_given(
    tmp_path: Path, edfi: EdFi, server: Hostile
) -> None:
    settings = district(tmp_path, server)
    edfi.forbidden = {"studentSchoolAssociations"}
    outcome = pull(settings)
    assert outcome.status == "fresh"
    assert "StudentSchoolAssociation may not be read with these credentials (status 403)" in outcome.message
    assert "more) is not offered by the server (status 404)" in outcome.message
    edfi.forbidden = {"students"}
    outcome = pull(settings)
    assert (outcome.status, bool(outcome.state)) == ("failed", True)
    assert "Student" in outcome.message
    edfi.forbidden = set(edfi.rows)
    assert "claim set" in pull(district(tmp_path / "other", server)).remedy


def test_where_deletions_may_not_be_read_all_of_a_resource_tells_what_is_gone(
    tmp_path: Path, edfi: EdFi, server: Hostile
) -> None:
    settings = district(tmp_path, server)
    edfi.tells_deletes = False
    edfi.put("students", student(1))
    assert "s1" in students(settings, pull(settings))
    edfi.delete("students", len(edfi.rows["students"]) - 1)
    edfi.put("students", student(2))
    outcome = pull(settings)
    assert outcome.status == "fresh", outcome.message
    found = students(settings, outcome)
    assert "s1" not in found
    assert "s2" in found


def test_a_gateway_that_takes_the_tokens_away_costs_no_row(tmp_path: Path, edfi: EdFi, server: Hostile) -> None:
    edfi.version, edfi.tells_tokens = "7.3", False
    for number in range(60):  # more than the 25 that a page has unasked
        edfi.put("students", student(number))
    outcome = pull(district(tmp_path, server))
    assert outcome.status == "fresh", outcome.message
    wanted = {item["studentUniqueId"] for _, item in edfi.rows["students"]}
    assert students(load(tmp_path / "hub.yaml"), outcome).keys() == wanted


def test_what_the_discovery_document_leaves_open_is_filled_in_or_asked_for(
    tmp_path: Path, edfi: EdFi, server: Hostile
) -> None:
    edfi.route = "/{tenantIdentifier}/{schoolYearFromRoute:range(2026,2027)}"
    outcome = pull(district(tmp_path, server))
    assert outcome.status == "failed"
    assert "tenantIdentifier" in outcome.message + outcome.remedy
    edfi.within = "/maple/2027"
    words = "transport: {per_second: 10000, route: {tenantIdentifier: maple}}"
    assert pull(load(rewritten(tmp_path / "hub.yaml", words))).status == "fresh"


@pytest.mark.shared
@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="../shared with the official samples is not there")
def test_resources_of_the_official_samples_say_what_their_documents_say(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for kind in ("EducationOrg*", "MasterSchedule", "StudentDiscipline", "StudentProgram"):
        for path in OFFICIAL.glob(f"{kind}.xml"):
            (documents / path.name).symlink_to(path)
    edfi = filled(EdFi(), documents, tmp_path / "xml")
    wanted = built("edfi-xml", 2022, sorted(documents.glob("*.xml")), tmp_path / "state")
    with serving(served(edfi)) as server:
        settings = district(tmp_path, server, 2022)
        outcome = pull(settings)
        assert outcome.status == "fresh", outcome.message
        found = said(settings, outcome)
    rows = {name: _rows(rows) for name, rows in wanted.rows.items() if name != "Descriptor"}
    assert found == {name: sorted(map(_in_words, lines)) for name, lines in rows.items()}


def _in_words(row: str) -> str:
    """xs:boolean has two words for each value; lists keep the one that the document has."""
    for number, word in (("1", "true"), ("0", "false")):
        row = row.replace(f'"primaryIndicator": "{number}"', f'"primaryIndicator": "{word}"')
    return row


FAULTS = (
    "429", "500", "cut", "torn", "html", "error", "envelope", "latin", "huge", "redirect", "refused", "dropped", "nan",
    "slow", "charset",
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_misbehaving_api_gives_every_resource_by_cursor_or_ends_the_pull(fault: str) -> None:
    """By offset: test_matrix.py."""
    edfi = EdFi(version="7.3", cap=10)
    for number in range(25):
        edfi.put("students", student(number))
    rows = [item for _, item in edfi.rows["students"]]
    with serving(served(edfi)) as server:
        plain, calls = server.own, []

        def own(handler: Any, path: str, query: dict[str, str]) -> bool:
            calls.extend([path] if path.endswith("/students") else [])
            if path.endswith("/students") and len(calls) == 2:
                handler._misbehave(fault, rows[:10], {})  # for what is no fault of the bytes: page 1 again
                return True
            assert plain is not None
            return plain(handler, path, query)

        server.own = own
        words = load_source("edfi-rest").transport | {"url": f"{server.url}/api", "per_second": 10000, "timeout": 0.5}
        words |= {"retry": {"times": 2, "backoff": 0}, "paging": {"size": 10}, "max_bytes": 1_000_000}
        words["auth"] = {"kind": "oauth2", "client_id_env": "SIS_ID", "client_secret_env": "SIS_SECRET"}
        asked = tuple(s for s in load_source("edfi-rest").streams if s.name == "Student")
        pull = Pull("ods", Slice("a", 2027), words, asked, lambda name, key: ENVIRONMENT[name])
        try:
            pages = [json.loads(p.open().read()) for p in fetch(pull) if not isinstance(p, StreamEnd | StreamAgain)]
        except HubError as error:
            told = str(error)
        else:
            told = ""
            assert {r["id"] for page in pages for r in page} == {r["id"] for r in rows}
        assert not [word for word in ("First", CANARY, "limit=") if word in told]
