"""Zips: every member that is safe comes out as it went in; what is not is refused with what to do."""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_landing_laws import CONTENT, NAMES, NIGHT, SLICE, InMemory

from hub.errors import AskVendor
from hub.landing import archives, land, open_files
from hub.landing.archives import OpenedFile


def pack(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def opened(state: Path, body: bytes, name: str = "oneroster.zip") -> list[OpenedFile]:
    delivery = land(state, SLICE, "sis", [InMemory(name, body)], NIGHT)
    assert delivery is not None
    return open_files(state, delivery, state / "work")


@given(
    st.dictionaries(NAMES.filter(lambda n: n[0] != "."), CONTENT, max_size=5),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
@settings(deadline=None)
def test_members_come_out_as_they_went_in(members: dict[str, bytes], method: int) -> None:
    with TemporaryDirectory() as folder:
        assert {file.name: file.path.read_bytes() for file in opened(Path(folder), pack(members, method))} == members


def test_a_zip_is_kept_verbatim_as_one_blob(tmp_path: Path) -> None:
    body = pack({"users.csv": b"a"})
    delivery = land(tmp_path, SLICE, "sis", [InMemory("oneroster.zip", body)], datetime.now(UTC))
    assert delivery is not None
    assert [file.name for file in delivery.files] == ["oneroster.zip"]
    blobs = [p.read_bytes() for p in (tmp_path / "landing").rglob("blobs/??/*")]
    assert blobs == [body]


def test_folders_in_a_zip_are_dropped_with_a_note_and_the_mac_droppings_left_out(tmp_path: Path) -> None:
    body = pack({"export/users.csv": b"a", "orgs.csv": b"b", "__MACOSX/export/._users.csv": b"x", ".DS_Store": b"x"})
    found = opened(tmp_path, body)
    assert [(f.name, f.note) for f in found] == [
        ("users.csv", "unpacked from a folder inside the zip"),
        ("orgs.csv", ""),
    ]


def test_a_zip_is_known_by_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    assert [f.name for f in opened(tmp_path, pack({"users.csv": b"a"}), "export.dat")] == ["users.csv"]


@pytest.mark.parametrize("name", ["../users.csv", "/etc/users.csv", "a/../../users.csv", "C:\\users.csv", "..\\u.csv"])
def test_a_name_outside_the_zip_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AskVendor, match="name outside the zip"):
        opened(tmp_path, pack({"orgs.csv": b"a", name: b"x"}))
    assert not list(tmp_path.rglob("*.csv"))


def test_a_link_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("users.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(AskVendor, match="or is a link"):
        opened(tmp_path, out.getvalue())


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AskVendor, match=r"repeats the name Users\.csv"):
        opened(tmp_path, pack({"2026/users.csv": b"a", "2027/Users.csv": b"b"}))


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    with pytest.raises(AskVendor, match="possible zip bomb"):
        opened(tmp_path, pack({"users.csv": bytes(11_000_000)}))
    assert not list(tmp_path.rglob("*.csv"))


def test_overlapping_members_do_not_get_past_the_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_SMALL", 100)
    body = bytearray(pack({"a.csv": bytes(range(256)) * 4, "b.csv": b""}, zipfile.ZIP_STORED))
    # The second entry of the directory claims the size of a thousand files and the place of the first.
    at = body.rindex(b"PK\x01\x02")
    body[at + 20 : at + 28] = (300_000).to_bytes(4, "little") * 2
    with pytest.raises(AskVendor, match="possible zip bomb"):
        opened(tmp_path, bytes(body))


def test_small_files_may_shrink_as_they_like(tmp_path: Path) -> None:
    assert [f.size for f in opened(tmp_path, pack({"users.csv": b"," * 900_000}))] == [900_000]


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    assert len(opened(tmp_path, pack({f"{n}.csv": b"" for n in range(3)}))) == 3
    with pytest.raises(AskVendor, match="more than 3 files"):
        opened(tmp_path, pack({f"{n}.csv": b"" for n in range(4)}))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    body = bytearray(pack({"users.csv": b"abc"}))
    body[6] |= 1
    body[body.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(AskVendor, match="is encrypted"):
        opened(tmp_path, bytes(body))


@given(st.data())
@settings(deadline=None)
def test_a_damaged_zip_is_refused_or_read_never_a_crash(data: st.DataObject) -> None:
    body = bytearray(pack({"users.csv": b"sourcedId,status\n1,active\n" * 20, "orgs.csv": b"x"}))
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(body[: data.draw(st.integers(1, len(body)))])
    with TemporaryDirectory() as folder, contextlib.suppress(AskVendor):
        opened(Path(folder), cut)


@pytest.mark.parametrize("body", [b"", b"not a zip", b"PK\x03\x04"])
def test_what_is_called_zip_and_is_none_is_refused(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(AskVendor, match=r"oneroster\.zip is not a whole zip file") as refused:
        opened(tmp_path, body)
    assert "Send it again" in refused.value.remedy
