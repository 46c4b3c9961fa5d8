"""What the bytes of a CSV file say before it is parsed: encoding, NULs and line ends. One pass in bounded memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hub.standards.reading.line_ends import whole_chunks
from hub.standards.reading.wide_records import is_crowded
from hub.standards.validation.profiles import Judge

BOM = b"\xef\xbb\xbf"
_COMMA = ord(",")


@dataclass(frozen=True)
class Bytes:
    """Counts over the whole file."""

    bare: int  # carriage returns without a line feed
    pairs: int  # carriage return and line feed
    feeds: int  # line feeds without a carriage return, counted only where there is a carriage return
    nul: int
    quotes: bool  # after the header
    blank: bool  # nothing but blanks, NULs and a byte order mark
    bom: bool
    utf8: bool
    commas: int = 0  # the header's included
    crowded: bool = False  # a line has a hundred commas more than the header


def scan_bytes(path: Path) -> Bytes:
    returns = pairs = nul = 0
    blank, bom, utf8, quotes, commas, crowded, expected = True, False, True, False, 0, False, 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for number, chunk in enumerate(whole_chunks(path)):
        if number == 0:
            bom = chunk.startswith(BOM)
        quotes = quotes or b'"' in (chunk if number else chunk[max(chunk.find(b"\n"), 0) :])
        octets = np.frombuffer(chunk, np.uint8)
        signs = octets == _COMMA
        mine = int(np.count_nonzero(signs))
        expected = expected if number else chunk.partition(b"\n")[0].count(b",")
        commas += mine
        crowded = crowded or is_crowded(octets, signs, mine, expected)
        # Looking whether there is one takes a tenth of the time of counting none.
        nul += chunk.count(b"\0") if b"\0" in chunk else 0
        if b"\r" in chunk:
            returns += chunk.count(b"\r")
            pairs += chunk.count(b"\r\n")
        blank = blank and not chunk.removeprefix(BOM if number == 0 else b"").strip(b"\0\r\n\t ")
        if utf8 and not (chunk.isascii() and not decoder.getstate()[0]):
            utf8 = _decodes(decoder, chunk)
    utf8 = utf8 and _decodes(decoder, b"", final=True)
    feeds = sum(chunk.count(b"\n") for chunk in whole_chunks(path)) - pairs if returns else 0
    return Bytes(returns - pairs, pairs, feeds, nul, quotes, blank, bom, utf8, commas, crowded)


def count_lines(path: Path) -> int:
    """Lines of a file, a last one without an end included. A lone carriage return ends one where nothing else does."""
    feeds = returns = 0
    last = b""
    for chunk in whole_chunks(path):
        feeds += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        last = chunk[-1:]
    return (feeds or returns) + (last not in (b"\n", b"\r", b""))


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def judge_bytes(judge: Judge, name: str, path: Path, found: Bytes, out: Path) -> Path:
    """Judges NULs, byte order mark and line ends; returns the file to parse: itself, or a mended copy at `out`.

    Rows keep their numbers in the copy: a carriage return inside a line is a space there (RFC 4180, section 2).
    """
    if found.bom:
        judge.find("oneroster.csv.byte_order_mark", name)
    if found.nul:
        _place(judge, "oneroster.csv.encoding", name, path, rb"\0", found.nul)
    fed = found.pairs or found.feeds  # else carriage returns are what ends the records
    if found.bare and not fed:
        judge.find("oneroster.csv.carriage_return_ends", name)
    elif found.bare:
        _place(judge, "oneroster.csv.bare_carriage_return", name, path, rb"\r(?!\n)", found.bare)
    mixed = min(found.pairs, found.feeds)
    if mixed:
        rarer = rb"\r\n" if found.pairs <= found.feeds else rb"(?<!\r)\n"
        _place(judge, "oneroster.csv.mixed_line_ends", name, path, rarer, mixed)
    if not (found.nul or mixed or (found.bare and fed)):
        return path
    return mended(path, out)


def _place(judge: Judge, rule: str, name: str, path: Path, pattern: bytes, count: int) -> None:
    rows = []
    for row in _rows_of(path, pattern):
        rows.append(row)
        if len(rows) >= judge.max_per_rule:
            break
    judge.find(rule, name, "", rows or (None,), count)


def _rows_of(path: Path, pattern: bytes) -> Iterator[int | None]:
    """The record numbers at which `pattern` stands; None in the header."""
    search = re.compile(pattern)
    line = 0
    for chunk in whole_chunks(path):
        start = 0
        for match in search.finditer(chunk):
            line += chunk.count(b"\n", start, match.start())
            start = match.start()
            yield line or None
        line += chunk.count(b"\n", start)


def mended(path: Path, out: Path) -> Path:
    """A copy with line feeds alone and without NULs."""
    with out.open("wb") as copy:
        for chunk in whole_chunks(path):
            copy.write(chunk.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\0", b" "))
    return out
