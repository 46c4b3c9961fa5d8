"""Landed files as paths to read. A zip is opened only as far as it is safe, else refused whole."""

from __future__ import annotations

import errno
import re
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from hub.errors import AskVendor, RetryLater
from hub.landing.blobs import copy, find_blob
from hub.landing.deliveries import Delivery
from hub.model import LandedFile

MAX_MEMBERS = 10_000
MAX_BYTES = 20 * 10**9
_MAX_WORKBOOK = 2 * 10**9  # a sheet is read into memory
MAX_RATIO = 200  # deflate reaches 1,032; real CSV and XML stay far below 100
_SMALL = 10 * 10**6  # bytes: what unpacks to less is no bomb, whatever its ratio
_UNSAFE = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class OpenedFile:
    """A file to read: a landed one, or a member of a landed zip. `note` says what was done to reach it."""

    name: str
    path: Path
    sha256: str
    size: int
    note: str = ""
    stream: str = ""


def open_files(state: Path, delivery: Delivery, workdir: Path) -> list[OpenedFile]:
    """The files of a delivery in order. Plain files are read where they lie; zips are unpacked under `workdir`,
    which must be the caller's own. Folders inside a zip are dropped from the names, with a note.

    Raises AskVendor for a zip that is broken, encrypted, too large (20 GB, 10,000 members, ratio 200), that names
    a file outside itself or twice; Stop when landed bytes are missing.
    """
    opened: list[OpenedFile] = []
    for file in delivery.files:
        path = find_blob(state, delivery.slice.district, file.name, file.sha256, file.size)
        if _is_zip(file.name, path) and not _is_workbook(file, path):
            opened += _unpack(file, path, workdir / file.sha256)
        else:
            opened.append(OpenedFile(file.name, path, file.sha256, file.size, stream=file.stream))
    return opened


def _is_zip(name: str, path: Path) -> bool:
    with path.open("rb") as stream:
        return name.lower().endswith(".zip") or stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _is_workbook(file: LandedFile, path: Path) -> bool:
    """An Excel or OpenDocument file is a zip, and is read as one file. Raises AskVendor where it is a zip bomb."""
    try:
        with zipfile.ZipFile(path) as archive:
            if not {"[Content_Types].xml", "mimetype"} & set(archive.namelist()):
                return False
            _refuse_bomb(file, archive.infolist(), _MAX_WORKBOOK)
            return True
    except (zipfile.BadZipFile, ValueError, OverflowError, struct.error, EOFError):
        return False  # unpacking it says why


def _unpack(file: LandedFile, path: Path, folder: Path) -> list[OpenedFile]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(path) as archive:
            # By number: a member called `*.csv` would be a pattern to whoever reads it.
            found = enumerate(_members(file, archive), start=1)
            return [_extract(archive, member, name, folder / f"{i:05}") for i, (member, name) in found]
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OverflowError,
    ) as error:
        raise _damaged(file, error) from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # a place that lies before the file: its directory is damaged
            raise _damaged(file, error) from None
        raise RetryLater(
            f"{file.name} could not be unpacked under {folder} ({error.strerror}).",
            "Check free space and write access of the state folder.",
        ) from None


def _damaged(file: LandedFile, error: Exception) -> AskVendor:
    return AskVendor(
        f"{file.name} is not a whole zip file, or packed in a way that cannot be read "
        f"({type(error).__name__}, rule zip.unreadable).",
        "Send it again as an ordinary zip (deflate, no password); check that the upload had ended.",
    )


def _members(file: LandedFile, archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, str]]:
    members = [m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in Path(m.filename).parts]
    _refuse_bomb(file, members, MAX_BYTES)
    named: dict[str, tuple[zipfile.ZipInfo, str]] = {}
    for number, member in enumerate(members, start=1):
        name = Path(member.filename.replace("\\", "/")).name
        where = f"{file.name}, file {number} of the zip,"
        outside = _UNSAFE.search(member.orig_filename) or stat.S_ISLNK(member.external_attr >> 16)
        if outside or not 0 < len(name.encode()) < 256:
            raise AskVendor(
                f"{where} has a name outside the zip, or is a link (rule zip.path).",
                "Send plain files with plain names.",
            )
        if member.flag_bits & 0x1:
            raise AskVendor(
                f"{where} is encrypted (rule zip.encrypted).",
                "Send it without a password over an encrypted connection.",
            )
        if name.startswith("."):
            continue
        if name.casefold() in named:
            raise AskVendor(
                f"{where} repeats the name {name} (rule zip.duplicate).", "Send each file once, all in one folder."
            )
        named[name.casefold()] = (member, name)
    return list(named.values())


def _refuse_bomb(file: LandedFile, members: list[zipfile.ZipInfo], limit: int) -> None:
    total = sum(m.file_size for m in members)
    if len(members) > MAX_MEMBERS:
        raise AskVendor(
            f"{file.name} holds more than {MAX_MEMBERS:,} files (rule zip.too_many_files).",
            "Send only the files of the standard.",
        )
    if total > limit or (total > _SMALL and total > MAX_RATIO * file.size):
        raise AskVendor(
            f"{file.name} ({file.size:,} bytes) would unpack to {total:,} bytes: refused as a possible zip bomb "
            f"(rule zip.bomb).",
            f"Send a zip that unpacks to at most {limit // 10**9} GB and {MAX_RATIO} times its own size.",
        )


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, path: Path) -> OpenedFile:
    with archive.open(member) as stream, path.open("wb") as out:
        sha256, size = copy(stream, out)
    note = "" if member.filename == name else "unpacked from a folder inside the zip"
    return OpenedFile(name, path, sha256, size, note)
