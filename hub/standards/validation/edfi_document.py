"""An interchange document as batches of whole records: parsed once, in bounded memory, with a line for every record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from lxml import etree

from hub.standards.reading.xml_document import hardened_parser, local_name

CHUNK = 1 << 20
_ATTRIBUTE = re.compile(rb"=\s*[\"']")
_ASCII = ("UTF-8", "US-ASCII", "ASCII", "ISO-8859-1", "ISO-8859-15", "WINDOWS-1252")
RECORD_LIMIT = 64 << 20
_OPENING_LIMIT = 1 << 20

Element: TypeAlias = Any


class Unreadable(Exception):
    """Reading ends here: `rule` says why, `line` where. Raised after the records before it were given."""

    def __init__(self, rule: str, line: int | None = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.line = line


@dataclass(frozen=True)
class Batch:
    """Some whole records under their root, which is emptied when the next batch is asked for.

    `before`: how many records came earlier. `lines`: the source line of each record. `attributes`: an element of this
    batch or an earlier one may have one (False is certain).
    """

    root: Element
    before: int
    lines: list[int]
    attributes: bool


def opening(path: Path) -> Element:
    """The root element as it stands when it has just started.

    Raises Unreadable: an empty file, one that is not XML, a DOCTYPE.
    """
    if not path.stat().st_size:
        raise Unreadable("edfi.syntax.empty")
    parser = etree.XMLPullParser(events=("start",), resolve_entities=False, no_network=True, load_dtd=False)
    with path.open("rb") as file:
        for _ in range(_OPENING_LIMIT // 4096):
            fault = None
            try:
                parser.feed(file.read(4096) or b" ")
            except etree.XMLSyntaxError as met:
                fault = met
            for _, root in parser.read_events():
                if root.getroottree().docinfo.internalDTD is not None:
                    raise Unreadable("edfi.syntax.doctype", 1)
                return root  # what is wrong further on is met when the records are read
            if fault is not None:
                raise Unreadable("edfi.syntax.malformed", fault.lineno or 1)
    raise Unreadable("edfi.syntax.malformed", 1)


def batches(path: Path, tag: str) -> Iterator[Batch]:
    """Every record of a document whose root has this tag. A record over 64 MiB or a syntax fault raises Unreadable."""
    parser = hardened_parser(tag, remove_blank_text=True)
    root, before, pending, rest, attributes = None, 0, 0, b"", False
    fault: etree.XMLSyntaxError | None = None
    with path.open("rb") as file:
        while True:
            read = file.read(CHUNK)
            # Cut behind a tag: whether white space is content is decided by what follows it.
            data = rest + read
            cut = data.rfind(b">") + 1 if read else len(data)
            data, rest = (data[:cut], data[cut:]) if cut else (data, b"")
            try:
                parser.feed(data)
                if not read:
                    parser.close()
            except etree.XMLSyntaxError as met:
                fault = met
            for _, element in parser.read_events():
                root = element if root is None else root
            if root is None:
                if fault is not None or not read:
                    break
                continue  # cut in the middle of a letter of two bytes
            attributes = attributes or _attributes(data, root, first=not pending and not before)
            pending += len(data)
            last = root[-1] if len(root) and (read or fault) else None
            if len(root) > (last is not None):
                pending = 0
                if last is not None:
                    root.remove(last)
                lines = [record.sourceline for record in root]
                yield Batch(root, before, lines, attributes)
                before += len(lines)
                del root[:]
                if last is not None:
                    root.append(last)
            if fault is not None or not read:
                break
            if pending > RECORD_LIMIT:
                raise Unreadable("edfi.syntax.record_too_large", last.sourceline if last is not None else 1)
    if fault is not None:
        raise Unreadable("edfi.syntax.malformed", fault.lineno or 1)
    if root is not None and not before:
        yield Batch(root, 0, [], False)


def _attributes(data: bytes, root: Element, first: bool) -> bool:
    """Whether an element of this piece of the document, its root aside, may have an attribute."""
    if (root.getroottree().docinfo.encoding or "UTF-8").upper() not in _ASCII:
        return True
    after = data.find(b">", data.find(local_name(root).encode())) if first else 0
    return _ATTRIBUTE.search(data, max(after, 0)) is not None
