"""A large XML document as a stream of its records, in bounded memory, without entities, DTD or network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lxml import etree

from hub.errors import AskVendor
from hub.standards.shapes import versions

_CHUNK = 1 << 20
_OPENING, _OPENING_LIMIT = 1 << 12, 1 << 20
_RECORD_LIMIT = 64 << 20
_NAMESPACE = re.compile(r"http://ed-fi\.org/([0-9]+(?:\.[0-9]+)*)", re.ASCII)
_JSON = (".json", ".jsonl", ".ndjson")


def hardened_parser(tag: str, *, remove_blank_text: bool = False) -> etree.XMLPullParser:
    """A pull parser for untrusted documents: no entities, no DTD, no network, no huge trees."""
    return etree.XMLPullParser(
        events=("start",),
        tag=tag,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=remove_blank_text,
    )


def _opening(path: Path) -> Any:
    """The root element as it stands when it has just started."""
    parser = hardened_parser("*")
    with path.open("rb") as file:
        for _ in range(_OPENING_LIMIT // _OPENING):
            fault = None
            try:
                parser.feed(file.read(_OPENING) or b" ")
            except etree.XMLSyntaxError as met:
                fault = met
            for _, root in parser.read_events():
                return root  # what is wrong further on is met when the records are read
            if fault is not None:
                raise fault
    raise AskVendor(
        f"{path.name}: no root element in the first MiB (rule xml.malformed).", "Send an Ed-Fi interchange document."
    )


def local_name(element: Any) -> str:
    """An element's name without its namespace; QName of lxml raises for a prefix that is not declared."""
    return str(element.tag).rpartition("}")[2]


def namespace_of(tag: Any) -> str:
    return str(tag)[1:].rpartition("}")[0]


def form(path: Path, name: str) -> str:
    """xml or json, by the file's name, else by how it begins; "" where it is neither.

    Under the name of something else, such as an .xsd, only an interchange is a document.
    """
    if name.lower().endswith(".xml"):
        return "xml"
    if name.lower().endswith(_JSON):
        return "json"
    with path.open("rb") as file:
        head = file.read(4000).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if head[:1] == b"<":
        return "xml" if b"Interchange" in head or not Path(name).suffix else ""
    return "json" if head[:1] in (b"{", b"[") else ""


def version_of(namespace: str) -> str | None:
    """The version of the hub's specs that documents of a namespace are read by: their own, else the newest of the same
    major version. None where there is none."""
    said = _NAMESPACE.fullmatch(namespace)
    parts = said[1].split(".") if said else [""]
    near = [v for v in versions() if v.split(".")[0] == parts[0]]
    own = ".".join(parts[:2])
    return own if own in near else near[-1] if near else None


def opened(path: Path) -> str:
    """The tag of the root of a document that may be read. Raises AskVendor where it may not."""
    if not path.stat().st_size:
        raise AskVendor(f"{path.name}: the file is empty (rule xml.malformed).", "Send an Ed-Fi interchange document.")
    with _refused(path):
        root = _opening(path)
    if root.getroottree().docinfo.internalDTD is not None:
        raise AskVendor(f"{path.name}: the document has a DOCTYPE (rule xml.entity).", "Send it without one.")
    if not local_name(root).startswith("Interchange"):
        raise AskVendor(
            f"{path.name} line {root.sourceline}: the root element is not an Ed-Fi interchange (rule file.unreadable).",
            "Send a bulk interchange document, whose root is named Interchange...",
        )
    if version_of(namespace_of(root.tag)) is None:
        raise AskVendor(
            f"{path.name} line {root.sourceline}: the namespace is not of Ed-Fi Data Standard 5.x or 6.x "
            f"(rule file.unreadable).",
            "Send the document with the namespace http://ed-fi.org/5.2.0 or http://ed-fi.org/6.1.0.",
        )
    return str(root.tag)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    # The parser's own message may quote the text it stumbled over.
    try:
        yield
    except etree.XMLSyntaxError as fault:
        raise AskVendor(
            f"{path.name} line {fault.lineno or 1}: the document is not well-formed XML (rule xml.malformed).",
            "Write it with an XML library and check it against the interchange XSD before sending.",
        ) from None


def records(path: Path, tag: str) -> Iterator[Any]:
    """Every child of the root once it is complete; it is forgotten when the next chunk is read."""
    parser, root, pending = hardened_parser(tag), None, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            with _refused(path):
                parser.feed(chunk)
            for _, element in parser.read_events():
                root = element if root is None else root
            if root is None or len(root) < 2:
                pending += _CHUNK
                if pending > _RECORD_LIMIT:
                    line = root[0].sourceline if root is not None and len(root) else 1
                    raise AskVendor(
                        f"{path.name} line {line}: one record is over 64 MiB (rule xml.malformed).",
                        "Send one record per thing.",
                    )
                continue
            pending = 0
            # The last child may be incomplete.
            done = root[:-1]
            yield from done
            del root[: len(done)]
        with _refused(path):
            parser.close()
    yield from root[:] if root is not None else ()
