"""OneRoster over REST says what the same roster says as CSV, night after night, from hub.yaml to the store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import pipeline
from hub.config import Settings, load
from hub.errors import HubError
from hub.landing import Delivery, deliveries
from hub.landing.blobs import find_blob
from hub.model import Run, Slice, SourceOutcome
from hub.pipeline.source import land_source, load_outcome, save_outcome
from hub.pipeline.source import pull as pull_source
from hub.standards.vendors.sources import load_source
from tests.connectors.hostile import CANARY, FAULTS, Hostile, List, serving
from tests.connectors.oneroster_server import ENVIRONMENT, district, lists, path_of
from tests.connectors.token_server import SECRET
from tests.sources.oneroster_package import (
    YEAR,
    Sent,
    State,
    Tables,
    _content,
    as_1_2,
    build,
    gradebook,
    opened,
    roster,
    write,
)

SLICE = Slice("maple-hollow", YEAR)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def server() -> Iterator[Hostile]:
    with serving(Hostile(lists(roster() | gradebook()), auth="oauth2")) as running:
        yield running


def night(settings: Settings) -> Run:
    return pipeline.sync(settings, SLICE)


def said(settings: Settings) -> dict[str, list[str]]:
    """The rows of the source's state by entity."""
    outcome = load_outcome(settings, SLICE, "sis")
    assert outcome is not None
    folder = settings.state / "work" / SLICE.district / str(YEAR) / "sis" / outcome.state
    return {p.stem: _content(p) for p in sorted(folder.glob("rows/*"))}


def by_csv(tables: Tables, folder: Path, version: str) -> State:
    return build(folder / "state", [opened(write(tables, folder / "csv", Sent(version)))])


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_rest_says_what_csv_says(tmp_path: Path, version: str) -> None:
    tables = roster() | gradebook()
    if version == "1.2":
        tables = as_1_2(tables)
    wanted = by_csv(tables, tmp_path, version)
    with serving(Hostile(lists(tables, version), auth="oauth2")) as server:
        settings = district(tmp_path, server, version)
        run = night(settings)
        assert run.status == "published", run.message
        assert said(settings) == wanted.rows
        assert night(settings).status == "unchanged"


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_other_ways_to_write_the_same_body_say_the_same(tmp_path: Path, version: str) -> None:
    """Lists of one without a list, booleans and numbers as such, grades in one text, one item under its own name."""
    tables = roster() | gradebook()
    tables = as_1_2(tables) if version == "1.2" else tables
    wanted = by_csv(tables, tmp_path, version)
    made = lists(tables, version)
    for found in made.values():
        found.rows[:] = [otherwise(row) for row in found.rows]
    with serving(Hostile(made, auth="oauth2")) as server:
        settings = district(tmp_path, server, version)
        assert pull(settings).status == "fresh"
    assert said(settings) == wanted.rows


def otherwise(row: dict[str, Any]) -> dict[str, Any]:
    if "birthDate" in row:
        row["birthdate"] = row.pop("birthDate")
    if isinstance(row.get("grades"), list):
        row["grades"] = ",".join(row["grades"])
    for name, value in row.items():
        if isinstance(value, list) and len(value) == 1:
            row[name] = value[0]
        elif value in ("true", "false"):
            row[name] = value == "true"
        elif name in ("schoolYear", "identifier") and value.isdigit() and not value.startswith("0"):
            row[name] = int(value)
    return {**dict.fromkeys(("agents", "userIds", "roles", "parent", "subjects")), **row}


@pytest.mark.parametrize("status", [403, 404])
def test_a_server_without_marks_gives_the_roster_until_it_once_gave_them(
    tmp_path: Path, server: Hostile, status: int
) -> None:
    settings = district(tmp_path, server)
    closed = [path_of(name) for name in ("demographics", "categories", "lineItems", "results", "resources")]

    def own(handler: Any, path: str, _query: dict[str, str]) -> bool:
        if path in closed:
            handler.say({"imsx_codeMajor": "failure", "imsx_description": CANARY}, status)
        return path in closed

    server.own = own
    outcome = pull(settings)
    assert outcome.status == "fresh", outcome.message
    assert "(and 4 more)" in outcome.message
    assert f"(status {status})" in outcome.message
    assert CANARY not in outcome.message
    assert "StudentSectionAssociation" in said(settings)
    assert not said(settings).get("StudentDemographic")
    closed.clear()
    assert "Not taken" not in pull(settings).message
    closed.append(path_of("demographics"))
    assert pull(settings).status == "failed"
    closed[:] = [path_of("users")]
    assert pull(settings).status == "failed"


def landed(settings: Settings) -> Delivery | None:
    """Tonight's delivery of the source, as the night lands it."""
    source = settings.district(SLICE.district).sources[0]
    vendor = load_source(source.vendor, settings.specs)
    return land_source(settings, SLICE, source, vendor, lambda *_: None, datetime.now(UTC))[0]


def ids(settings: Settings, delivery: Delivery, stream: str) -> set[str]:
    found: set[str] = set()
    for file in delivery.files:
        if file.stream == stream:
            path = find_blob(settings.state, SLICE.district, file.name, file.sha256, file.size)
            found |= {row["sourcedId"] for row in json.loads(path.read_bytes())[stream]}
    return found


