"""Delimited files as they really come: held by record or refused whole, with file, rule and remedy, never a value."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from laws.night import RESULTS, STUDENTS, a_result, a_student, as_csv, build, rows_of

from hub.errors import AskVendor

HEADER = ",".join(RESULTS) + "\n"
ROWS = [as_csv(a_result(n), []) for n in range(1, 4)]
WHOLE = HEADER + "".join(ROWS)
CANARY = "Zqcanary"


def held(state: Path) -> list[tuple[int, str]]:
    return sorted((r["_row"], r["rule"]) for r in rows_of(state / "held.parquet"))


def accepted(state: Path) -> list[int]:
    return sorted(r["_row"] for r in rows_of(state / "rows" / "StudentAssessment.parquet"))


REFUSED = [
    ("empty", "", "csv.empty"),
    ("only a byte order mark", "\ufeff", "csv.empty"),
    ("only blank lines", "\n\n  \n", "csv.empty"),
    ("header only", HEADER, "csv.header_only"),
    ("UTF-16", WHOLE.encode("utf-16"), "csv.encoding"),
    ("UTF-16 without a mark", WHOLE.encode("utf-16-le"), "csv.encoding"),
    ("NUL in the first line", WHOLE.replace("Test", "Te\0st", 1), "csv.encoding"),
    ("NUL far behind", WHOLE + ROWS[0] * 5000 + ROWS[1].replace("L-2", f"{CANARY}\0"), "csv.encoding"),
    ("another delimiter", WHOLE.replace(",", ";"), "csv.header.missing_column"),
    ("a column is missing", WHOLE.replace("Minutes", "Hours", 1), "csv.header.missing_column"),
    ("a column is renamed", WHOLE.replace("Minutes", "Minute", 1), "csv.header.renamed_column"),
    ("a column comes twice", WHOLE.replace("Minutes", "Score", 1), "csv.header.duplicate_column"),
    ("no header", "".join(ROWS).replace("Algebra", CANARY), "csv.header.missing_column"),
    ("no header, one value twice", f"{CANARY},{CANARY},a,b,c,d\n", "csv.header.duplicate_column"),
    (
        "no header, values like columns",
        f"{CANARY},Minute,Scores,Takens,Tests,{CANARY}ID\n",
        "csv.header.missing_column",
    ),
    ("a quote that is never closed", WHOLE + f'1,"{CANARY},a,b\n' + "".join(ROWS), "csv.quote"),
    ("line ends of two kinds", WHOLE + f"{CANARY},a\rb,c\n", "file.unreadable"),
    ("last year's file", WHOLE.replace("2026-10", "2025-10"), "file.wrong_year"),
    ("a program", b"\x7fELF\x02\x01\x01" + bytes(range(1, 200)), "csv.header.missing_column"),
]


@pytest.mark.parametrize(("content", "rule"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused_whole(specs: Path, tmp_path: Path, content: str | bytes, rule: str) -> None:
    sent = content.encode() if isinstance(content, str) else content
    with pytest.raises(AskVendor) as refused:
        build(specs, "mini-test", [("results.csv", sent)], tmp_path / "state")
    assert str(refused.value).startswith("results.csv: ")
    assert f"rule {rule})" in str(refused.value)
    assert refused.value.remedy.endswith(".")
    assert CANARY not in str(refused.value)
    assert not (tmp_path / "state").exists()


HELD = [
    ("a short line", HEADER + ROWS[0] + "1,2\n" + ROWS[1], [(2, "csv.columns.missing")], [1, 3]),
    ("a long line", HEADER + ROWS[0] + "1,2,3,4,5,6,7,8\n" + ROWS[1], [(2, "csv.columns.extra")], [1, 3]),
    ("two in a row", HEADER + ROWS[0] + "1,2\n" * 2 + ROWS[1], [(2, "csv.columns.missing"), (3, "csv.columns.missing")],
     [1, 4]),
    ("text beside quotes", HEADER + '"1"x,2,3,2026-10-01,5,6\n' + ROWS[1], [(1, "csv.quote")], [2]),
    ("cut off in the last line", WHOLE + '1,2,3,2026-10-01,5,"6', [(4, "csv.quote")], [1, 2, 3]),
    ("records of several lines", HEADER + as_csv(a_result(1, Test="a\nb"), []) + "1,2\n" + ROWS[1],
     [(2, "csv.columns.missing")], [1, 3]),
    ("Latin-1", HEADER.encode() + ROWS[0].encode() + as_csv(a_result(2, Test="Álgebra"), []).encode("latin-1"),
     [(2, "csv.encoding")], [1]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "wrong", "right"), [c[1:] for c in HELD], ids=[c[0] for c in HELD])
def test_held_by_record(
    specs: Path, tmp_path: Path, content: str | bytes, wrong: list[tuple[int, str]], right: list[int]
) -> None:
    sent = content.encode() if isinstance(content, str) else content
    build(specs, "mini-test", [("results.csv", sent)], tmp_path / "state")
    assert (held(tmp_path / "state"), accepted(tmp_path / "state")) == (wrong, right)


TAKEN = [
    ("byte order mark", "\ufeff" + WHOLE),
    ("CR LF", WHOLE.replace("\n", "\r\n")),
    ("CR", WHOLE.replace("\n", "\r")),
    ("no line end at the end", WHOLE.rstrip("\n")),
    ("blank lines", WHOLE + "\n\n"),
    ("two thousand columns", "\n".join(line + f",{CANARY}" * 2000 for line in WHOLE.splitlines()).replace(
        f",{CANARY}" * 2000, "," + ",".join(f"x{i}" for i in range(2000)), 1)),
    ("columns without a name", WHOLE.replace("\n", ",,\n")),
    ("a column in another letter case", "\n".join(line + ",stateid" for line in WHOLE.splitlines())),
    ("columns the hub uses itself", "\n".join(line + ",_row,_file" for line in WHOLE.splitlines())),
    ("quotes everywhere", "\n".join('"' + line.replace(",", '","') + '"' for line in WHOLE.splitlines())),
]  # fmt: skip


@pytest.mark.parametrize("content", [case[1] for case in TAKEN], ids=[case[0] for case in TAKEN])
def test_taken_as_it_is_meant(specs: Path, tmp_path: Path, content: str) -> None:
    build(specs, "mini-test", [("results.csv", content.encode())], tmp_path / "state")
    assert (held(tmp_path / "state"), accepted(tmp_path / "state")) == ([], [1, 2, 3])


def test_a_file_under_another_name_is_known_by_its_header(specs: Path, tmp_path: Path) -> None:
    build(specs, "mini-test", [("export (3).csv", WHOLE.encode())], tmp_path / "state")
    assert accepted(tmp_path / "state") == [1, 2, 3]


def test_renamed_columns_are_proposed_as_the_line_to_add_and_never_applied(specs: Path, tmp_path: Path) -> None:
    sent = WHOLE.replace("Minutes", "Minute", 1).replace("Taken", "Date Taken", 1).encode()
    with pytest.raises(AskVendor) as refused:
        build(specs, "mini-test", [("results.csv", sent)], tmp_path / "state")
    assert 'add to the stream `renamed: {"Minute": "Minutes", "Date Taken": "Taken"}`' in refused.value.remedy


def test_files_that_are_no_stream_are_named(specs: Path, tmp_path: Path) -> None:
    sent = [("results.csv", WHOLE.encode()), ("notes.txt", b"call me"), ("export.csv", f"{CANARY},b\n1,2\n".encode())]
    assert build(specs, "mini-test", sent, tmp_path / "state").unknown_files == ("export.csv", "notes.txt")
    with pytest.raises(AskVendor, match=r"no file of the delivery is one this vendor sends \(came: notes\.txt\)"):
        build(specs, "mini-test", sent[1:2], tmp_path / "other")


def test_a_file_of_two_streams_is_not_guessed(specs: Path, tmp_path: Path) -> None:
    sis = [("pupils.csv", as_csv(STUDENTS, [a_student(1)]).encode()), ("x.csv", b"Agency,Name\n1,A\n")]
    build(specs, "mini-sis", sis, tmp_path / "state")
    assert {p.stem for p in (tmp_path / "state" / "rows").iterdir()} >= {"Student", "LocalEducationAgency"}


_PEAK = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from hub.errors import HubError
from laws.night import OpenedDelivery, OpenedFile, NIGHT, build_state, work
def peak():  # KiB; ru_maxrss begins with what the parent held when it was forked
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
before = peak()
file = OpenedFile("results.csv", Path({path!r}), "0" * 64)
try:
    build_state(work(Path({specs!r}), "mini-test"), [OpenedDelivery(1, NIGHT, (file,))], Path({out!r}))
    print("taken")
except HubError as error:
    print(error)
print((peak() - before) // 1024)
"""


