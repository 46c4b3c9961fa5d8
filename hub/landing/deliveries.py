"""One manifest per delivery, numbered in the order in which they came."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from hub.errors import RetryLater, Stop
from hub.landing.blobs import Incoming, digest, keep, sweep, sync_folders
from hub.model import LandedFile, Slice


@dataclass(frozen=True)
class Delivery:
    """The files of one source that came together. `repeated`: nothing new came, this is the last one again."""

    slice: Slice
    source: str
    seq: int  # from 1
    received: datetime  # UTC
    origin: str  # where the bytes came from, such as a folder
    files: tuple[LandedFile, ...]
    repeated: bool = False

    @property
    def hash(self) -> str:
        """SHA-256 hex of the names and contents, whenever they came."""
        content = sorted((file.name, file.sha256) for file in self.files)
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def land(
    state: Path,
    slice: Slice,
    source: str,
    files: Iterable[Incoming],
    received: datetime,
    *,
    only_new: bool = False,
    origin: str = "",
) -> Delivery | None:
    """Keep the bytes of `files` and write the manifest of a new delivery, all of it or nothing.

    The same names and bytes as the last delivery make no new one: the last comes back, `repeated`. With `only_new`
    (a stream that appends) a delivery holds the files whose name and bytes no earlier delivery had. No files: None.
    Safe beside other processes that land the same source. Raises RetryLater when the bytes cannot be read or kept.
    """
    sweep(state, slice.district)
    before = deliveries(state, slice, source)
    last = {(file.name, file.size): file for file in before[-1].files} if before else {}
    landed = tuple(_keep(state, slice.district, file, last.get((file.name, file.size))) for file in files)
    if not landed:
        return None
    while True:
        before = deliveries(state, slice, source)
        known = {(file.name, file.sha256) for delivery in before for file in delivery.files} if only_new else set()
        fresh = tuple(file for file in landed if (file.name, file.sha256) not in known)
        seq = before[-1].seq + 1 if before else 1
        new = Delivery(slice, source, seq, received.astimezone(UTC), origin, fresh)
        if before and (not fresh or new.hash == before[-1].hash):
            return replace(before[-1], repeated=True)
        if _write(_folder(state, slice, source), new):
            return new


def deliveries(state: Path, slice: Slice, source: str) -> list[Delivery]:
    """All deliveries of a source in the order they came. Raises Stop when a manifest is damaged."""
    return [_read(path, slice, source) for path in sorted(_folder(state, slice, source).glob("[0-9]*.json"))]


def _keep(state: Path, district: str, file: Incoming, last: LandedFile | None) -> LandedFile:
    # A night on which nothing changed reads each file once and writes nothing.
    if last is not None and digest(file) == last.sha256:
        return last
    sha256, size = keep(state, district, file)
    return LandedFile(file.name, sha256, size)


def _folder(state: Path, slice: Slice, source: str) -> Path:
    return state / "landing" / slice.district / str(slice.year) / source


def _write(folder: Path, delivery: Delivery) -> bool:
    """False when another process has taken this number: a link, unlike a rename, never replaces."""
    body = {
        "seq": delivery.seq,
        "received": delivery.received.isoformat(),
        "origin": delivery.origin,
        "hash": delivery.hash,
        "files": [asdict(file) for file in delivery.files],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".partial-", dir=folder)
        try:
            with open(handle, "w", encoding="utf-8") as out:
                json.dump(body, out, indent=1)
                out.flush()
                os.fsync(out.fileno())
            os.link(temporary, folder / f"{delivery.seq:06}.json")
            sync_folders(folder, folder.parent, folder.parent.parent)
        except FileExistsError:
            return False
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise RetryLater(
            f"The manifest of {delivery.source} could not be written under {folder} ({error.strerror}).",
            "Check free space and write access of the state folder.",
        ) from None
    return True


def _read(path: Path, slice: Slice, source: str) -> Delivery:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(LandedFile(**file) for file in body["files"])
        received = datetime.fromisoformat(body["received"])
        return Delivery(slice, source, body["seq"], received, body["origin"], files)
    except (ValueError, KeyError, TypeError):
        raise Stop(f"The manifest {path} is damaged.", "Restore the landing folder from the backup.") from None
