"""Files in a folder: the names that are there, in order, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors import Pull
from hub.connectors.files import FetchedFile, fetch
from hub.errors import RetryLater
from hub.model import Slice

SLICE = Slice("maple-hollow", 2027)
NAMES = st.sets(st.text("abcXYZ019._- é", min_size=1, max_size=10).filter(lambda n: n.strip(".")), max_size=6)


def found_in(path: Path | str, slice: Slice = SLICE, **transport: object) -> list[FetchedFile]:
    return list(fetch(Pull("sis", slice, {"path": str(path), **transport})))


def names(path: Path | str, **transport: object) -> list[str]:
    return [file.name for file in found_in(path, **transport)]


@given(NAMES)
def test_a_folder_gives_its_files_sorted_and_never_a_hidden_one(present: set[str]) -> None:
    with TemporaryDirectory() as folder:
        for name in present:
            Path(folder, name).write_bytes(name.encode())
        found = found_in(folder)
        assert [file.name for file in found] == sorted(name for name in present if not name.startswith("."))
        for file in found:
            with file.open() as stream:
                assert stream.read() == file.name.encode()
            assert file.size == len(file.name.encode())


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    for name in ("2027/users.csv", "2027/old/users.csv", "2027/.git/users.csv", "2026/orgs.csv", "[2027]/map.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_a_folder_is_not_descended_unless_told(incoming: Path) -> None:
    assert names(incoming / "2027") == ["users.csv"]
    assert names(incoming / "2027", recursive=True) == ["old/users.csv", "users.csv"]


def test_the_year_of_the_slice_stands_for_year(incoming: Path) -> None:
    assert names(incoming / "{year}") == ["users.csv"]
    assert [f.name for f in found_in(incoming / "{year}", Slice("maple-hollow", 2026))] == ["orgs.csv"]


def test_one_file(incoming: Path) -> None:
    assert names(incoming / "2027/users.csv") == ["users.csv"]


def test_a_glob_names_files_below_the_folder_that_is_sure(incoming: Path) -> None:
    assert names(incoming / "20*/*.csv") == ["2026/orgs.csv", "2027/users.csv"]
    assert names(incoming / "2027/*.xml") == []


def test_a_folder_whose_name_looks_like_a_glob_is_a_folder(incoming: Path) -> None:
    assert names(incoming / "[2027]") == ["map.csv"]
    assert names(incoming / "[2027]/*.csv") == ["map.csv"]


def test_an_empty_folder_gives_nothing(incoming: Path) -> None:
    assert names(incoming / "empty") == []


@pytest.mark.parametrize("path", ["gone", "gone/users.csv", "gone/*.csv"])
def test_what_is_not_there_is_tried_again_with_a_remedy(incoming: Path, path: str) -> None:
    with pytest.raises(RetryLater, match="cannot be read") as missing:
        names(incoming / path)
    assert "gone" in missing.value.message
    assert "share is mounted" in missing.value.remedy


def test_a_file_that_goes_before_it_is_read_is_tried_again(incoming: Path) -> None:
    file = found_in(incoming / "2027")[0]
    file.path.unlink()
    with pytest.raises(RetryLater, match="was listed and has gone"):
        file.open()


def test_a_pipe_is_not_a_file(incoming: Path) -> None:
    os.mkfifo(incoming / "empty/users.csv")
    assert names(incoming / "empty") == []
