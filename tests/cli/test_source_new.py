"""A newcomer's sample becomes a vendor's folder, the folder keeps the contract, and a night publishes its results."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hub import config, pipeline
from hub.cli import main
from hub.model import Slice
from hub.standards.reading.excel import largest_sheet
from hub.standards.specs import SCHEMAS
from hub.standards.vendors.guessing import guess
from hub.standards.vendors.new_vendor import write_folder
from hub.standards.vendors.sources import load_source
from hub.store.connect import reading

HEADER = "Quiz No;Student No;State No;Student Name;Birth Date;Taken On;Grade;Words Per Minute;Accuracy;Stage;Remark\n"
SAMPLE = HEADER + (
    "501;1001;0042;Zqcanary Reed;2019-03-02;10/08/2026;1;92;97.5;Fluent;read well by Zqcanary\n"
    "502;1002;0043;Zqcanary Stone;2019-05-12;10/08/2026;1;61;88;Emerging;\n"
    "503;1003;0044;Zqcanary Vale;2018-03-02;10/09/2026;2;n/a;91;Emerging;Zqcanary again\n"
    "504;1004;0045;Zqcanary Ash;2018-09-02;10/09/2026;2;80;Zqcanary;Fluent;\n"
)
HUB_YAML = """\
state: ./state
districts:
  maple-hollow:
    name: Maple Hollow
    local_education_agency_id: 1001
    years: [2027]
    sources:
      sis: {{vendor: oneroster-csv, path: "{roster}"}}
      quizzes: {{vendor: pebble, path: ./quizzes}}
"""


def run(*words: str) -> Any:
    return CliRunner().invoke(main, list(words), standalone_mode=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "quizzes").mkdir()
    (tmp_path / "quizzes/pebble_1.csv").write_text(SAMPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_CONFIG", raising=False)
    return tmp_path


def code_of(*words: str) -> int:
    return CliRunner().invoke(main, list(words)).exit_code


def test_from_a_sample_to_the_published_store(home: Path) -> None:
    assert code_of("source", "new", "pebble", "--from-sample", "quizzes/pebble_1.csv") == 0
    folder = home / "sources/pebble"
    assert not [p for p in folder.rglob("*") if p.is_file() and "Zqcanary" in p.read_text()]
    said = CliRunner().invoke(main, ["source", "test", "pebble", "--json"])
    told = json.loads(said.stdout)
    assert said.exit_code == 1
    assert {g["check"] for g in told["gaps"]} == {"guesses", "sample"}
    assert told["sample"]["accepted"] == {"Assessment": 1, "StudentAssessment": 4}

    text = (folder / "source.yaml").read_text()
    (folder / "source.yaml").write_text("\n".join(line.partition("  # guess:")[0] for line in text.splitlines()) + "\n")
    assert code_of("source", "test", "pebble", "--accept") == 0
    assert code_of("source", "test", "pebble") == 0

    assert published(home) == ["1001", "1002", "1003"]  # the fourth is held: a score that is no number


def published(home: Path) -> list[str]:
    """Whose results a night with the new vendor publishes."""
    roster = SCHEMAS / "sources/oneroster-csv/sample"
    (home / "hub.yaml").write_text(HUB_YAML.format(roster=f"{roster}/*.csv"))
    found = config.load(home / "hub.yaml")
    night = pipeline.sync(found, Slice("maple-hollow", 2027), now=datetime(2026, 11, 20, 2, 0, tzinfo=UTC))
    assert (night.status, {s.source: s.status for s in night.sources}) == (
        "published", {"sis": "fresh", "quizzes": "fresh"},
    )  # fmt: skip
    opened = pipeline.open_store(found, "maple-hollow")
    table = opened.table("StudentAssessment")
    with reading(opened) as connection:
        rows = connection.execute(select(table.c.student_unique_id).where(table.c._valid_to.is_(None))).scalars().all()
    return sorted(rows)


def as_workbook(path: Path, text: str, *sheets: str) -> None:
    """The rows in the last of the sheets, days as Excel's own; the others hold a title."""
    with xlsxwriter.Workbook(path, {"default_date_format": "mm/dd/yyyy"}) as book:
        for title in sheets[:-1]:
            book.add_worksheet(title).write(0, 0, "About this export")
        page = book.add_worksheet(sheets[-1])
        for n, line in enumerate(text.splitlines()):
            for at, cell in enumerate(line.split(";")):
                day = re.fullmatch(r"(\d+)/(\d+)/(\d{4})", cell)
                if day:
                    page.write_datetime(n, at, datetime(int(day[3]), int(day[1]), int(day[2])))
                elif re.fullmatch(r"[1-9]\d*(\.\d+)?", cell):
                    page.write_number(n, at, float(cell))
                else:
                    page.write_string(n, at, cell)


