"""Delimited text of every dialect that a folder can declare: the same rows as from plain CSV, or a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from laws.night import RESULTS, a_result, as_csv, build, make_specs, rows_of

from hub.errors import AskVendor

CANARY = "Zqcanary"
HEADER = ",".join(RESULTS) + "\n"
ROWS = "".join(as_csv(a_result(n, Test="Álgebra"), []) for n in range(1, 4))
WHOLE = HEADER + ROWS


@pytest.fixture
def vendor(tmp_path: Path) -> Callable[[str], Path]:
    def declared(words: str) -> Path:
        specs = make_specs(tmp_path / "schemas")
        head = specs / "sources" / "mini-test" / "source.yaml"
        head.write_text(head.read_text(encoding="utf-8") + words + "\n", encoding="utf-8")
        return specs

    return declared


def outcome(state: Path) -> tuple[list[tuple[int, str]], list[int], set[str]]:
    held = (
        [(r["_row"], r["rule"]) for r in rows_of(state / "held.parquet")] if (state / "held.parquet").exists() else []
    )
    rows = rows_of(state / "rows" / "StudentAssessment.parquet")
    return sorted(held), sorted(r["_row"] for r in rows), {r["assessmentIdentifier"] for r in rows}


TITLE = "Results\nof,all\n"
TAKEN = [
    ("semicolons", "csv: {delimiter: ';'}", WHOLE.replace(",", ";").encode()),
    ("tabs", 'csv: {delimiter: "\\t"}', WHOLE.replace(",", "\t").encode()),
    ("a delimiter of two characters", "csv: {delimiter: '||'}", WHOLE.replace(",", "||").encode()),
    ("single quotes", 'csv: {quote: "\'"}', WHOLE.replace("Álgebra", "'Álgebra'").encode()),
    ("no quotes", "csv: {quote: ''}", WHOLE.encode()),
    ("UTF-16 with a mark", "encoding: utf-16", WHOLE.encode("utf-16")),
    ("UTF-16 without a mark", "encoding: utf-16-le", WHOLE.encode("utf-16-le")),
    ("UTF-16 with a mark where its order is declared", "encoding: utf-16-le", b"\xff\xfe" + WHOLE.encode("utf-16-le")),
    ("Latin-1", "encoding: latin-1", WHOLE.encode("latin-1")),
    ("Windows", "csv: {encoding: cp1252}", WHOLE.encode("cp1252")),
    ("lines before the header", "skip_lines: 2", (TITLE + WHOLE).encode()),
    ("lines before the header, as UTF-16", "{skip_lines: 2, encoding: utf-16}"[1:-1].replace(", ", "\n"),
     (TITLE + WHOLE).encode("utf-16")),
    ("comments", "csv: {comment: '#'}", f"# made\n{HEADER}#x\n{ROWS}# {CANARY}\n".encode()),
    ("a footer", "footer: 'Total: .*'", (WHOLE + "Total: many\n\n").encode()),
    ("a footer that counts", r"footer: 'Total: (?P<rows>\d+)'", (WHOLE + "Total: 3").encode()),
    ("no header", "csv: {header: false}", ROWS.encode()),
]  # fmt: skip


@pytest.mark.parametrize(("words", "sent"), [case[1:] for case in TAKEN], ids=[case[0] for case in TAKEN])
def test_taken_as_declared(vendor: Callable[[str], Path], tmp_path: Path, words: str, sent: bytes) -> None:
    build(vendor(words), "mini-test", [("results.csv", sent)], tmp_path / "state")
    assert outcome(tmp_path / "state") == ([], [1, 2, 3], {"Álgebra"})


def test_an_escaped_quote_is_part_of_the_value(vendor: Callable[[str], Path], tmp_path: Path) -> None:
    sent = WHOLE.replace("Álgebra", '"Á \\"x\\", y"').encode()
    build(vendor("csv: {escape: '\\'}"), "mini-test", [("results.csv", sent)], tmp_path / "state")
    assert outcome(tmp_path / "state") == ([], [1, 2, 3], {'Á "x", y'})


def test_a_line_inside_quotes_is_no_comment(vendor: Callable[[str], Path], tmp_path: Path) -> None:
    sent = f"{HEADER}# none\n{ROWS}".replace("Álgebra", '"Á\n#1\n#2"').encode()
    build(vendor("csv: {comment: '#'}"), "mini-test", [("results.csv", sent)], tmp_path / "state")
    assert outcome(tmp_path / "state") == ([], [1, 2, 3], {"Á\n#1\n#2"})


def test_a_bad_byte_behind_skipped_lines_costs_its_record_only(vendor: Callable[[str], Path], tmp_path: Path) -> None:
    sent = TITLE.encode() + WHOLE.encode() + as_csv(a_result(4, Test="Ál"), []).encode("latin-1")
    build(vendor("skip_lines: 2"), "mini-test", [("results.csv", sent)], tmp_path / "state")
    assert outcome(tmp_path / "state") == ([(4, "csv.encoding")], [1, 2, 3], {"Álgebra"})


REFUSED = [
    ("bytes that the encoding does not have", "encoding: cp1252", WHOLE.encode("cp1252") + b"\x81", "csv.encoding"),
    ("half a character", "encoding: utf-16", WHOLE.encode("utf-16") + b"x", "csv.encoding"),
    ("UTF-8 where UTF-16 is declared", "encoding: utf-16", WHOLE.encode(), "csv.header.missing_column"),
    ("UTF-16 where Latin-1 is declared", "encoding: latin-1", WHOLE.encode("utf-16"), "csv.encoding"),
    ("NUL", "encoding: latin-1", WHOLE.encode("latin-1") + f"{CANARY}\0".encode() * 9, "csv.encoding"),
    ("fewer lines before the header", "skip_lines: 2", ("Results\n" + WHOLE).encode(), "csv.header.missing_column"),
    ("nothing below the skipped lines", "skip_lines: 2", TITLE.encode(), "csv.header.missing_column"),
    ("only comments below the header", "csv: {comment: '#'}", f"{HEADER}# {CANARY}\n".encode(), "csv.header_only"),
    ("the footer is missing", "footer: 'Total: .*'", (WHOLE + CANARY + ",,,,,\n").encode(), "file.cut_off"),
    ("a footer and no rows", "footer: 'Total: .*'", f"{HEADER}Total: 0\n".encode(), "csv.header_only"),
    ("fewer rows than the footer says", r"footer: 'Total: (?P<rows>\d+)'", f"{WHOLE}Total: 4\n".encode(),
     "file.cut_off"),
    ("no layout has as many columns", "csv: {header: false}", f"{CANARY},1,2\n".encode(), "csv.header.missing_column"),
    ("empty where UTF-16 is declared", "encoding: utf-16", b"", "csv.empty"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "sent", "rule"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_refused_whole(vendor: Callable[[str], Path], tmp_path: Path, words: str, sent: bytes, rule: str) -> None:
    with pytest.raises(AskVendor) as refused:
        build(vendor(words), "mini-test", [("results.csv", sent)], tmp_path / "state")
    assert f"rule {rule})" in str(refused.value)
    assert refused.value.remedy.endswith(".")
    assert CANARY not in str(refused.value)
