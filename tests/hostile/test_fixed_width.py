"""Fixed-width records: every column where the layout table says, every other record held or the file refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.night import build, make_specs, rows_of

from hub.engine import connect
from hub.errors import AskVendor, FixConfiguration
from hub.model import OpenedFile, Stream
from hub.standards.reading.fixed_width import Cut, read_layout
from hub.standards.reading.streams import read_file

CANARY = "Zqcanary"
COLUMNS = (("StateID", 8), ("LocalID", 6), ("Test", 12), ("Taken", 10), ("Score", 3), ("Minutes", 3))
ROWS = [("000123", f"L-{n}", "Álgebra", f"2026-10-0{n}", f"{n}", "") for n in range(1, 4)]
_LAYOUTS = 'layouts: {"2026": exam_2026, "2025": exam_2025}'


def record(row: tuple[str, ...]) -> str:
    return "".join(value.ljust(length) for value, (_, length) in zip(row, COLUMNS, strict=True))


def layout(extra: str = "", taken: str = "") -> str:
    lines, start = ["name,start,length,matches"], 1
    for name, length in COLUMNS:
        lines.append(f"{name},{start},{length},{taken if name == 'Taken' else ''}")
        start += length
    return "\n".join([*lines, *([extra] if extra else [])]) + "\n"


def vendor(root: Path, options: str = "", new: str = "", old: str = "Era,43,4,") -> Path:
    """The mini-test vendor, as one who sends fixed-width records: 42 characters, and 46 the year before."""
    specs = make_specs(root / "schemas")
    folder = specs / "sources" / "mini-test"
    head = (folder / "source.yaml").read_text(encoding="utf-8")
    lines = [line for line in head.splitlines() if not line.startswith("layouts:")]
    said = (
        "\n".join([*lines, _LAYOUTS, options]).replace("format: csv", "format: fixed-width").replace(".csv$", ".txt$")
    )
    (folder / "source.yaml").write_text(said, encoding="utf-8")
    (folder / "lists").mkdir()
    (folder / "lists" / "exam_2026.csv").write_text(layout(taken=new), encoding="utf-8")
    (folder / "lists" / "exam_2025.csv").write_text(layout(old), encoding="utf-8")
    return specs


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vendor(tmp_path_factory.mktemp("fixed"))


def outcome(state: Path) -> tuple[list[tuple[int, str]], list[int]]:
    held = (
        [(r["_row"], r["rule"]) for r in rows_of(state / "held.parquet")] if (state / "held.parquet").exists() else []
    )
    return sorted(held), sorted(r["_row"] for r in rows_of(state / "rows" / "StudentAssessment.parquet"))


WHOLE = "".join(record(row) + "\r\n" for row in ROWS)

TAKEN = [
    ("CR LF", WHOLE.encode(), [], [1, 2, 3]),
    ("LF", WHOLE.replace("\r", "").encode(), [], [1, 2, 3]),
    ("no line end at the end", WHOLE.rstrip().ljust(len(WHOLE) - 2).encode(), [], [1, 2, 3]),
    ("byte order mark", ("\ufeff" + WHOLE).encode(), [], [1, 2, 3]),
    ("blank lines, and an old end of file", ("\r\n" + WHOLE + "\r\n\x1a").encode(), [], [2, 3, 4]),
    ("a short record", (WHOLE + CANARY + "\r\n" + record(ROWS[0])).encode(), [(4, "fixed.length")], [1, 2, 3, 5]),
    ("a long record", (record(ROWS[0]) + "\n" + record(ROWS[1]) + "    \n").encode(), [(2, "fixed.length")], [1]),
    ("commas and quotes are text", WHOLE.replace("Álgebra ", 'A,"b\'\\g ').encode(), [], [1, 2, 3]),
    ("Latin-1 where UTF-8 is declared", b"\n".join([record(ROWS[0]).encode(), record(ROWS[1]).encode("latin-1"),
     record(ROWS[2]).encode()]), [(2, "csv.encoding")], [1, 3]),
    ("a control character", (WHOLE + record(ROWS[0]).replace("L-1", "\x01-1") + "\r\n").encode(),
     [(4, "csv.columns.extra")], [1, 2, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "wrong", "right"), [c[1:] for c in TAKEN], ids=[c[0] for c in TAKEN])
def test_records_are_taken_or_held_at_their_line(
    specs: Path, tmp_path: Path, sent: bytes, wrong: list[tuple[int, str]], right: list[int]
) -> None:
    summary = build(specs, "mini-test", [("results.txt", sent)], tmp_path / "state")
    assert outcome(tmp_path / "state") == (wrong, right)
    of_the_stream = next(c for c in summary.counts if not c.entity)
    assert of_the_stream.rows_in == of_the_stream.accepted + of_the_stream.held + sum(of_the_stream.ignored.values())
    assert of_the_stream.rows_in == len(wrong) + len(right)


REFUSED = [
    ("empty", b"", "csv.empty"),
    ("only an end of file", b"\r\n\x1a", "csv.empty"),
    ("another layout", (CANARY * 9 + "\n" + WHOLE).encode(), "fixed.layout"),
    ("delimited text", b"StateID,LocalID,Test\n1,2,3\n", "fixed.layout"),
    ("UTF-16", WHOLE.encode("utf-16"), "csv.encoding"),
    ("NUL", WHOLE.replace("L-2", "L\x002").encode(), "csv.encoding"),
    ("last year's dates", WHOLE.replace("2026-10", "2025-10").encode(), "file.wrong_year"),
]


@pytest.mark.parametrize(("sent", "rule"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused_whole(specs: Path, tmp_path: Path, sent: bytes, rule: str) -> None:
    with pytest.raises(AskVendor) as refused:
        build(specs, "mini-test", [("results.txt", sent)], tmp_path / "state")
    assert f"rule {rule})" in str(refused.value)
    assert refused.value.remedy.endswith(".")
    assert CANARY not in str(refused.value)
    assert not (tmp_path / "state").exists()


def test_the_length_of_the_first_record_says_the_version(specs: Path, tmp_path: Path) -> None:
    sent = "".join(record(row) + "ab  \n" for row in ROWS)
    build(specs, "mini-test", [("results.txt", sent.encode())], tmp_path / "state")
    assert outcome(tmp_path / "state") == ([], [1, 2, 3])


def test_a_code_in_the_record_says_the_version(tmp_path: Path) -> None:
    specs = vendor(tmp_path, new=r"2026-\d\d-\d\d", old="")
    folder = specs / "sources" / "mini-test" / "lists"
    (folder / "exam_2025.csv").write_text(layout(taken=r"\d\d/\d\d/2025"), encoding="utf-8")
    sent = WHOLE + record(("1", "L-9", CANARY, "10/01/2025", "9", "9"))
    build(specs, "mini-test", [("results.txt", sent.encode())], tmp_path / "state")
    assert outcome(tmp_path / "state") == ([(4, "fixed.layout")], [1, 2, 3])


def test_two_layouts_that_both_fit_are_not_guessed(tmp_path: Path) -> None:
    specs = vendor(tmp_path, old="")
    with pytest.raises(
        AskVendor, match=r"of more than one layout \(records of 2026: 42, 2025: 42; rule fixed.layout\)"
    ):
        build(specs, "mini-test", [("results.txt", WHOLE.encode())], tmp_path / "state")


def test_blanks_at_the_end_may_be_cut_off_where_the_folder_says_so(tmp_path: Path) -> None:
    specs = vendor(tmp_path, "short_records: true", new="2026.*", old="Era,43,4,X")
    sent = "\n".join(record(row).rstrip() for row in ROWS)
    build(specs, "mini-test", [("results.txt", sent.encode())], tmp_path / "state")
    assert outcome(tmp_path / "state") == ([], [1, 2, 3])


@pytest.mark.parametrize("line", ["Test,0,3,", "Test,x,3,", "Test,1,,", "StateID,50,3,", ",50,3,"])
def test_a_layout_that_is_none_stops_before_anything_is_read(tmp_path: Path, line: str) -> None:
    (tmp_path / "vendor" / "lists").mkdir(parents=True)
    path = tmp_path / "vendor" / "lists" / "exam.csv"
    path.write_text(layout(line), encoding="utf-8")
    with pytest.raises(FixConfiguration, match=r"^vendor/lists/exam\.csv:8: not a column"):
        read_layout(path)


_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["C", "Z"]), max_size=5)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(_TEXT, _TEXT, _TEXT).filter(any), min_size=1, max_size=6), gap=st.integers(0, 3))
def test_every_value_comes_back_as_it_was_written(
    rows: list[tuple[str, str, str]], gap: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cuts = tuple(Cut(name, 1 + n * (5 + gap), 5) for n, name in enumerate("abc"))
    stream = Stream("s", "fixed-width", "", "append", ("a", "b", "c"), {"cuts": {"1": cuts}})
    path = tmp_path_factory.mktemp("fixed") / "s.txt"
    path.write_text("".join((" " * gap).join(v.ljust(5) for v in row) + "\n" for row in rows), encoding="utf-8")
    for con in connection():
        read = read_file(con, stream, OpenedFile("s.txt", path, "0" * 64), 1, {"a", "b", "c"}, {})
        found = con.to_pyarrow(con.table(read.table).select("a", "b", "c", "_row")).to_pylist()
    assert [tuple(r.values()) for r in found] == [(*(v or None for v in row), n) for n, row in enumerate(rows, 1)]
    assert read.rows == len(rows)


def connection() -> Iterator[object]:
    con = connect()
    try:
        yield con
    finally:
        con.disconnect()
