"""What a pull has landed so far, so that one that was cut off goes on where it stopped."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from hub.errors import RetryLater
from hub.landing.blobs import blob_path, is_whole
from hub.model import LandedFile, Slice, StreamEnd

_STALE = timedelta(hours=12)  # what was pulled yesterday evening and what is pulled now are not one state of a source


def source_folder(state: Path, slice: Slice, source: str) -> Path:
    return state / "landing" / slice.district / str(slice.year) / source


@dataclass
class Journal:
    """The pieces and ends of streams of one pull, each a line before the next is asked for: a kill costs one piece.
    Nothing of it is forced to the disk, as a pull that a power cut ended may begin anew.
    """

    lines: TextIO
    files: dict[str, LandedFile] = field(default_factory=dict)
    positions: dict[str, Any] = field(default_factory=dict)
    ends: dict[str, StreamEnd] = field(default_factory=dict)

    def landed(self, file: LandedFile, position: Any) -> None:
        """A piece is kept. Without a position there is nothing to go on from, and nothing is written."""
        if position is not None:
            self._write({"file": asdict(file), "position": position})
            self.positions[file.stream] = position
        self.files[file.name] = file

    def ended(self, end: StreamEnd) -> None:
        self._write({"end": asdict(end)})
        self.ends[end.stream] = end

    def again(self, stream: str) -> None:
        """What the stream has so far does not count."""
        self._write({"again": stream})
        self._drop(stream)

    def _drop(self, stream: str) -> None:
        self.positions.pop(stream, None)
        self.files = {name: file for name, file in self.files.items() if file.stream != stream}

    def forget(self) -> None:
        """The delivery has its manifest: the next pull starts anew."""
        self.lines.truncate(0)

    def _write(self, line: dict[str, Any]) -> None:
        self.lines.write(json.dumps(line) + "\n")
        self.lines.flush()


@contextmanager
def journal(state: Path, slice: Slice, source: str, asked: str, now: datetime) -> Iterator[Journal]:
    """The journal of a source, with what an unfinished pull left that asked for the same within twelve hours.

    `asked` names what is asked for. Raises RetryLater when another process pulls this source.
    """
    folder = source_folder(state, slice, source)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "pull.jsonl").open("a+", encoding="utf-8") as lines:
        try:
            fcntl.flock(lines, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RetryLater(
                f"{source}: another process pulls this source now.", "Let it end; the next sync takes what it landed."
            ) from None
        found = Journal(lines)
        if not _taken_up(found, asked, now) or not _all_whole(found, state, slice.district):
            lines.truncate(0)
            found = Journal(lines)
            found._write({"asked": asked, "started": now.isoformat()})
        yield found


def _taken_up(found: Journal, asked: str, now: datetime) -> bool:
    found.lines.seek(0)
    whole = [line for line in found.lines.read().splitlines(keepends=True) if line.endswith("\n")]
    if not whole:
        return False
    try:
        head, *rest = map(json.loads, whole)
    except ValueError:  # a power cut
        return False
    if head["asked"] != asked or not timedelta() <= now - datetime.fromisoformat(head["started"]) < _STALE:
        return False
    found.lines.seek(0)
    found.lines.truncate(len("".join(whole).encode()))
    for line in rest:
        if "end" in line:
            end = StreamEnd(**line["end"])
            found.ends[end.stream] = end
        elif "again" in line:
            found._drop(line["again"])
        else:
            file = LandedFile(**line["file"])
            found.files[file.name] = file
            found.positions[file.stream] = line["position"]
    return True


def _all_whole(found: Journal, state: Path, district: str) -> bool:
    blobs = ((blob_path(state, district, file.sha256), file) for file in found.files.values())
    return all(is_whole(blob, file.sha256, file.size) for blob, file in blobs)
