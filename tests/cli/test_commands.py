"""Each verb: what it asks of the path and the store, what it says, how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from played import Hub, a_run, an_outcome

from hub import pipeline, store
from hub.commands import student, words
from hub.errors import RetryLater
from hub.model import Breach, Change, HeldCount, LandedFile, Run, Slice
from hub.store import Candidate, Review

MAPLE, BIRCH = Slice("maple-hollow", 2027), Slice("birch-creek", 2027)
Stores = Callable[[str], Any]


class Path_:
    """The pipeline, played: remembers its calls, answers with runs of the given look."""

    def __init__(self, **look: Any) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.look = {"status": "published"} | look

    def sync(self, settings: Any, slice: Slice, *, only: set[str] | None = None, progress: Any) -> Run:
        progress("land", 0, 3)
        self.calls.append(("sync", slice, only))
        return a_run(slice, **self.look)

    def replay(self, settings: Any, slice: Slice, *, source: str | None = None, progress: Any) -> Run:
        self.calls.append(("replay", slice, source))
        return a_run(slice, **self.look)

    def approve(self, settings: Any, slice: Slice, run_id: str, who: str) -> Run:
        self.calls.append(("approve", slice, run_id, who))
        return a_run(slice, run_id, status="approved")

    def discard(self, settings: Any, slice: Slice, run_id: str, who: str) -> Run:
        self.calls.append(("discard", slice, run_id, who))
        return a_run(slice, run_id, status="discarded")

    def report(self, settings: Any, slice: Slice, run_id: str | None) -> Path:
        self.calls.append(("report", slice, run_id))
        return settings.state / "report.html"


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path_]:
    def played(**look: Any) -> Path_:
        path = Path_(**look)
        for verb in ("sync", "replay", "approve", "discard", "report"):
            monkeypatch.setattr(pipeline, verb, getattr(path, verb), raising=False)
        return path

    return played


# ---------------------------------------------------------------- sync


def test_sync_takes_every_districts_current_year(hub: Hub, play: Callable[..., Path_]) -> None:
    path = play()
    assert hub("sync").exit_code == 0
    assert path.calls == [("sync", MAPLE, None), ("sync", BIRCH, None)]


def test_sync_takes_what_it_is_told(hub: Hub, play: Callable[..., Path_]) -> None:
    path = play()
    assert hub("sync", "--district", "maple-hollow", "--year", "2026", "--source", "sis").exit_code == 0
    assert path.calls == [("sync", Slice("maple-hollow", 2026), {"sis"})]


@pytest.mark.parametrize(
    ("look", "code"),
    [
        ({"status": "published"}, 0),
        ({"status": "unchanged"}, 0),
        ({"status": "held"}, 1),
        ({"status": "failed"}, 1),
        ({"sources": (an_outcome("unchanged"), an_outcome("nothing_landed"))}, 0),
        ({"sources": (an_outcome("failed"),)}, 1),
        ({"sources": (an_outcome("refused"),)}, 1),
        ({"held": (HeldCount("sis", "Grade", "gradeLevel", "unknown-code", 3),)}, 0),
    ],
    ids=str,
)
def test_sync_ends_with_1_where_a_person_must_act(
    look: dict[str, Any], code: int, hub: Hub, play: Callable[..., Path_]
) -> None:
    play(**look)
    assert hub("sync", "--district", "maple-hollow").exit_code == code


def test_sync_says_what_came_what_changed_and_what_to_do(hub: Hub, play: Callable[..., Path_]) -> None:
    play(
        status="held",
        sources=(an_outcome("refused", message="users.csv is cut short.", remedy="Send it again.", owner="SIS [x]"),),
        changes=(Change("Student", 3040, 0, 1, 1200), Change("Staff", 100, 0, 0, 0)),
        held=(HeldCount("sis", "Grade", "gradeLevel", "unknown-code", 3),),
        breaches=(Breach("Student", "removed", 1200, 0.3947, 0.1),),
    )
    told = hub("sync", "--district", "maple-hollow").stdout
    assert "maple-hollow, school year 2027: held. Run 20261122T020000Z-1a2b3c." in told
    assert "sis [SIS [x]]: users.csv is cut short. Send it again." in told
    assert ["Student", "3,040", "0", "1", "1,200", "1,840"] in [line.split() for line in told.splitlines()]
    assert "Staff" not in told
    assert "Held back: 3 faults. See `hub held list" in told
    assert "Student would have 1,200 rows removed (39.5%, allowed 10.0%)" in told
    assert "hub publish approve 20261122T020000Z-1a2b3c" in told


def test_a_district_that_fails_does_not_stop_the_next(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(settings: Any, slice: Slice, **_: Any) -> Run:
        if slice == MAPLE:
            raise RetryLater("The database is away.", "Try again.")
        return a_run(slice, status="published")

    monkeypatch.setattr(pipeline, "sync", fake, raising=False)
    told = hub("sync")
    assert told.exit_code == 1
    assert "maple-hollow, school year 2027: not synced.\nThe database is away." in told.stderr
    assert "birch-creek, school year 2027: published" in told.stdout
    birch, maple = json.loads(hub("sync", "--json").stdout)
    assert (birch["status"], maple["district"], maple["error"]) == (
        "published",
        MAPLE.district,
        "The database is away.",
    )


def test_json_of_a_sync_is_its_runs(hub: Hub, play: Callable[..., Path_]) -> None:
    play(sources=(an_outcome(received=datetime(2026, 11, 22, tzinfo=UTC)),))
    told = json.loads(hub("sync", "--json").stdout)
    assert [run["district"] for run in told] == ["maple-hollow", "birch-creek"]
    assert told[0]["sources"][0]["received"] == "2026-11-22T00:00:00+00:00"


# ---------------------------------------------------------------- runs, held, publish, report


def test_runs_lists_the_newest_first_within_80_columns(hub: Hub, stores: Stores) -> None:
    assert "birch-creek has no runs yet" in hub("runs").stdout
    for night in ("20261121T020000Z-0000aa", "20261122T020000Z-0000bb"):
        run = a_run(MAPLE, night, status="published", changes=(Change("Student", 900_000, 147_085, 23_456, 12_345),))
        store.record_run(stores("maple-hollow"), run)
    told = hub("runs")
    lines = [line.split() for line in told.stdout.splitlines()]
    assert [line[0] for line in lines if line and line[0].startswith("2026")] == [
        "20261122T020000Z-0000bb",
        "20261121T020000Z-0000aa",
    ]
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert "147,085" in told.stdout
    assert "\x1b" not in told.stdout
    assert [run["id"][-2:] for run in json.loads(hub("runs", "--json", "--limit", "1").stdout)] == ["bb"]


@pytest.fixture
def held(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    row = store.HeldRow(2027, "sis", "users", "us\x1b[31mers.csv", 7, "Student", "birthDate", "unreadable", "r1")
    rows = {"maple-hollow": [row, store.HeldRow(**vars(row) | {"row": 9})], "birch-creek": []}

    def fake(opened: Any, year: Any, source: Any, rule: Any, limit: Any) -> list[Any]:
        found = [r for r in rows[opened.district] if (source or r.source) == r.source and (rule or r.rule) == r.rule]
        return found[:limit]

    monkeypatch.setattr(store, "held_rows", fake, raising=False)


@pytest.mark.usefixtures("held")
def test_held_rows_are_counted_by_reason(hub: Hub) -> None:
    assert "Nothing is held" in hub("held", "list", "--district", "birch-creek").stdout
    assert json.loads(hub("held", "list", "--json").stdout) == [
        {
            "district": "maple-hollow",
            "source": "sis",
            "entity": "Student",
            "field": "birthDate",
            "rule": "unreadable",
            "faults": 2,
        }
    ]
    assert "unreadable" in hub("held", "list").stdout


@pytest.mark.usefixtures("held")
def test_held_rows_are_shown_by_place_and_cannot_steer_the_terminal(hub: Hub) -> None:
    told = hub("held", "show", "unreadable").stdout
    assert "us�[31mers.c" in told
    assert "\x1b" not in told
    assert "Nothing is held by rule gone" in hub("held", "show", "gone").stdout
    assert [row["row"] for row in json.loads(hub("held", "show", "unreadable", "--json").stdout)] == [7, 9]


def test_a_held_row_is_shown_by_the_name_of_its_file_and_a_source_that_is_none_is_refused(
    hub: Hub, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = LandedFile("users.csv", "3d2ad3a7ce85" + "0" * 52, 9, 9)
    store.record_run(stores("maple-hollow"), a_run(MAPLE, status="published", sources=(an_outcome(files=(file,)),)))
    row = store.HeldRow(
        2027, "sis", "users", file.sha256, 7, "Student", "birthDate", "missing", "20261122T020000Z-1a2b3c"
    )
    monkeypatch.setattr(store, "held_rows", lambda opened, *_: [row] if opened.district == "maple-hollow" else [])
    told = hub("held", "show", "missing").stdout
    assert all(part in told for part in ("users.csv", "3d2ad3a7ce85 ", "2026-11-22"))
    assert json.loads(hub("held", "show", "missing", "--json").stdout)[0]["name"] == "users.csv"
    for verb in (("list",), ("show", "missing"), ("replay",)):
        refused = hub("held", *verb, "--source", "siss")
        assert (refused.exit_code, "no source 'siss'" in refused.stderr) == (3, True)


def test_replay_reads_again_without_the_vendor(hub: Hub, play: Callable[..., Path_]) -> None:
    path = play()
    assert hub("held", "replay", "--district", "maple-hollow", "--source", "sis").exit_code == 0
    assert path.calls == [("replay", MAPLE, "sis")]


@pytest.mark.parametrize("verb", ["approve", "discard"])
def test_a_held_run_is_decided_by_its_id_wherever_it_is(
    verb: str, hub: Hub, stores: Stores, play: Callable[..., Path_]
) -> None:
    path = play()
    store.record_run(stores("birch-creek"), a_run(BIRCH, "20261122T020000Z-0000bb", status="held"))
    store.record_run(stores("birch-creek"), a_run(BIRCH, "20261121T020000Z-0000aa", status="published"))
    assert hub("publish", verb, "20261122", "--by", "Pat").exit_code == 0
    assert path.calls == [(verb, BIRCH, "20261122T020000Z-0000bb", "Pat")]
    for wrong, told in (("20261121T020000Z-0000aa", "not held"), ("2026", "More than one"), ("x", "no run x")):
        refused = hub("publish", verb, wrong)
        assert refused.exit_code == 3
        assert told in refused.stderr
    assert len(path.calls) == 1


def test_the_decider_is_the_account_unless_named(hub: Hub, stores: Stores, play: Callable[..., Path_]) -> None:
    path = play()
    store.record_run(stores("birch-creek"), a_run(BIRCH, status="held"))
    hub("publish", "approve", a_run(BIRCH, status="held").id)
    assert path.calls[0][3] not in ("", None)


def test_report_says_where_it_is(hub: Hub, stores: Stores, play: Callable[..., Path_], folder: Path) -> None:
    path = play()
    store.record_run(stores("maple-hollow"), a_run(Slice("maple-hollow", 2026), status="published"))
    told = hub("report", "--district", "maple-hollow")
    assert told.stdout.strip() == str(folder / "state" / "report.html")
    assert json.loads(hub("report", "20261122", "--json").stdout) == {"report": str(folder / "state" / "report.html")}
    assert path.calls == [
        ("report", MAPLE, None),
        ("report", Slice("maple-hollow", 2026), "20261122T020000Z-1a2b3c"),
    ]


# ---------------------------------------------------------------- student, review, store, demo


def test_a_student_is_shown_as_of_the_end_of_a_day(hub: Hub, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    row = {"studentUniqueId": "604822", "sexDescriptor": "uri://ed-fi.org/SexDescriptor#Female", "middleName": None}
    row |= {"_source": "sis", "_file": "users.csv", "_row": 7, "_valid_from": datetime(2026, 9, 1, tzinfo=UTC)}
    score = {"assessmentReportingMethodDescriptor": "uri://x.example/Method#Scale", "result": "169"}
    row |= {"studentObjectiveAssessments": [{"identificationCode": f"G{n}", "scoreResults": [score]} for n in (1, 2)]}

    def fake(opened: Any, id_: str, when: datetime | None, year: int | None) -> dict[str, Any]:
        asked.append((opened.district, id_, when, year))
        return {"Student": [row]} if id_ == "604822" else {}

    monkeypatch.setattr(student, "open_records", lambda settings, district: stores(district))
    monkeypatch.setattr(store, "student_record", fake, raising=False)
    told = hub("student", "show", "604822", "--district", "maple-hollow", "--as-of", "2026-10-01", "--year", "2027")
    # Midnight in Chicago is 05:00 UTC of the next day.
    at = datetime(2026, 10, 2, 4, 59, 59, 999999, tzinfo=UTC)
    assert asked == [("maple-hollow", "604822", at, 2027)]
    assert "Student: sis, file users.csv row 7, since 2026-09-01" in told.stdout
    assert ["sexDescriptor", "Female"] in [line.split() for line in told.stdout.splitlines()]
    assert "middleName" not in told.stdout
    listed = told.stdout.partition("studentObjectiveAssessments")[2].splitlines()
    assert [line.split() for line in listed[:4]] == [["G1"], ["Scale,", "169"], ["G2"], ["Scale,", "169"]]
    assert "_valid_from" in hub("student", "show", "604822", "--district", "maple-hollow", "--json").stdout
    gone = hub("student", "show", "999", "--district", "maple-hollow")
    assert gone.exit_code == 3
    assert "999" not in gone.output


def test_a_review_is_listed_decided_and_gone(hub: Hub, stores: Stores) -> None:
    assert "Nothing waits" in hub("review", "list").stdout
    who = tuple(Candidate(key, "sis", "students.csv", row) for row, key in enumerate("xy", 1))
    review = Review(2027, "sis", "ab" * 32, "users.csv", 7, who)
    store.add_reviews(stores("maple-hollow"), [review])
    (listed,) = json.loads(hub("review", "list", "--json").stdout)
    assert (listed["id"], listed["district"], listed["row"]) == (review.id, "maple-hollow", 7)
    assert review.id in hub("review", "list").stdout
    done = hub("review", "decide", review.id, "--student", "604822", "--district", "maple-hollow", "--by", "Pat")
    assert done.exit_code == 0
    (decided,) = store.reviews(stores("maple-hollow"), open_only=False)
    assert (decided.student_unique_id, decided.decided_by) == ("604822", "Pat")
    assert "Nothing waits" in hub("review", "list").stdout
    assert "by Pat" in hub("review", "list", "--all").stdout
    assert hub("review", "decide", "gone", "--none", "--district", "maple-hollow").exit_code == 3


def test_store_migrate_names_the_districts(hub: Hub, stores: Stores, folder: Path) -> None:
    assert json.loads(hub("store", "migrate", "--json").stdout) == {"migrated": ["maple-hollow", "birch-creek"]}
    assert (folder / "state" / "store" / "birch-creek.db").exists()


def test_demo_plays_and_says_what_to_try(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    played = types.ModuleType("hub.demo.play")
    played.play = lambda directory, progress: [a_run(MAPLE, status="published"), a_run(MAPLE, status="held")]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hub.demo.play", played)
    told = hub("demo", "--dir", "demo")
    assert told.exit_code == 0
    assert "Night 2\nmaple-hollow, school year 2027: held" in told.stdout
    assert f"hub report --open --config {Path('demo/hub.yaml')}" in told.stdout


# ---------------------------------------------------------------- up


def test_progress_is_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with words.progress() as callback:
        callback("land", 0, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(words, "_PATIENCE", -1.0)
    with words.progress() as callback:
        for done in range(3):
            callback("land", done, 2)
        callback("publish", 0, 0)
    assert capsys.readouterr().err == "land (0 of 2)\npublish\n"


def test_progress_is_a_bar_in_a_terminal_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words.sys.stderr, "isatty", lambda: True)
    with words.progress() as callback:
        callback("land", 1, 2)
    assert capsys.readouterr().out == ""