@pytest.mark.parametrize(("sheets", "named"), [(["Sheet1"], False), (["Notes", "Results"], True)])
def test_a_workbook_is_a_sample_as_its_csv_is(home: Path, sheets: list[str], named: bool) -> None:
    as_workbook(home / "quizzes/pebble_1.xlsx", SAMPLE, *sheets)
    of_text = guess(home / "quizzes/pebble_1.csv").columns
    of_cells = guess(home / "quizzes/pebble_1.xlsx").columns
    assert [(c.name, c.kind, c.codes) for c in of_cells] == [(c.name, c.kind, c.codes) for c in of_text]
    assert code_of("source", "new", "pebble", "--from-sample", "quizzes/pebble_1.xlsx") == 0
    folder = home / "sources/pebble"
    assert not [p for p in folder.rglob("*.*") if b"Zqcanary" in p.read_bytes()]
    text = (folder / "source.yaml").read_text()
    assert ("sheet: Results" in text) is named
    (folder / "source.yaml").write_text("\n".join(line.partition("  # guess:")[0] for line in text.splitlines()) + "\n")
    only, rows = largest_sheet(folder / "sample/pebble.xlsx")
    assert only == ""  # the one sheet that is read
    assert "Zqcanary" not in str(list(rows))
    assert code_of("source", "test", "pebble", "--accept") == 0
    assert json.loads((folder / "sample/expected.json").read_text())["accepted"] == {
        "Assessment": 1, "StudentAssessment": 4,
    }  # fmt: skip
    (home / "quizzes/pebble_1.csv").unlink()
    assert published(home) == ["1001", "1002", "1003"]


TESTS = (
    "Result ID,SIS ID,Test Date,Subject,Scale Score,Percentile,Band,Finished On Day\n"
    "1,7101,03.09.2026,Math,512,61,On Track,Thursday\n"
    "2,7102,03.09.2026,Puppetry,488,44,Watch,Thursday\n"
    "3,7103,04.09.2026,Math,,,Absent,Friday\n"
    "4,7104,04.09.2026,Puppetry,530,70,On Track,Saturday\n"
)


def test_a_small_file_of_several_subjects_is_guessed_as_what_it_is(home: Path) -> None:
    (home / "larkspur.csv").write_text(TESTS, encoding="utf-8")
    kinds = {c.name: c.kind for c in guess(home / "larkspur.csv").columns}
    assert kinds | {"Test Date": "date", "Subject": "subject", "Band": "code", "Finished On Day": "text"} == kinds
    assert code_of("source", "new", "larkspur", "--from-sample", "larkspur.csv") == 0
    folder = home / "sources/larkspur"
    assert "Percentile: [Percentile, Percentile]" in (folder / "source.yaml").read_text()
    assert "Absent,,score.none" in (folder / "crosswalks/band.csv").read_text()
    told = CliRunner().invoke(main, ["source", "test", "larkspur"])
    assert "its name says a day, of no known form" in told.stdout
    said = json.loads(CliRunner().invoke(main, ["source", "test", "larkspur", "--json"]).stdout)
    assert {(g["check"], g["where"]) for g in said["gaps"]} >= {
        ("descriptors", "uri://ed-fi.org/AcademicSubjectDescriptor#Puppetry?")
    }
    path = folder / "crosswalks/subject.csv"
    path.write_text(path.read_text().replace("#Puppetry?", "#Fine and Performing Arts"))
    load_source.cache_clear()
    said = json.loads(CliRunner().invoke(main, ["source", "test", "larkspur", "--json"]).stdout)
    assert said["sample"]["accepted"] == {"Assessment": 2, "StudentAssessment": 4}


def test_what_is_missing_is_said_with_the_next_step(home: Path) -> None:
    run("source", "new", "pebble", "--from-sample", "quizzes/pebble_1.csv")
    path = home / "sources/pebble/source.yaml"
    text = path.read_text().replace("  Remark: a text that no field holds yet  # guess: free text\n", "")
    text = text.replace("    Accuracy: [Accuracy, Decimal]", "    accuracy: [Accuracy, Decimal]")
    path.write_text(text.replace("GradeLevelDescriptor", "GradeLevel").replace("#Reading", "#Quizzes"))
    (home / "sources/pebble/crosswalks/grade.csv").write_text(
        "code,value\n1,uri://ed-fi.org/GradeLevelDescriptor#One\n2,\n"
    )
    said = CliRunner().invoke(main, ["source", "test", "pebble", "--json"])
    gaps = json.loads(said.stdout)["gaps"]
    assert {(g["check"], g["where"]) for g in gaps if g["check"] != "guesses"} == {
        ("columns", "results: Remark"),
        ("selects", "StudentAssessment: accuracy"),
        ("descriptors", "uri://ed-fi.org/AcademicSubjectDescriptor#Quizzes"),
        ("descriptors", "uri://ed-fi.org/GradeLevelDescriptor#One"),
        ("specs", "StudentAssessment.whenAssessedGradeLevel"),
    }
    assert all(g["remedy"].endswith(".") for g in gaps)


def test_pages_of_a_sample_say_what_they_were_asked_for(home: Path) -> None:
    told = CliRunner().invoke(main, ["source", "test", "canvas", "--json"])
    assert (told.exit_code, json.loads(told.stdout)["gaps"]) == (0, [])


