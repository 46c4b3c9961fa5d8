"""The files of a feed on disk: of a zip, a folder or single files. A zip is opened only as far as it is safe."""

from __future__ import annotations

import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hub.errors import AskVendor

MAX_FILES = 10_000
MAX_BYTES = 20 * 10**9
MAX_RATIO = 200  # deflate reaches 1,032; real CSV and XML stay far below 100
_SMALL = 10 * 10**6  # bytes: what unpacks to less is no bomb, whatever its ratio
_UNSAFE = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)|[\x00-\x1f\x7f]")
_BROKEN = (zipfile.BadZipFile, OSError, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError,
           ValueError, OverflowError)  # fmt: skip


@dataclass(frozen=True)
class SentFile:
    """`name` is the name inside the package, folders included; `path` where its bytes lie."""

    name: str
    path: Path

    @property
    def base(self) -> str:
        return PurePosixPath(self.name).name

    @property
    def nested(self) -> bool:
        return "/" in self.name


@dataclass(frozen=True)
class Feed:
    """`packaged`: a zip or folder, not single files. `unsafe` and `repeated` name files that were not read."""

    files: tuple[SentFile, ...]
    packaged: bool
    unsafe: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


def open_feed(paths: Sequence[Path], workdir: Path) -> Feed:
    """All files of zips, folders and single files; zips are unpacked under `workdir`, which is the caller's own.

    Raises AskVendor for a path that is not there, a zip that is broken or too large (20 GB, 10,000 files, ratio 200).
    """
    found: list[SentFile] = []
    unsafe: list[str] = []
    packaged = False
    for number, path in enumerate(paths):
        if path.is_dir():
            packaged = True
            found += _folder(path)
        elif not path.is_file():
            raise AskVendor(f"{path}: there is no such file or folder.", "Check the path.")
        elif _is_zip(path):
            packaged = True
            members, refused = _unpack(path, workdir / f"zip{number}")
            found += members
            unsafe += refused
        else:
            found.append(SentFile(path.name, path))
    kept: dict[str, SentFile] = {}
    repeated = []
    for file in sorted(found, key=lambda f: f.nested):  # a file at the root goes before one of a folder
        if file.base.casefold() in kept:
            repeated.append(file.name)
        else:
            kept[file.base.casefold()] = file
    return Feed(tuple(sorted(kept.values(), key=lambda f: f.name)), packaged, tuple(unsafe), tuple(repeated))


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return path.suffix.lower() == ".zip" or file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _folder(folder: Path) -> Iterator[SentFile]:
    count = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(n for n in names if not n.startswith(".")):
            path = Path(parent) / name
            count += 1
            if count > MAX_FILES:
                raise AskVendor(f"{folder}: more than {MAX_FILES:,} files.", "Name the folder of one package.")
            if path.is_file():
                yield SentFile(path.relative_to(folder).as_posix(), path)


def _unpack(path: Path, folder: Path) -> tuple[list[SentFile], list[str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            _refuse_bomb(path, members)
            safe = [m for m in members if not _is_unsafe(m)]
            files = [_extract(archive, member, folder / str(i)) for i, member in enumerate(safe)]
    except _BROKEN as error:
        raise AskVendor(
            f"{path.name} is not a whole zip file, or packed in a way that cannot be read ({type(error).__name__}).",
            "Send it again as an ordinary zip (deflate, no password); check that the upload had ended.",
        ) from None
    unsafe = [f"file {i} of the zip" for i, member in enumerate(members, start=1) if _is_unsafe(member)]
    return files, unsafe


def _refuse_bomb(path: Path, members: list[zipfile.ZipInfo]) -> None:
    total = sum(m.file_size for m in members)
    if len(members) > MAX_FILES:
        raise AskVendor(f"{path.name} holds more than {MAX_FILES:,} files.", "Send only the files of the standard.")
    if total > MAX_BYTES or (total > _SMALL and total > MAX_RATIO * path.stat().st_size):
        raise AskVendor(
            f"{path.name} would unpack to {total:,} bytes: refused as a possible zip bomb.",
            f"Send a zip that unpacks to at most {MAX_BYTES // 10**9} GB and {MAX_RATIO} times its own size.",
        )


def _is_unsafe(member: zipfile.ZipInfo) -> bool:
    link = stat.S_ISLNK(member.external_attr >> 16)
    long = not 0 < len(PurePosixPath(member.filename).name.encode(errors="replace")) < 256
    return bool(_UNSAFE.search(member.orig_filename) or link or long or member.flag_bits & 0x1)


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> SentFile:
    name = member.filename.replace("\\", "/")
    target.mkdir(parents=True)
    with archive.open(member) as source, (target / PurePosixPath(name).name).open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
    return SentFile(name, target / PurePosixPath(name).name)
