"""Which standard a feed speaks: by the names of its files, else by how they begin. Content is never guessed further."""

from __future__ import annotations

import csv
from typing import Literal

from hub.errors import AskVendor
from hub.standards.oneroster_layout import layouts
from hub.standards.validation.archive import Feed, SentFile
from hub.standards.validation.oneroster_payloads import speaks_oneroster

HEADER_LIMIT = 4_000_000  # bytes: 2,000 columns with long names take 0.2 MB
_JSON = (".json", ".jsonl", ".ndjson")


def recognise(feed: Feed) -> Literal["OneRoster", "Ed-Fi"]:
    """Raises AskVendor when no file is one of a standard."""
    known = {"manifest.csv", *(f.csv.casefold() for v in ("1.1", "1.2") for f in layouts(v).values())}
    if any(f.base.casefold() in known for f in feed.files):
        return "OneRoster"
    if any(is_json(f) and speaks_oneroster(f) for f in feed.files):
        return "OneRoster"
    if any(f.base.lower().endswith((".xml", *_JSON)) for f in feed.files):
        return "Ed-Fi"
    if any("sourcedid" in (c.strip().casefold() for c in header_of(f) or ()) for f in feed.files):
        return "OneRoster"
    if any(_begins(f) in (b"<", b"{", b"[") for f in feed.files):
        return "Ed-Fi"
    packed = next((f for f in feed.files if f.base.lower().endswith(".gz")), None)
    if packed is not None:
        raise AskVendor(f"{packed.name} is packed with gzip.", "Unpack it (gunzip), or send a zip of the files.")
    names = ", ".join(f.name for f in feed.files[:3]) or "nothing"
    raise AskVendor(
        f"This is no feed that is known (came: {names}).",
        "Give a OneRoster package (zip, folder or CSV), OneRoster objects (JSON) or Ed-Fi documents (XML or JSON).",
    )


def is_json(file: SentFile) -> bool:
    """By the file's name, else by how it begins."""
    end = file.base.lower().rpartition(".")[2]
    return f".{end}" in _JSON or (end not in ("csv", "xml", "zip") and _begins(file) in (b"{", b"["))


def header_of(file: SentFile) -> list[str] | None:
    """The first record as text without a byte order mark, or None where there is none that can be read."""
    with file.path.open("rb") as stream:
        start = stream.read(1 << 16)
        if b"\n" not in start:
            start += stream.read(HEADER_LIMIT)
    text = start.decode("utf-8-sig", errors="replace").replace("\x00", "�")
    try:
        return next(csv.reader(text.splitlines(keepends=True)), None)
    except csv.Error:
        return None


def _begins(file: SentFile) -> bytes:
    with file.path.open("rb") as stream:
        return stream.read(1000).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
