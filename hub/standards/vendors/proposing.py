"""A file whose name or header the vendor's folder does not know: what it is probably, for a person to confirm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hub.errors import AskVendor
from hub.model import OpenedFile, Proposal, Source, Stream
from hub.standards.reading.fingerprint import Likeness, likeness
from hub.standards.reading.streams import assign, columns_of, named
from hub.standards.specs import SCHEMAS
from hub.standards.vendors.folders import chain, documents

_FLAGS = re.compile(r"\(\?([aimsx]+)\)")


def propose(
    source: Source, files: Sequence[OpenedFile], root: Path = SCHEMAS, own: Path | None = None
) -> tuple[Proposal, ...]:
    """Of each file the streams that its header comes nearest to, where the folder must be told something to read it.

    Several for one file where it is equally near to several. A file that is read as it is has none.
    """
    return tuple(p for file in files for p in _of(source, file, root, own))


def _of(source: Source, file: OpenedFile, root: Path, own: Path | None) -> list[Proposal]:
    mine = named(source, file)
    unread = bool(assign(source, [file])[1])
    found = [(like, s) for s in ([mine] if mine else source.streams) if (like := _like(file, s))]
    best = max((like.share for like, _ in found), default=0.0)
    return [
        Proposal(
            file.name,
            stream.name,
            like.version,
            f"sources/{source.vendor}/{place(source.vendor, stream.name, root, own)[0]}",
            like.columns,
            "" if mine else widened(stream.pattern, file.name),
            like.lost,
            like.unknown,
        )
        for like, stream in found
        if like.share == best and (like.columns or like.lost or unread)
    ]


def place(vendor: str, stream: str, root: Path = SCHEMAS, own: Path | None = None) -> tuple[str, tuple[str, ...]]:
    """The document that says what a stream of the vendor is, and the keys above it in there."""
    for name, document in documents(chain(vendor, root, own)).items():
        if document.get("stream") == stream:
            return name, ()
        if stream in document.get("streams", {}) or "streams_of" in document:
            return name, ("streams", stream)
    return "source.yaml", ("streams", stream)


def widened(pattern: str, name: str) -> str:
    """The pattern of a stream and that of a file's name, whose numbers may be others."""
    flags = _FLAGS.match(pattern)
    before = f"(?{flags[1]}:{pattern[flags.end() :]})" if flags else f"(?:{pattern})"
    base = "".join(r"\d+" if part.isdigit() else re.escape(part) for part in re.split(r"(\d+)", Path(name).name))
    return f"{before}|(?i:^{base}$)"


def _like(file: OpenedFile, stream: Stream) -> Likeness | None:
    try:
        columns = columns_of(file, stream)
    except AskVendor:
        return None
    return likeness(columns, stream) if len(set(columns)) > 1 else None
