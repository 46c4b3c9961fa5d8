"""Bytes by their SHA-256. A blob appears whole or not at all, whoever is killed while writing it; that a power cut
takes none is made sure once a delivery, as it costs more than all the rest of landing a page.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from hub.errors import RetryLater, Stop, Unsettled
from hub.model import Piece

_CHUNK = 1 << 20
_PARTIAL = ".partial-"
_ABANDONED = 24 * 3600  # seconds: no landing takes a day


def blob_path(state: Path, district: str, sha256: str) -> Path:
    return state / "landing" / district / "blobs" / sha256[:2] / sha256


def find_blob(state: Path, district: str, name: str, sha256: str, size: int) -> Path:
    """The path of a landed file's bytes. Raises Stop when they are gone or cut short."""
    path = blob_path(state, district, sha256)
    if not path.is_file() or path.stat().st_size != size:
        raise Stop(
            f"The landed bytes of {name} ({path}) are missing or damaged.",
            "Restore the landing folder from the backup, or have the source deliver again.",
        )
    return path


def digest(file: Piece) -> str:
    """SHA-256 of a file, read once, kept nowhere."""
    with file.open() as stream, open(os.devnull, "wb") as nowhere:
        return copy(stream, nowhere)[0]


def keep(state: Path, district: str, file: Piece) -> tuple[str, int]:
    """Write a file's bytes as a blob unless they are there; gives (sha256, size). Until they are
    settled a power cut may take them, or a part.

    Raises RetryLater when the file changes while it is read or the state folder cannot take it.
    """
    root = state / "landing" / district / "blobs"
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=_PARTIAL, dir=root)
        try:
            with open(handle, "wb") as out, file.open() as stream:
                sha256, size = copy(stream, out)
            if file.size is not None and size != file.size:
                raise Unsettled(
                    f"{file.name} changed while it was read ({file.size} bytes when listed, {size} read).",
                    "Let the upload finish before the sync starts, then sync again.",
                )
            target = blob_path(state, district, sha256)
            if not is_whole(target, sha256, size):
                target.parent.mkdir(exist_ok=True)
                os.chmod(temporary, 0o400)
                os.replace(temporary, target)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise RetryLater(
            f"{file.name} could not be landed under {root} ({error.strerror}).",
            "Check free space and write access of the state folder, and that the source stays readable.",
        ) from None
    return sha256, size


def settle(state: Path, district: str, sha256s: Iterable[str]) -> None:
    """Make blobs that are kept survive a power cut."""
    blobs = [blob_path(state, district, sha256) for sha256 in sha256s]
    sync(*blobs, *{blob.parent for blob in blobs}, state / "landing" / district / "blobs")


def is_whole(path: Path, sha256: str, size: int) -> bool:
    """Whether a blob is there with its bytes, all of which are read."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == sha256


def sweep(state: Path, district: str) -> None:
    """Remove what killed landings left behind a day ago or earlier."""
    for partial in (state / "landing" / district / "blobs").glob(_PARTIAL + "*"):
        try:
            if time.time() - partial.stat().st_mtime > _ABANDONED:
                partial.unlink()
        except FileNotFoundError:  # another landing ended meanwhile
            continue


def sync(*paths: Path) -> None:
    """Make the bytes of files, and new names in folders, survive a power cut."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def copy(stream: IO[bytes], out: IO[bytes]) -> tuple[str, int]:
    """Copy all bytes, flat in memory; gives their (sha256, size)."""
    hasher, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        hasher.update(chunk)
        size += out.write(chunk)
    return hasher.hexdigest(), size