def test_a_folder_that_is_there_and_a_name_that_is_none_are_refused(home: Path) -> None:
    assert code_of("source", "new", "Pebble!", "--from-sample", "quizzes/pebble_1.csv") == 3
    assert code_of("source", "new", "pebble", "--from-sample", "quizzes/pebble_1.csv") == 0
    assert code_of("source", "new", "pebble", "--from-sample", "quizzes/pebble_1.csv") == 3
    assert code_of("source", "test", "granite") == 3
    assert code_of("source", "test", "iready") == 0


ROWS = "000123,Zqcanary Reed,09/08/2026,Fluent\n000124,Zqcanary Vale,09/09/2026,Fluent\n"
HEAD = "Student ID,Full Name,Taken On,Stage\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (HEAD.encode(), "a header and no row"),
        (ROWS.encode(), "no header: blank, or a value and not a name, in column 1, 3, 4"),
        (f"Zqcanary,of fall\n{HEAD}{ROWS}".encode(), "3 of 3 rows have more cells than the header has names, 2"),
        (f"Fall of,,,\n{HEAD}{ROWS}".encode(), "in column 2, 3, 4"),
        (f"Student,Student,Test,Test\n{HEAD}{ROWS}".encode(), "columns 1, 2, 3, 4 share a name"),
        (b"%PDF-1.7\nZqcanary\n", "this is a PDF"),
        (b"\xef\xbb\xbf<a>\n<b>Zqcanary</b></a>", "this is XML or HTML"),
        (b'{"name": "Zqcanary", "id": 1}\n{"name": "Zqcanary", "id": 2}\n', "this is JSON"),
        (b"PK\x03\x04Zqcanary", "this is a zip"),
        (b"\xd0\xcf\x11\xe0Zqcanary", "an old Excel workbook"),
    ],
)
def test_what_is_no_table_is_refused_in_words_and_leaves_no_folder(home: Path, content: bytes, why: str) -> None:
    (home / "granite.csv").write_bytes(content)
    said = CliRunner().invoke(main, ["source", "new", "granite", "--from-sample", "granite.csv"])
    assert said.exit_code == 2
    assert why in " ".join(said.output.split())
    assert "Zqcanary" not in said.output
    assert not (home / "sources/granite").exists()


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-16"), ("|", "cp1252"), (",", "utf-8")]
)
def test_every_delimiter_and_encoding_comes_to_the_same_kinds(home: Path, delimiter: str, encoding: str) -> None:
    rows = ROWS.replace("Reed", "Réed")
    (home / "granite.csv").write_text((HEAD + rows).replace(",", delimiter), encoding=encoding)
    found = guess(home / "granite.csv")
    assert [c.kind for c in found.columns] == ["local_id", "person", "date", "code"]
    assert (found.delimiter, found.encoding) == (delimiter, encoding.removesuffix("-sig"))


def test_columns_of_no_name_and_no_value_are_left_out(home: Path) -> None:
    behind = "".join(f";{line};;\n" for line in SAMPLE.splitlines())
    (home / "behind.csv").write_text(behind)
    assert guess(home / "behind.csv") == guess(home / "quizzes/pebble_1.csv")
    (home / "named.csv").write_text(behind.replace(";;\n", ";;7\n").replace(";;7\n", ";;\n", 1))
    said = CliRunner().invoke(main, ["source", "new", "granite", "--from-sample", "named.csv"])
    assert "blank, or a value and not a name, in column 14." in " ".join(said.output.split())


def test_a_name_that_comes_again_is_no_code_and_a_number_that_begins_with_zero_no_score(home: Path) -> None:
    rows = [("Full Name", "Buddy", "Case Manager", "Slip", "Stage")]
    rows += [(f"Ada Zqcanary{n % 2}", f"zqcanary{n % 2}", "Vale", f"00{n}", "Low") for n in range(9)]
    (home / "granite.csv").write_text("".join(",".join(r) + "\n" for r in rows))
    assert [c.kind for c in guess(home / "granite.csv").columns] == ["person", "person", "person", "id", "code"]


VALUES = st.text(st.characters(categories=("Lu", "Ll", "Nd")), min_size=5, max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.lists(VALUES, min_size=6, max_size=6), min_size=4, max_size=12))
def test_no_value_of_a_student_lands_in_the_folder(rows: list[list[str]], tmp_path_factory: Any) -> None:
    """Whatever stands under a name, an id or a score, and any text that does not come again."""
    home = tmp_path_factory.mktemp("guess")
    unlike = [[f"{v}{n}x{i}" for i, v in enumerate(row)] for n, row in enumerate(rows)]
    seen = {v for row in unlike for v in row}
    header = "Student Name,Student ID,State ID,Teacher,Score,Thoughts\n"
    (home / "sample.csv").write_text(header + "".join(",".join(row) + "\n" for row in unlike), encoding="utf-8")
    files = write_folder("granite", guess(home / "sample.csv"), home / "granite")
    text = "\n".join(p.read_text(encoding="utf-8") for p in files)
    assert not [v for v in seen if v in text]
