"""Law 8: no student's value in anything that may be shown. Canaries in every cell of every kind of file."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from hub import config, store
from hub.cli import main

from .night import PEOPLE, RESULTS, Hub, a_hub, a_person, a_result, a_student, as_csv, rows_of, send_sis

CANARY = "zqcanary"
C = CANARY.upper()  # as an id


def _zip(members: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _seed(hub: Hub) -> None:
    """Good, held and rejected rows, ids that disagree, and files that are refused: each cell is a canary."""
    good = [
        a_student(n, First=f"{CANARY}{n}", Last=f"{CANARY}{n}", StateID=f"{C}S{n}", LocalID=f"{C}L{n}")
        for n in range(1, 4)
    ]
    good = [(f"{C}{row[0]}", *row[1:]) for row in good]
    twins = [(*good[0][:1], CANARY + "twin", *good[0][2:]), *good]
    held = [(C + "a", CANARY, CANARY, CANARY, CANARY, C, C), (C * 9, CANARY * 20, CANARY, "", "F", C + "x", C + "y")]
    ragged = f"{CANARY},{CANARY}\n" + f"{CANARY}," * 9 + f'\n"{CANARY}"{CANARY},{CANARY},,,,,\n'
    send_sis(hub, [*twins, *held])
    with (hub.incoming("sis") / "students.csv").open("a") as file:
        file.write(ragged)
    hub.send("lms", "people.csv", as_csv(PEOPLE, [a_person(1, ID=C, Given=CANARY), a_person(2, ID=C + "b", Family="")]))
    results = [
        a_result(1, StateID=f"{C}S1", LocalID=f"{C}L1", Test=CANARY, Score=CANARY),
        a_result(1, StateID=f"{C}S1", LocalID=f"{C}L2", Test=CANARY),
        a_result(1, StateID=C, LocalID=C, Test=CANARY),
        a_result(1, StateID=f"{C}S2", LocalID="", Taken=CANARY, Minutes=CANARY, Score=CANARY * 9),
        a_result(1, StateID=f"{C}S3", LocalID="", Taken="2199-01-01"),
    ]
    hub.send("tests", "results.csv", as_csv(RESULTS, results))


REFUSED = {
    "twice.csv": f"{CANARY},{CANARY},b,c,d,e\n{CANARY},,,,,\n",
    "people-no-header.csv": f"Given{CANARY},Family,ID,{CANARY}\n",
    "people-almost.csv": f"{CANARY},ID,Given,Familys\n",
    "people-quote.csv": ",".join(PEOPLE) + f'\n"{CANARY},{CANARY}\n{CANARY},{CANARY}\n',
    "people-mixed.csv": ",".join(PEOPLE) + f"\n{CANARY},a,b,c\r{CANARY}\r\n",
    "people-nul.csv": ",".join(PEOPLE) + f"\n{CANARY}\x00,a,b,c\n",
    "people-utf16.csv": f"{CANARY},a,b,c\n".encode("utf-16").decode("latin-1"),
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, specs: Path) -> tuple[Hub, dict[str, str]]:
    """A hub after bad nights, and all its commands have said, by name."""
    hub = a_hub(tmp_path_factory.mktemp("canary") / "hub", specs)
    said: dict[str, str] = {}
    load = config.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "load", lambda path: load(path, specs=specs))

        def run(name: str, *arguments: str) -> str:
            told = CliRunner().invoke(main, [*arguments, "--config", str(hub.root / "hub.yaml")], prog_name="hub")
            said[name] = told.stdout + told.stderr + repr(told.exception)
            assert told.exit_code in (0, 1, 2), said[name]
            return told.stdout

        _seed(hub)
        assert json.loads(run("night 1", "sync", "--json"))[0]["status"] == "published"
        for name, content in REFUSED.items():
            hub.send("lms", name, content.encode("latin-1"))
            run(f"words {name}", "sync")
            outcome = json.loads(run(f"json {name}", "sync", "--json"))[0]["sources"][1]
            refused = outcome["status"] == "refused" or name in outcome["message"]
            assert refused, (name, outcome)
            (hub.incoming("lms") / name).unlink()
        hub.send("sis", "students.zip", _zip({f"students{i}.csv": f"{CANARY}\n" for i in (1, 2)}))
        run("a bad zip", "sync")
        (hub.incoming("sis") / "students.zip").unlink()
        again = [a_result(2, StateID=f"{C}S2", LocalID=f"{C}L2", Test=CANARY + "2")]
        hub.send("tests", "results2.csv", as_csv(RESULTS, again))
        run("the last night", "sync")
        review = json.loads(run("reviews", "review", "list", "--json"))[0]["id"]
        everything = ["runs", "held list", "review list --all", f"review show {review}", "report", "held show required"]
        everything += ["runs --json", "held list --json", "report --json", "held show identity.unknown --json"]
        for words in (*everything, f"review decide {review} --none"):
            run(words, *words.split())
        run("replay", "held", "replay", "--json")
    return hub, said


def _finds(text: str) -> bool:
    return re.search(CANARY, text, re.IGNORECASE) is not None


def test_no_command_says_a_value(shown: tuple[Hub, dict[str, str]]) -> None:
    said = shown[1]
    assert [name for name, text in said.items() if _finds(text)] == []
    assert "identity.conflict" in said["held list --json"]


#: What may hold values: the landed bytes, typed rows, the record of a run and what it changes, the published store.
_RUN = r"[^/]+/[0-9]+/[^/]+"
MAY = re.compile(rf"^landing/[^/]+/blobs/|^work/{_RUN}/[0-9a-f]{{32}}/rows/|^runs/{_RUN}/(record|changes)/|^store/")


def test_no_file_that_may_be_shown_holds_a_value(shown: tuple[Hub, dict[str, str]]) -> None:
    hub, found, looked = shown[0], [], set()
    for path in (p for p in hub.state.rglob("*") if p.is_file()):
        name = path.relative_to(hub.state).as_posix()
        text = repr(rows_of(path)) if path.suffix == ".parquet" else path.read_bytes().decode("latin-1")
        looked.add(path.name)
        if _finds(text) and not MAY.search(name):
            found.append(name)
    assert found == []
    assert {"report.html", "held.parquet", "reviews.parquet", "state.json", "outcome.json"} <= looked


def test_snapshots_hold_keys_and_hashes_only(shown: tuple[Hub, dict[str, str]]) -> None:
    files = [p for p in (shown[0].state / "snapshots").rglob("*.parquet") if _finds(repr(rows_of(p)))]
    assert files == []


def test_the_search_finds_values_where_they_may_be(shown: tuple[Hub, dict[str, str]]) -> None:
    state = shown[0].state
    for place in ("landing", "work", "runs", "store"):
        texts = (
            repr(rows_of(p)) if p.suffix == ".parquet" else p.read_bytes().decode("latin-1")
            for p in (state / place).rglob("*")
            if p.is_file()
        )
        assert any(_finds(text) for text in texts), place


def test_the_hubs_own_tables_hold_no_value(shown: tuple[Hub, dict[str, str]]) -> None:
    opened = shown[0].store()
    with opened.engine.connect() as connection:
        tables = [t for t in sa.inspect(connection).get_table_names() if t.startswith("hub_")]
        for table in tables:
            rows = connection.execute(sa.select(sa.text("*")).select_from(sa.table(table))).all()
            assert not _finds(repr(rows)), table
    assert {"hub_run", "hub_held", "hub_review", "hub_snapshot"} <= set(tables)
    rules = {h.rule for h in store.held_rows(opened)}
    assert rules >= {"identity.reviewed", "key.duplicate", "csv.quote", "length.max"}
