"""What a vendor names: a folder, a zip in it, several files, nothing at all. Each way is read or answered in words."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from oneroster_package import clean

from hub.errors import AskVendor
from hub.standards import validate
from hub.standards.validation.archive import open_feed


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean("1.1").zip(tmp_path_factory.mktemp("package") / "feed.zip")


def unpacked(package: Path, folder: Path) -> Path:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


def test_every_way_to_name_a_package_reads_the_same(package: Path, tmp_path: Path) -> None:
    folder = unpacked(package, tmp_path / "folder")
    holder = tmp_path / "holder"
    holder.mkdir()
    (holder / "feed.zip").write_bytes(package.read_bytes())
    (holder / "read me.txt").write_text("The package of tonight.")
    nameless = tmp_path / "feed"
    nameless.write_bytes(package.read_bytes())
    ways = [[package], [folder], sorted(folder.iterdir()), [holder], [nameless]]
    found = [validate(way) for way in ways]
    assert all(f.conforms and not f.findings for f in found), [f.findings for f in found]
    assert len({f.files for f in found}) == 1


def test_files_under_other_names_are_told_by_the_names_given(package: Path, tmp_path: Path) -> None:
    files = sorted(unpacked(package, tmp_path / "folder").iterdir())
    numbered = [file.rename(tmp_path / str(i)) for i, file in enumerate(files)]
    found = validate(numbered, names=[file.name for file in files])
    assert not found.findings
    assert {f.name for f in found.files} == {file.name for file in files} - {"manifest.csv"}


def refused(*paths: Path, workdir: Path) -> str:
    with pytest.raises(AskVendor) as error:
        open_feed(list(paths), workdir)
    assert error.value.remedy
    return error.value.message


def test_what_is_no_feed_is_answered_in_words(package: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    empty = tmp_path / "empty"
    (empty / "inside").mkdir(parents=True)
    assert refused(empty, workdir=work) == f"{empty} is an empty folder."
    assert "there is no such file" in refused(tmp_path / "gone.zip", workdir=work)
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in refused(tmp_path / "pipe", workdir=work)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.writestr("export/feed.zip", package.read_bytes())
    assert "holds another zip (export/feed.zip)" in refused(tmp_path / "outer.zip", workdir=work)
    zipfile.ZipFile(tmp_path / "none.zip", "w").close()
    assert refused(tmp_path / "none.zip", workdir=work) == "none.zip holds no file."
    locked = bytearray(package.read_bytes())
    for sign, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(sign), bytes(locked)):
            locked[found.start() + flags] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    assert refused(tmp_path / "locked.zip", workdir=work) == "locked.zip is locked with a password."
    two = tmp_path / "two"
    two.mkdir()
    for name in ("a.zip", "b.zip"):
        (two / name).write_bytes(package.read_bytes())
    assert "holds 2 zips" in refused(two, workdir=work)


def test_a_file_packed_with_gzip_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "Student.xml.gz").write_bytes(gzip.compress(b"<a/>"))
    with pytest.raises(AskVendor, match="is packed with gzip") as refused:
        validate([tmp_path / "Student.xml.gz"])
    assert "gunzip" in refused.value.remedy


def test_a_zip_beside_the_files_of_a_package_is_a_finding(package: Path, tmp_path: Path) -> None:
    folder = unpacked(package, tmp_path / "folder")
    (folder / "old.zip").write_bytes(package.read_bytes())
    [finding] = validate([folder]).findings
    assert (finding.rule, finding.file) == ("oneroster.package.unknown_file", "old.zip")


@pytest.mark.parametrize("inside", [False, True], ids=["file", "folder"])
def test_a_file_that_may_not_be_read_is_said_to_be_so(inside: bool) -> None:
    """Root may read everything: the child gives its rights up first."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from hub.errors import AskVendor\n"
        "from hub.standards.validation.archive import open_feed\n"
        "os.getuid() or os.setuid(65534)\n"
        "try: open_feed([Path(sys.argv[1])], Path('/nowhere'))\n"
        "except AskVendor as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # pytest's own folders are closed to others
        closed = folder / "users.csv"
        closed.write_bytes(b"sourcedId\n")
        closed.chmod(0)
        given = folder if inside else closed
        told = subprocess.run([sys.executable, "-c", script, str(given)], capture_output=True, text=True, check=True)
    assert told.stdout == "users.csv cannot be read (Permission denied). Check who may read it.\n"
