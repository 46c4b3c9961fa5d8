"""Workbooks: what a person reads in the cells, and what cannot be told is held or refused, never made blank."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from laws.night import RESULTS, a_result, build, make_specs, rows_of

from hub.engine import connect
from hub.errors import AskVendor
from hub.landing.archives import _is_workbook
from hub.model import LandedFile, OpenedFile, Stream
from hub.standards.reading.streams import read_file

CANARY = "Zqcanary"
ROWS = [list(a_result(n)) for n in range(1, 4)]
Sheets = dict[str, list[list[Any]]]


def workbook(sheets: Sheets, errors: dict[tuple[int, int], str] | None = None, at: tuple[int, int] = (0, 0)) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        day, clock = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "[h]:mm:ss"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for r, row in enumerate(rows, start=at[0]):
                for c, cell in enumerate(row, start=at[1]):
                    style = clock if isinstance(cell, timedelta) else day if type(cell) is date else None
                    sheet.write(r, c, cell, *([style] if style else []))
            for (r, c), value in (errors or {}).items():
                sheet.write_formula(r, c, "=1/0", None, value)
    return out.getvalue()


def spoiled_sheet(book: bytes) -> bytes:
    """The workbook with a sheet that ends in mid-tag; the zip itself is whole."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as whole, zipfile.ZipFile(out, "w") as spoiled:
        for name in whole.namelist():
            body = whole.read(name)
            spoiled.writestr(name, body[: len(body) // 2] if "worksheets/sheet" in name else body)
    return out.getvalue()


HEAD: list[Any] = list(RESULTS)
WHOLE: Sheets = {"Results": [HEAD, *ROWS]}
LAST_YEAR = [[*row[:3], "2025-10-01", *row[4:]] for row in ROWS]


@pytest.fixture
def vendor(tmp_path: Path) -> Callable[[str], Path]:
    def declared(words: str = "") -> Path:
        specs = make_specs(tmp_path / f"schemas{words[:6]}")
        head = specs / "sources" / "mini-test" / "source.yaml"
        said = head.read_text(encoding="utf-8").replace("format: csv", "format: excel").replace(".csv$", ".xls.?$")
        head.write_text(said + words + "\n", encoding="utf-8")
        return specs

    return declared


def outcome(state: Path) -> tuple[list[tuple[int, str]], list[int]]:
    held = (
        [(r["_row"], r["rule"]) for r in rows_of(state / "held.parquet")] if (state / "held.parquet").exists() else []
    )
    return sorted(held), sorted(r["_row"] for r in rows_of(state / "rows" / "StudentAssessment.parquet"))


LONG = [12345678901234567 if name == "StateID" else value for name, value in zip(RESULTS, ROWS[0], strict=True)]
TAKEN = [
    ("plain", "", workbook(WHOLE), [], [1, 2, 3]),
    ("a title above the header", "skip_lines: 2", workbook({"R": [["All"], [], HEAD, *ROWS]}), [], [1, 2, 3]),
    ("a sheet that begins below", "skip_lines: 3", workbook({"R": [HEAD, *ROWS]}, at=(3, 0)), [], [1, 2, 3]),
    ("a sheet by its name", "sheet: Results", workbook({"Notes": [["x"]], **WHOLE}), [], [1, 2, 3]),
    ("a sheet by a pattern", "sheet: 'R\\d+'", workbook({"Notes": [["x"]], "R26": WHOLE["Results"]}), [], [1, 2, 3]),
    ("blank rows keep their number", "", workbook({"R": [HEAD, ROWS[0], [], [""], *ROWS[1:]]}), [], [1, 4, 5]),
    ("an error holds its row", "", workbook(WHOLE, {(2, 4): "#DIV/0!"}), [(2, "excel.error")], [1, 3]),
    ("an error nobody reads", "", workbook({"R": [[*HEAD, "Note"], *ROWS]}, {(2, 6): "#REF!"}), [], [1, 2, 3]),
    ("digits that are lost", "", workbook({"R": [HEAD, LONG, *ROWS[1:]]}), [(1, "excel.number")], [2, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "sent", "wrong", "right"), [c[1:] for c in TAKEN], ids=[c[0] for c in TAKEN])
def test_rows_are_taken_or_held_at_their_place(
    vendor: Callable[[str], Path],
    tmp_path: Path,
    words: str,
    sent: bytes,
    wrong: list[tuple[int, str]],
    right: list[int],
) -> None:
    summary = build(vendor(words), "mini-test", [("results.xlsx", sent)], tmp_path / "state")
    assert outcome(tmp_path / "state") == (wrong, right)
    of_the_stream = next(c for c in summary.counts if not c.entity)
    assert of_the_stream.rows_in == of_the_stream.accepted + of_the_stream.held + sum(of_the_stream.ignored.values())


REFUSED = [
    ("empty", "", b"", "csv.empty"),
    ("an empty sheet", "", workbook({"R": []}), "csv.empty"),
    ("a header only", "", workbook({"R": [HEAD]}), "csv.header_only"),
    ("two sheets and no name", "", workbook({**WHOLE, "Notes": [[CANARY]]}), "excel.sheet"),
    ("no sheet of that name", "sheet: Scores", workbook(WHOLE), "excel.sheet"),
    ("a column is missing", "", workbook({"R": [HEAD[:-1], *ROWS]}), "csv.header.missing_column"),
    ("a column comes twice", "", workbook({"R": [[*HEAD, "Test"], *ROWS]}), "csv.header.duplicate_column"),
    ("text under the name of a workbook", "", (CANARY + ",b\n1,2\n").encode(), "excel.unreadable"),
    ("a sheet that is no XML", "", spoiled_sheet(workbook(WHOLE)), "excel.unreadable"),
    ("a workbook cut off", "", workbook(WHOLE)[:3000], "excel.unreadable"),
    ("last year's", "", workbook({"R": [HEAD, *LAST_YEAR]}), "file.wrong_year"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "sent", "rule"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_refused_whole(vendor: Callable[[str], Path], tmp_path: Path, words: str, sent: bytes, rule: str) -> None:
    with pytest.raises(AskVendor) as refused:
        build(vendor(words), "mini-test", [("results.xlsx", sent)], tmp_path / "state")
    assert f"rule {rule})" in str(refused.value)
    assert refused.value.remedy.endswith(".")
    assert CANARY not in str(refused.value)


def test_a_workbook_under_another_name_is_known_by_its_header(vendor: Callable[[str], Path], tmp_path: Path) -> None:
    build(vendor(), "mini-test", [("Export (3).bin", workbook(WHOLE))], tmp_path / "state")
    assert outcome(tmp_path / "state") == ([], [1, 2, 3])


def test_cells_are_the_text_that_a_person_reads(tmp_path: Path) -> None:
    cells = [7, 0.1 + 0.2, 1e14, -2.50, True, date(2026, 10, 1), datetime(2026, 10, 1, 8, 30), time(8, 30), " x ", ""]
    cells += [timedelta(hours=30, minutes=5), "#N/A", "0012", "a\nb"]
    names = [f"c{n}" for n in range(len(cells))]
    path = tmp_path / "cells.xlsx"
    path.write_bytes(workbook({"S": [names, cells]}))
    stream = Stream("s", "excel", "", "append", tuple(names), {"layouts": {"1": names}})
    con = connect()
    read = read_file(con, stream, OpenedFile("cells.xlsx", path, "0" * 64), 1, set(names), {})
    (found,) = con.to_pyarrow(con.table(read.table).select(*names)).to_pylist()
    con.disconnect()
    said = ["7", "0.3", "100000000000000", "-2.5", "TRUE", "2026-10-01", "2026-10-01T08:30:00", "08:30:00", "x", None]
    assert list(found.values()) == [*said, "30:05:00", "#N/A", "0012", "a\nb"]


def open_document(rows: list[list[Any]]) -> bytes:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    lines = "".join(f"<table:table-row>{''.join(cell.format(c) for c in row)}</table:table-row>" for row in rows)
    names = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", "<manifest/>")
        book.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="R">{lines}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return out.getvalue()


def test_a_workbook_that_cannot_tell_an_error_from_a_blank_is_refused_unless_declared(
    vendor: Callable[[str], Path], tmp_path: Path
) -> None:
    sent = [("results.xls", open_document(WHOLE["Results"]))]
    with pytest.raises(AskVendor, match=r"rule excel\.format\).*\.xlsx; .*values_only"):
        build(vendor(""), "mini-test", sent, tmp_path / "state")
    build(vendor("values_only: true"), "mini-test", sent, tmp_path / "state")
    assert outcome(tmp_path / "state") == ([], [1, 2, 3])


def test_a_workbook_in_a_delivery_is_one_file_and_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(workbook(WHOLE))
    assert _is_workbook(LandedFile("a.xlsx", "0", (tmp_path / "a").stat().st_size), tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr("results.csv", "a,b\n")
    assert not _is_workbook(LandedFile("b.xlsx", "0", 9), tmp_path / "b")


def test_a_workbook_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    with pytest.raises(AskVendor, match=r"rule zip\.bomb"):
        _is_workbook(LandedFile("a.xlsx", "0", (tmp_path / "a").stat().st_size), tmp_path / "a")