#: What a server may do to a list of which it is asked for page 2, and whether the night may have all of it.
@pytest.mark.parametrize("fault", FAULTS)
def test_a_night_has_all_that_is_there_or_keeps_the_last_good_slice(
    tmp_path: Path, server: Hostile, fault: str
) -> None:
    settings = district(tmp_path, server)
    good = landed(settings)
    assert good is not None
    users = server.lists[path_of("users")].rows
    users.append({**users[0], "sourcedId": "u-new", "givenName": CANARY})
    before = {row["sourcedId"] for row in users}
    server.misbehave(path_of("users"), fault, 2)
    try:
        tonight = landed(settings)
    except HubError:
        assert deliveries(settings.state, SLICE, "sis") == [good]
        server.faults.clear()
        tonight = landed(settings)  # the next night is whole again, wherever this one was cut off
    assert tonight is not None
    assert tonight.seq == 2
    assert ids(settings, tonight, "users") >= {row["sourcedId"] for row in users} & before


def test_killed_half_way_it_goes_on_and_asks_for_one_page_again_at_most(tmp_path: Path, server: Hostile) -> None:
    settings = district(tmp_path, server, size=2)
    victim: list[subprocess.Popen[bytes]] = []
    asked: list[tuple[str, str]] = []

    def own(handler: Any, path: str, query: dict[str, str]) -> bool:
        asked.append((path, query.get("offset", "")))
        if len(asked) in (9, 14) and victim[-1].poll() is None:
            victim[-1].send_signal(signal.SIGKILL)
            victim[-1].wait()
        return False

    server.own = own
    code = "import sys; from tests.connectors.test_oneroster_rest import landed_by; landed_by(sys.argv[1])"
    for _ in range(3):
        victim.append(
            subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path / "hub.yaml")],
                cwd=Path(__file__).parents[2],
                env=os.environ | ENVIRONMENT,
            )
        )
        victim[-1].wait(120)
    assert [v.returncode for v in victim] == [-signal.SIGKILL, -signal.SIGKILL, 0]
    (tonight,) = deliveries(settings.state, SLICE, "sis")
    assert ids(settings, tonight, "users") == {row["sourcedId"] for row in server.lists[path_of("users")].rows}
    assert len({f.name for f in tonight.files}) == len(tonight.files)
    again = Counter(asked)
    assert sum(n - 1 for n in again.values()) <= 2  # two kills


def landed_by(config: str) -> None:
    landed(load(Path(config)))


def test_changes_and_deletions_reach_the_state_and_a_full_pull_finds_what_vanished(
    tmp_path: Path, server: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.lists = {path: Changing(**vars(found)) for path, found in server.lists.items()}
    settings = district(tmp_path, server, changes="true")
    users = server.lists[path_of("users")].rows
    assert pull(settings).status == "fresh"
    users[0] |= {"givenName": "Renamed", "dateLastModified": "2099-01-01T00:00:00.000Z"}
    users[1] |= {"status": "tobedeleted", "dateLastModified": "2099-01-01T00:00:00.000Z"}
    vanished = users.pop(2)
    outcome = pull(settings)
    assert outcome.status == "fresh", outcome.message
    newest = deliveries(settings.state, SLICE, "sis")[-1]
    assert {end.scope for end in newest.streams.values()} == {"delta"}
    text = json.dumps(said(settings)["Student"])
    assert "Renamed" in text
    assert f'"{users[1]["givenName"]}' not in text.replace("\\", "")
    assert vanished["givenName"] in text  # a pull of changes cannot know
    monkeypatch.setattr("hub.connectors.http.timedelta", lambda days=0, **more: timedelta(**more))
    assert pull(settings).status == "fresh"
    assert {end.scope for end in deliveries(settings.state, SLICE, "sis")[-1].streams.values()} == {"full"}
    assert vanished["givenName"] not in json.dumps(said(settings)["Student"])


def test_a_refused_secret_fails_this_source_and_no_word_of_a_pupil_is_told(
    tmp_path: Path, server: Hostile, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = district(tmp_path, server)
    assert pull(settings).status == "fresh"
    for fault, status in (("refused", "failed"), ("error", "refused"), ("html", "failed"), ("500-forever", "failed")):
        server.misbehave(path_of("users"), fault, 1)
        outcome = pull(settings)
        assert outcome.status == status
        assert outcome.state
        assert outcome.remedy
        told = json.dumps(asdict(outcome), default=str) + "".join(capfd.readouterr())
        assert not [word for word in (CANARY, SECRET, "filter=", "limit=") if word in told]


class Changing(List):
    """A list that a filter on dateLastModified shortens."""

    def shown(self, query: dict[str, str]) -> list[dict[str, Any]]:
        if "filter" not in query:
            return self.rows
        since = query["filter"].split("'")[1]
        return [row for row in self.rows if row["dateLastModified"] >= since]


def pull(settings: Settings) -> SourceOutcome:
    """Land and normalize, as the night does."""
    source = settings.district(SLICE.district).sources[0]
    outcome = pull_source(settings, SLICE, source, "", lambda *_: None, datetime.now(UTC))
    save_outcome(settings, SLICE, outcome)
    return outcome
