"""One manifest per delivery, numbered in the order in which they came."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from hub.errors import RetryLater, Stop, Unsettled
from hub.landing.blobs import digest, keep, settle, sweep, sync
from hub.landing.journal import Journal, source_folder
from hub.model import LandedFile, Piece, Slice, StreamAgain, StreamEnd


@dataclass(frozen=True)
class Delivery:
    """The files of one source that came together. `repeated`: nothing new came, this is the last one again.

    `streams` has the streams that a connector asked for by name, each with its scope and cursor.
    """

    slice: Slice
    source: str
    seq: int  # from 1
    received: datetime  # UTC
    origin: str  # where the bytes came from, such as a folder
    files: tuple[LandedFile, ...]
    repeated: bool = False
    streams: dict[str, StreamEnd] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 hex of the names, contents and scopes, whenever they came."""
        content: list[tuple[str, str]] = sorted((file.name, file.sha256) for file in self.files)
        content += sorted((f"{name}:", end.scope) for name, end in self.streams.items())
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def land(
    state: Path,
    slice: Slice,
    source: str,
    pieces: Iterable[Piece | StreamEnd | StreamAgain],
    received: datetime,
    *,
    only_new: bool = False,
    origin: str = "",
    journal: Journal | None = None,
    leave: Callable[[Unsettled], None] | None = None,
) -> Delivery | None:
    """Keep the bytes of `pieces` as they come and write the manifest of a new delivery, all of it or nothing.

    The same names and bytes as the last delivery make no new one: the last comes back, `repeated`. With `only_new`
    (a stream that appends) a delivery holds the files whose name and bytes no earlier delivery had. No files: None.
    What `journal` has of an earlier pull that was cut off is part of the delivery. Safe beside other processes that
    land the same source. A file that changes while it is read is left out and told to `leave`; without it nothing is
    landed. Raises RetryLater when the bytes cannot be read or kept.
    """
    sweep(state, slice.district)
    before = deliveries(state, slice, source)
    last: Mapping[tuple[str, int | None], LandedFile] = (
        {(file.name, file.size): file for file in before[-1].files} if before else {}
    )
    landed = dict(journal.files) if journal else {}
    ends = dict(journal.ends) if journal else {}
    for piece in pieces:
        if isinstance(piece, StreamEnd):
            ends[piece.stream] = piece
            if journal:
                journal.ended(piece)
        elif isinstance(piece, StreamAgain):
            landed = {name: file for name, file in landed.items() if file.stream != piece.stream}
            if journal:
                journal.again(piece.stream)
        else:
            try:
                file = _keep(state, slice.district, piece, last.get((piece.name, piece.size)))
            except Unsettled as error:
                if leave is None:
                    raise
                leave(error)
                continue
            landed[file.name] = file
            if journal:
                journal.landed(file, piece.position)
    if not landed:
        return None
    while True:
        before = deliveries(state, slice, source)
        known = {(file.name, file.sha256) for delivery in before for file in delivery.files} if only_new else set()
        # By name: pages of several streams come in any order.
        files = sorted(landed.values(), key=lambda file: file.name)
        fresh = tuple(file for file in files if (file.name, file.sha256) not in known)
        seq = before[-1].seq + 1 if before else 1
        new = Delivery(slice, source, seq, received.astimezone(UTC), origin, fresh, streams=ends)
        if before and (not fresh or new.hash == before[-1].hash):
            return replace(before[-1], repeated=True)
        if _write(state, new):
            return new


def deliveries(state: Path, slice: Slice, source: str) -> list[Delivery]:
    """All deliveries of a source in the order they came. Raises Stop when a manifest is damaged."""
    return [_read(path, slice, source) for path in sorted(source_folder(state, slice, source).glob("[0-9]*.json"))]


def _keep(state: Path, district: str, file: Piece, last: LandedFile | None) -> LandedFile:
    # A night on which nothing changed reads each file once and writes nothing. A piece that tells where its stream
    # goes on comes over a wire: it is not read twice.
    if last is not None and file.position is None and digest(file) == last.sha256:
        return last
    sha256, size = keep(state, district, file)
    return LandedFile(file.name, sha256, size, stream=file.stream)


def _write(state: Path, delivery: Delivery) -> bool:
    """False when another process has taken this number: a link, unlike a rename, never replaces."""
    folder = source_folder(state, delivery.slice, delivery.source)
    body = {
        "seq": delivery.seq,
        "received": delivery.received.isoformat(),
        "origin": delivery.origin,
        "hash": delivery.hash,
        "files": [asdict(file) for file in delivery.files],
        "streams": [asdict(end) for end in delivery.streams.values()],
    }
    try:
        settle(state, delivery.slice.district, [file.sha256 for file in delivery.files])
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".partial-", dir=folder)
        try:
            with open(handle, "w", encoding="utf-8") as out:
                json.dump(body, out, indent=1)
                out.flush()
                os.fsync(out.fileno())
            os.link(temporary, folder / f"{delivery.seq:06}.json")
            sync(folder, folder.parent, folder.parent.parent)
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
        ends = {end["stream"]: StreamEnd(**end) for end in body.get("streams", ())}
        return Delivery(slice, source, body["seq"], received, body["origin"], files, streams=ends)
    except (ValueError, KeyError, TypeError):
        raise Stop(f"The manifest {path} is damaged.", "Restore the landing folder from the backup.") from None


def districts(state: Path) -> set[str]:
    """Ids of the districts of which anything was ever landed."""
    return {path.name for path in (state / "landing").glob("*") if path.is_dir()}


def origins(state: Path, district: str) -> set[tuple[str, str]]:
    """(source, origin) of the newest delivery of each source and school year of a district."""
    folders = [path for path in (state / "landing" / district).glob("[0-9][0-9][0-9][0-9]/*") if path.is_dir()]
    chains = (deliveries(state, Slice(district, int(path.parent.name)), path.name) for path in folders)
    return {(chain[-1].source, chain[-1].origin) for chain in chains if chain}
