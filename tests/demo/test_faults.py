"""The bad night: each fault is there when asked for, and the file is as before when not."""

from __future__ import annotations

import csv
import functools
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.demo.district import DEMO, FAULTS, write_night
from hub.demo.faults import FILE_FAULTS, GUARD_FAULTS, ROW_FAULTS, ROWS
from hub.demo.layouts import MAP_GROWTH

from .reading import Rows, column, files, only, package, rows

NIGHT = 3


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return night(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def bad_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return night(tmp_path_factory.mktemp("rows"), *ROW_FAULTS)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a night with one fault, written once."""
    return functools.cache(lambda kind: night(tmp_path_factory.mktemp(kind), kind))


def night(out: Path, *kinds: str) -> Path:
    write_night(DEMO, out, NIGHT, faults=kinds)
    return out


def sis(out: Path) -> dict[str, Rows]:
    return package(out / "sis" / "oneroster.zip")


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_changes_only_the_sources_it_names(kind: str, good: Path, bad: Callable[[str], Path]) -> None:
    before, after = files(good), files(bad(kind))
    assert before.keys() == after.keys()
    changed = {name.split("/")[0] for name in before if before[name] != after[name]}
    assert changed == set(FAULTS[kind].split(":")[0].split(" and "))


def test_the_kinds_are_told_apart() -> None:
    assert [*FILE_FAULTS, *ROW_FAULTS, *GUARD_FAULTS] == list(FAULTS)
    with pytest.raises(KeyError, match="no such fault: nonsense"):
        write_night(DEMO, Path("unused"), faults=["nonsense"])


def test_all_at_once_is_as_bad_as_it_gets(tmp_path: Path) -> None:
    write_night(DEMO, tmp_path, NIGHT, faults=True)
    assert sis(tmp_path)["users"] == []
    assert not zipfile.is_zipfile(only(tmp_path / "iready"))


def test_users_header_only(bad: Callable[[str], Path]) -> None:
    with zipfile.ZipFile(bad("users_header_only") / "sis" / "oneroster.zip") as members:
        text = members.read("users.csv").decode()
    assert text.count("\n") == 1
    assert text.startswith("sourcedId,status,dateLastModified,enabledUser")


def test_last_years_file_under_this_years_name(good: Path, bad: Callable[[str], Path]) -> None:
    now, old = (only(out / "map") for out in (good, bad("map_last_year")))
    assert now.name == old.name == f"map_growth_fall_{DEMO.year_title}.csv"
    assert set(column(rows(old.read_bytes()), "TermName")) == {"Fall 2025-2026"}
    assert {row["TestStartDate"][-4:] for row in rows(old.read_bytes())} == {"2025"}
    assert {row["TestStartDate"][-4:] for row in rows(now.read_bytes())} == {"2026"}


def test_renamed_header(bad: Callable[[str], Path]) -> None:
    header = list(rows(only(bad("map_renamed_header") / "map").read_bytes())[0])
    assert set(MAP_GROWTH) - set(header) == {"TestRITScore"}
    assert header.index("RITScore") == MAP_GROWTH.index("TestRITScore")


def test_unreadable_zip(good: Path, bad: Callable[[str], Path]) -> None:
    assert zipfile.is_zipfile(only(good / "iready"))
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(only(bad("iready_unreadable_zip") / "iready"))


def test_map_rows(good: Path, bad_rows: Path) -> None:
    with only(bad_rows / "map").open(newline="") as lines:
        table = list(csv.reader(lines))
    ragged = {number: len(row) for number, row in enumerate(table) if len(row) != len(MAP_GROWTH)}
    assert ragged == {7: 142, 8: 144, 9: 142}
    before, after = (rows(only(out / "map").read_bytes()) for out in (good, bad_rows))
    dates = [row["TestStartDate"] for row, old in zip(after, before, strict=True) if row != old][:ROWS]
    assert dates == ["02/30/2026", "13/01/2026", "TBD"]
    owner = {row["identifier"]: row["userIds"] for row in sis(good)["users"] if row["role"] == "student"}
    disagree = [row for row in after if owner[row["StudentID"]] != f"{{State:{row['Student_StateID']}}}"]
    assert len(disagree) == ROWS
    assert all(f"{{State:{row['Student_StateID']}}}" in owner.values() for row in disagree)


def test_sis_rows(good: Path, bad_rows: Path) -> None:
    before, after = sis(good), sis(bad_rows)
    births = {row["birthDate"] for row in after["demographics"]} - {row["birthDate"] for row in before["demographics"]}
    assert births == {"2014-02-31", "00/00/0000", "unknown"}
    assert set(column(after["demographics"], "sex")) - {"male", "female"} == {"X", "M", "Female"}
    places = after["enrollments"]
    assert len(places) == len(before["enrollments"]) + 2 * ROWS
    assert len(places) - len(set(column(places, "sourcedId"))) == ROWS
    again = [(row["classSourcedId"], row["userSourcedId"], row["beginDate"]) for row in places]
    assert len(again) - len(set(again)) == 2 * ROWS
    known = set(column(after["classes"], "sourcedId"))
    assert sum(row["classSourcedId"] not in known for row in places) == ROWS


def test_attendance_codes(bad_rows: Path) -> None:
    codes = column(rows(only(bad_rows / "attendance").read_bytes()), "code")
    assert [code for code in codes if code not in "PAET"] == ["Z", "9", "?"]


def test_a_school_is_emptied(good: Path, bad: Callable[[str], Path]) -> None:
    out = bad("sis_school_emptied")
    schools = {row["sourcedId"] for row in sis(good)["orgs"] if row["type"] == "school"}
    for source in ("sis", "lms"):
        left = set(column(package(out / source / "oneroster.zip")["enrollments"], "schoolSourcedId"))
        assert len(left) == DEMO.schools - 1
        assert left < schools
