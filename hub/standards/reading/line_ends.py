"""Line ends of two kinds in one file, which the parser of CSV does not take: the file again, with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hub.standards.reading.wide_records import CHUNK


def whole_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, no chunk ending between a carriage return and its line feed."""
    held = b""
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            whole = held + chunk if held else chunk
            held = b"\r" if whole.endswith(b"\r") else b""
            yield whole[:-1] if held else whole
    if held:
        yield held


def mixed_line_ends(path: Path) -> int:
    """How many line ends are of the rarer kind: with a carriage return before the line feed, or without."""
    feeds = pairs = 0
    for chunk in whole_chunks(path):
        feeds += chunk.count(b"\n")
        pairs += chunk.count(b"\r\n")
    return min(pairs, feeds - pairs)


def with_line_feeds(path: Path, out: Path) -> Path:
    """A copy whose lines all end with a line feed alone."""
    with out.open("wb") as copy:
        for chunk in whole_chunks(path):
            copy.write(chunk.replace(b"\r\n", b"\n"))
    return out
