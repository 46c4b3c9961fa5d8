"""A record with far too many fields, or two torn quotes, is held alone; blank fields behind the last are told."""

from __future__ import annotations

import itertools
import resource
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from laws.night import RESULTS, a_result, as_csv, build, rows_of

from hub.engine import connect
from hub.standards.reading.plain_text import read_strictly
from hub.standards.reading.wide_records import count_delimiters, is_garbled, narrowed

HEADER = ",".join(RESULTS) + "\n"
ROWS = [as_csv(a_result(n), []) for n in range(1, 4)]
WIDE = ROWS[0].rstrip("\n") + ",x" * 60_000
LAW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_record_of_sixty_thousand_fields_too_many_is_held_alone(specs: Path, tmp_path: Path, end: str) -> None:
    sent = (HEADER + ROWS[0] + WIDE + "\n" + WIDE + "y\n" + ROWS[1]).replace("\n", end).encode()
    began = time.process_time()
    summary = build(specs, "mini-test", [("results.csv", sent)], tmp_path / "state")
    spent = time.process_time() - began
    held = rows_of(tmp_path / "state" / "held.parquet")
    assert sorted((r["_row"], r["rule"]) for r in held) == [(2, "csv.columns.extra"), (3, "csv.columns.extra")]
    assert len({r["_print"] for r in held}) == 2  # the two are not taken for one record
    assert sorted(r["_row"] for r in rows_of(tmp_path / "state" / "rows" / "StudentAssessment.parquet")) == [1, 4]
    assert sum(c.rows_in for c in summary.counts if not c.entity) == 4
    assert spent < 15  # a minute each without the guard
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 << 20  # KiB; 7 GB each without the guard


def test_a_text_of_many_delimiters_in_quotes_is_no_wide_record(specs: Path, tmp_path: Path) -> None:
    text = 'a "b",\n' + "c," * 3000 + "\n,d"
    sent = HEADER + ROWS[0] + as_csv(a_result(2, Test=text), []) + ROWS[2] + WIDE + "\n"
    build(specs, "mini-test", [("results.csv", sent.encode())], tmp_path / "state")
    held = rows_of(tmp_path / "state" / "held.parquet")
    assert {(r["_row"], r["rule"]) for r in held} == {(2, "length.max"), (4, "csv.columns.extra")}  # it is read whole


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (ROWS[0] + ROWS[1], 0),
        (ROWS[0].replace("\n", ",\n") + ROWS[1], 1),
        (ROWS[0].replace("\n", ",,,\n") + ROWS[1].replace("\n", ',""\n') + ROWS[2], 2),
        (ROWS[0].replace("\n", "\r\n") + ROWS[1].replace("\n", ",,\r\n"), 1),
        (as_csv(a_result(1, Test="one, two, three"), []) + ROWS[1], 0),
        (as_csv(a_result(1, Test="one\n, two"), []).replace("\n", ",,\n") + ROWS[1].replace("\n", ",x\n"), 1),
    ],
)
def test_blank_fields_behind_are_left_out_and_counted(specs: Path, tmp_path: Path, rows: str, told: int) -> None:
    sent = (HEADER if "\r" not in rows else HEADER.replace("\n", "\r\n")) + rows
    summary = build(specs, "mini-test", [("results.csv", sent.encode())], tmp_path / "state")
    assert summary.repairs.get("csv.blank_fields_behind", 0) == told


ENDS = st.lists(st.sampled_from(["\n", "\r\n"]), min_size=5, max_size=5)


@settings(LAW, max_examples=25)
@example(["\n", "\r\n", "\n", "\n", "\n"], False, True)
@example(["\r\n", "\n", "\n", "\n", "\n"], True, False)
@given(ENDS, st.booleans(), st.booleans())
def test_records_may_end_in_two_ways(specs: Path, ends: list[str], quoted: bool, wide: bool) -> None:
    lines = [HEADER, ROWS[0], ROWS[1], WIDE[: len(ROWS[0]) + 200] + "\n" if wide else ROWS[0], ROWS[2]]
    if quoted:
        lines = [",".join(f'"{cell}"' for cell in line.strip().split(",")) for line in lines]
    outcomes = []
    for chosen in (ends, ["\n"] * 5):
        sent = "".join(line.rstrip("\n") + end for line, end in zip(lines, chosen, strict=True))
        with TemporaryDirectory() as folder:
            summary = build(specs, "mini-test", [("results.csv", sent.encode())], Path(folder))
            kept = rows_of(Path(folder) / "rows" / "StudentAssessment.parquet")
            held = rows_of(Path(folder) / "held.parquet")
        if wide:  # a refused record is what the line ends are looked at for
            pairs = chosen.count("\r\n")
            assert summary.repairs.get("csv.mixed_line_ends", 0) == min(pairs, len(chosen) - pairs)
        outcomes.append((
            sorted(str({k: v for k, v in row.items() if k != "_file"}) for row in kept),
            sorted((row["_row"], row["rule"]) for row in held),
            sum(c.rows_in for c in summary.counts if not c.entity),
        ))  # fmt: skip
    assert outcomes[0] == outcomes[1]


