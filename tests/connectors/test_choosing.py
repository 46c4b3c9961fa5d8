"""Which files of a shared folder are whose: each goes to one slice, or is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors.choosing import Listed, chosen, fits, school_year, split
from hub.connectors.pulling import Left, Pull
from hub.model import Slice

SLICES = {Slice("maple-hollow", 2026): 57905, Slice("maple-hollow", 2027): 57905, Slice("oak-bend", 2027): 57906}
FILES = r"^(?P<district>[^_]+)_(?P<year>[0-9-]+)_.*\.csv$"


def taken(names: list[str], slice: Slice, files: str = FILES) -> tuple[list[str], list[Left]]:
    pull = Pull("scores", slice, {"path": "/in", "files": files} if files else {"path": "/in"}, slices=SLICES)
    found = list(chosen([Listed(name, 1) for name in names], pull))
    return [f.name for f in found if isinstance(f, Listed)], [f for f in found if isinstance(f, Left)]


_NAMES = st.lists(
    st.builds(
        "{}_{}_{}.csv".format,
        st.sampled_from(["maple-hollow", "MAPLE-HOLLOW", "057905", "57906", "oak-bend", "elm-end", "99"]),
        st.sampled_from(["2026", "2027", "2026-27", "2025-2026", "202627", "26-27", "2019", "2026-28"]),
        st.integers(0, 3),
    ),
    unique=True,
    max_size=8,
)


@given(_NAMES)
def test_every_file_goes_to_one_slice_or_is_told_by_all(names: list[str]) -> None:
    found = {slice: taken(names, slice) for slice in SLICES}
    for name in names:
        owners = [slice for slice, (mine, _) in found.items() if name in mine]
        told = [slice for slice, (_, left) in found.items() if name in [f.name for f in left]]
        assert (len(owners), len(told)) in {(1, 0), (0, len(SLICES))}


@pytest.mark.parametrize(
    ("text", "year"),
    [("2027", 2027), ("2026-27", 2027), ("2026-2027", 2027), ("20262027", 2027), ("202627", 2027), ("26-27", 2027),
     ("2627", 2027), ("1999-00", None), ("2026-28", None), ("27", None), ("", None), ("2021", 2021), ("99-00", 2100)],
)  # fmt: skip
def test_years_as_file_names_have_them(text: str, year: int | None) -> None:
    assert school_year(text) == year


def test_a_year_alone_stays_with_the_district(tmp_path: object) -> None:
    files = r"_(?P<year>\d{4})\."
    assert taken(["a_2026.csv", "b_2027.csv"], Slice("oak-bend", 2027), files)[0] == ["b_2027.csv"]
    assert taken(["a_2026.csv", "b_2027.csv"], Slice("maple-hollow", 2026), files)[0] == ["a_2026.csv"]


def test_what_is_not_whole_or_not_plain_is_told() -> None:
    names = ["a.csv", "b.csv.part", "B.FILEPART", "../c.csv", "x/../../d.csv", "e\n.csv", ".hidden", ".git/f.csv"]
    mine, left = taken(names, Slice("oak-bend", 2027), "")
    assert mine == ["a.csv"]
    assert [(f.name, f.waits) for f in left] == [
        ("../c.csv", False), ("B.FILEPART", True), ("b.csv.part", True), ("e\\n.csv", False), ("x/../../d.csv", False),
    ]  # fmt: skip


def test_a_name_outside_the_pattern_is_told() -> None:
    (left,) = taken(["notes.txt"], Slice("oak-bend", 2027))[1]
    assert left == Left("notes.txt", "is not named as `files:` of hub.yaml says")


@pytest.mark.parametrize(
    ("path", "name", "recursive", "wanted"),
    [("/in", "a.csv", False, True), ("/in", "b/a.csv", False, False), ("/in", "b/a.csv", True, True),
     ("/in/*.csv", "a.csv", False, True), ("/in/*.csv", "a.txt", False, False), ("/in/*.csv", "b/a.csv", False, False),
     ("/in/*.csv", "b/c/a.csv", True, True), ("/in/*/a.csv", "b/a.csv", False, True),
     ("/in/[ab]?.csv", "a1.csv", False, True)],
)  # fmt: skip
def test_patterns(path: str, name: str, recursive: bool, wanted: bool) -> None:
    root, pattern = split(path)
    assert root == "/in"
    assert fits(name, pattern, recursive) is wanted


def test_a_hundred_thousand_files_are_chosen_in_a_moment() -> None:
    names = [f"{d}_2027_{n}.csv" for d in ("057905", "057906") for n in range(50_000)]
    assert len(taken(names, Slice("oak-bend", 2027))[0]) == 50_000
