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
_FEED = (".csv", ".xml", ".json", ".jsonl", ".ndjson")
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


def open_feed(
    paths: Sequence[Path], workdir: Path, names: Sequence[str] | None = None, max_bytes: int = MAX_BYTES
) -> Feed:
    """All files of zips, folders and single files; zips are unpacked under `workdir`, which is the caller's own.

    `names` is what to call each path, its own name otherwise. A folder that holds one zip and nothing else of a feed
    stands for that zip. Raises AskVendor for a path that is not there or cannot be read, an empty folder, and a zip
    that is broken, too large (`max_bytes`, 10,000 files, ratio 200) or holds nothing but zips.
    """
    found: list[SentFile] = []
    unsafe: list[str] = []
    packaged = False
    for number, path in enumerate(paths):
        sent = _zip_of(path) if path.is_dir() else SentFile(names[number] if names else path.name, path)
        if sent is None:
            packaged = True
            found += _folder(path)
        elif _is_zip(sent):
            packaged = True
            members, refused = _unpack(sent, workdir / f"zip{number}", max_bytes)
            found += members
            unsafe += refused
        else:
            found.append(sent)
    kept: dict[str, SentFile] = {}
    repeated = []
    for file in sorted(found, key=lambda f: f.nested):  # a file at the root goes before one of a folder
        if file.base.casefold() in kept:
            repeated.append(file.name)
        else:
            kept[file.base.casefold()] = file
    return Feed(tuple(sorted(kept.values(), key=lambda f: f.name)), packaged, tuple(unsafe), tuple(repeated))


def _is_zip(sent: SentFile) -> bool:
    if not sent.path.exists():
        raise AskVendor(f"{sent.path}: there is no such file or folder.", "Check the path.")
    if not sent.path.is_file():
        raise AskVendor(f"{sent.path} is neither a file nor a folder.", "Give a file, or - for standard input.")
    return _begin(sent) in (b"PK\x03\x04", b"PK\x05\x06") or sent.name.lower().endswith(".zip")


def _begin(sent: SentFile) -> bytes:
    try:
        with sent.path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise _unreadable(sent.name, error) from None


def _unreadable(name: str, error: OSError) -> AskVendor:
    return AskVendor(f"{name} cannot be read ({error.strerror}).", "Check who may read it.")


def _zip_of(folder: Path) -> SentFile | None:
    """The only zip of a folder that holds nothing else of a feed. Raises AskVendor for several zips, or no file."""
    files = list(_folder(folder))
    zips = [f for f in files if f.base.lower().endswith(".zip")]
    if not files:
        raise AskVendor(f"{folder} is an empty folder.", "Name the folder that holds the package.")
    if not zips or any(f.base.lower().endswith(_FEED) for f in files):
        return None
    if len(zips) > 1:
        raise AskVendor(f"{folder} holds {len(zips):,} zips.", f"Name the one to check, such as {zips[0].name}.")
    return zips[0]


def _folder(folder: Path) -> Iterator[SentFile]:
    def stop(error: OSError) -> None:
        raise _unreadable(str(error.filename), error)

    count = 0
    for parent, folders, names in os.walk(folder, onerror=stop):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(n for n in names if not n.startswith(".")):
            path = Path(parent) / name
            count += 1
            if count > MAX_FILES:
                raise AskVendor(f"{folder}: more than {MAX_FILES:,} files.", "Name the folder of one package.")
            if path.is_file():
                sent = SentFile(path.relative_to(folder).as_posix(), path)
                _begin(sent)
                yield sent


def _unpack(sent: SentFile, folder: Path, max_bytes: int) -> tuple[list[SentFile], list[str]]:
    try:
        with zipfile.ZipFile(sent.path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            _refuse_bomb(sent, members, max_bytes)
            _refuse_wrapped(sent, members)
            _refuse_closed(sent, members)
            safe = [m for m in members if not _is_unsafe(m)]
            files = [_extract(archive, member, folder / str(i)) for i, member in enumerate(safe)]
    except _BROKEN as error:
        raise AskVendor(
            f"{sent.name} is not a whole zip file, or packed in a way that cannot be read ({type(error).__name__}).",
            "Send it again as an ordinary zip (deflate, no password); check that the upload had ended.",
        ) from None
    unsafe = [f"file {i} of the zip" for i, member in enumerate(members, start=1) if _is_unsafe(member)]
    return files, unsafe


def _refuse_wrapped(sent: SentFile, members: list[zipfile.ZipInfo]) -> None:
    names = [m.filename.replace("\\", "/") for m in members]
    inner = [n for n in names if n.lower().endswith(".zip")]
    if inner and not any(n.lower().endswith(_FEED) for n in names):
        raise AskVendor(
            f"{sent.name} holds another zip ({inner[0]}) and no file of a feed.",
            "Send that zip by itself: the files of the standard belong at the root of one zip.",
        )


def _refuse_closed(sent: SentFile, members: list[zipfile.ZipInfo]) -> None:
    if not members:
        raise AskVendor(f"{sent.name} holds no file.", "Check the export that packs it and send it again.")
    if all(m.flag_bits & 0x1 for m in members):
        raise AskVendor(f"{sent.name} is locked with a password.", "Send it again without one.")


def _refuse_bomb(sent: SentFile, members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    total = sum(m.file_size for m in members)
    if len(members) > MAX_FILES:
        raise AskVendor(f"{sent.name} holds more than {MAX_FILES:,} files.", "Send only the files of the standard.")
    if total > max_bytes or (total > _SMALL and total > MAX_RATIO * sent.path.stat().st_size):
        raise AskVendor(
            f"{sent.name} would unpack to {total:,} bytes: refused as a possible zip bomb.",
            f"Send a zip that unpacks to at most {max_bytes:,} bytes and {MAX_RATIO} times its own size.",
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