FIELD = st.one_of(
    st.sampled_from(["a", "", '""', '"x,y"', '"p""q"', '"m\nn"', '"' + "t," * 150 + '"', '"' + "u,\n" * 60 + '"']),
    st.sampled_from(['b"c', '"torn', '"d"e', '"g" ', '"h" "i', "é"]),
)
RECORD = st.one_of(
    st.lists(FIELD, min_size=3, max_size=3),
    st.lists(FIELD, min_size=1, max_size=5),
    st.tuples(st.lists(FIELD, min_size=1, max_size=3), st.integers(90, 400), st.lists(FIELD, max_size=2)).map(
        lambda parts: [*parts[0], *["w"] * parts[1], *parts[2]]
    ),
)


TORN_OVER_LINES = [['"torn'], *[["a"] * 3] * 5, ["a", "a", '"' + "t," * 150 + '"'], ["a", '"x,y"', "a"]]


@LAW
@given(st.lists(RECORD, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
@example(TORN_OVER_LINES, "\n")
@example([['"d"e', '"f"g', "b", "c"], ["x", "y", "z"], ['"d"e', "b", "c"]], "\n")
def test_the_parser_says_the_same_of_a_narrowed_file(records: list[list[str]], end: str) -> None:
    body = end.join(",".join(r) for r in [["a", "b", "c"], *records]) + end
    with TemporaryDirectory() as folder:
        path, narrow = Path(folder) / "plain.csv", Path(folder) / "narrow.csv"
        path.write_bytes(body.encode())
        try:
            narrowed(path, 3, narrow)
        except duckdb.InvalidInputException:  # line ends of two kinds behind a torn quote
            assert end != "\n"
            assert "\n" in "".join(itertools.chain(*records))
            return
        (rows, lines, garbled), (kept, same, still) = said(path), said(narrow)
    assert not still
    assert lines == same
    if garbled:  # the parser then takes what stands behind a torn quote for a row
        assert not Counter(kept) - Counter(rows)
    else:
        assert kept == rows


def test_what_follows_two_torn_quotes_is_no_row(specs: Path, tmp_path: Path) -> None:
    garbage = '"d"e,"f"g' + ROWS[0][ROWS[0].index(",") :]
    sent = HEADER + ROWS[0] + garbage + ROWS[1]
    build(specs, "mini-test", [("results.csv", sent.encode())], tmp_path / "state")
    held = rows_of(tmp_path / "state" / "held.parquet")
    assert [(r["_row"], r["rule"]) for r in held] == [(2, "csv.quote")]
    assert sorted(r["_row"] for r in rows_of(tmp_path / "state" / "rows" / "StudentAssessment.parquet")) == [1, 3]


def said(path: Path) -> tuple[object, object, bool]:
    """Rows, and lines refused; a line that is refused for several reasons is refused once. Whether it is garbled."""
    con = connect()
    try:
        rows = read_strictly(con.con, path, "abc", header=True, delimiter=",", quote='"', escape='"').fetchall()
    except duckdb.Error as error:
        return type(error).__name__, [], False
    found = con.con.execute("SELECT DISTINCT line FROM reject_errors ORDER BY line").fetchall()
    return rows, found, is_garbled(con)


def test_a_crowd_is_seen_in_any_line_end_and_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    for end in ("\n", "\r"):
        for sign in (",", "|", "||"):
            rows = [sign.join("abc")] * 20_000
            path.write_bytes(end.join(rows).encode())
            assert count_delimiters(path, 3, sign) == type(count_delimiters(path, 3, sign))(40_000, False)
            path.write_bytes(end.join([*rows, sign.join("x" * 5000), *rows]).encode())
            assert count_delimiters(path, 3, sign).crowded