@pytest.mark.parametrize("fill", ["one long cell", "one long quoted cell"])
def test_a_line_of_a_hundred_megabytes_costs_bounded_memory(specs: Path, tmp_path: Path, fill: str) -> None:
    path, size = tmp_path / "long.csv", 100 << 20
    with path.open("wb") as file:
        file.write((HEADER + ROWS[0] + '1,L-1,"' * (fill == "one long quoted cell")).encode())
        for _ in range(size >> 20):
            file.write(CANARY.encode() * ((1 << 20) // len(CANARY)))
        file.write(b",2026-10-01,5,5\n" + ROWS[1].encode())
    script = _PEAK.format(
        tests=str(Path(__file__).parents[1]), path=str(path), specs=str(specs), out=str(tmp_path / "state")
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert told.returncode == 0, told.stderr[-2000:]
    *said, grown = told.stdout.splitlines()
    assert int(grown) < 700, f"{grown} MiB"
    assert CANARY not in told.stdout + told.stderr
    assert said


def test_blank_lines_are_no_records_and_a_blank_line_in_quotes_is_part_of_one(specs: Path, tmp_path: Path) -> None:
    whole, torn = "1,2,Algebra,2026-10-01,5,45\n", "1,2\n"
    quoted = '1,2,"Al\n\ngebra",2026-10-01,5,45\n'
    content = ",".join(RESULTS) + "\n" + whole + "\n" + quoted + torn + whole + "\n\n" + torn + whole
    build(specs, "mini-test", [("results.csv", content.encode())], tmp_path / "state")
    rejected = [row for row, rule in held(tmp_path / "state") if rule.startswith("csv.")]
    assert rejected == [3, 5]
