"""Records with more fields than the header: far too many cost a minute, and blank ones behind vanish without a word."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hub.engine import scratch

CHUNK = 256 << 10  # bytes; stays in the cache for all that is counted in it
_SPARE = 100  # fields too many that are left to the parser
_CROWD = 1000  # delimiters too many in a chunk, from which on its lines are looked at
_LINE = 16_000_000  # characters of a line that are looked at together
_FEED, _RETURN = b"\n\r"
Octets = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Delimiters:
    """`total` over the whole file; `crowded`: some line has a hundred more than its header."""

    total: int
    crowded: bool


def count_delimiters(path: Path, width: int, delimiter: str) -> Delimiters:
    """One pass in bounded memory over a UTF-8 file whose header has `width` fields."""
    sign = delimiter.encode()
    total, crowded = 0, False
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            if len(sign) > 1:
                chunk = chunk.replace(b"\x1f", b" ").replace(sign, b"\x1f")
            octets = np.frombuffer(chunk, np.uint8)
            signs = octets == (sign[0] if len(sign) == 1 else 0x1F)
            mine = int(np.count_nonzero(signs))
            total += mine
            crowded = crowded or is_crowded(octets, signs, mine, width - 1)
    return Delimiters(total, crowded)


def is_crowded(octets: Octets, signs: Octets, count: int, expected: int) -> bool:
    """Whether a line of a chunk has a hundred delimiters more than `expected`; `signs` tells where all `count` stand.

    A line is cut where its chunk ends: one of sixty thousand fields still stands out in the part that it fills.
    """
    feeds = octets == _FEED
    lines = int(np.count_nonzero(feeds))
    if count - expected * (1 + lines) <= _CROWD:
        return False
    begins = np.flatnonzero(feeds if lines else octets == _RETURN)
    return int(np.add.reduceat(signs, np.insert(begins, 0, 0), dtype=np.int32).max()) > expected + _SPARE


@contextmanager
def bearable(con: Any, path: Path, width: int, words: dict[str, Any]) -> Iterator[tuple[Path, int]]:
    """The file for the parser to read, and how many delimiters it has; `words` is its dialect."""
    found = count_delimiters(path, width, words["delimiter"])
    if not found.crowded:
        yield path, found.total
        return
    with scratch(con) as folder:
        yield narrowed(path, width, folder / "narrow", words["delimiter"], words["quote"], words["escape"]), found.total


def narrowed(path: Path, width: int, out: Path, delimiter: str = ",", quote: str = '"', escape: str = '"') -> Path:
    """A copy in which a line with more than a hundred fields too many has one too many, its digest the first of them.

    DuckDB keeps the text of a line once for each field that it has too many: 60,000 of them take a minute and 7 GB.
    Lines stay lines, and a quote that one opens or closes stays open or closed: numbers and verdicts are the same.
    """
    with path.open("rb") as file:
        end = "\n" if b"\n" in file.read(_LINE) else "\r"
    most, inside = width - 1 + _SPARE, False
    with (
        path.open(encoding="latin-1", newline=end) as lines,  # bytes as they are
        out.open("w", encoding="latin-1", newline="") as copy,
    ):
        sign, quote, escape = (w.encode().decode("latin-1") for w in (delimiter, quote, escape))
        while line := lines.readline(_LINE):
            fields, starts, opens, inside = _outside(line, sign, quote, escape, inside)
            if fields <= most or "\r" in line.rstrip("\r\n"):  # of two kinds of line ends: for the parser to refuse
                copy.write(line)
                continue
            made = line[:starts] or hashlib.md5(line.encode("latin-1"), usedforsecurity=False).hexdigest()
            while not line.endswith(end) and (rest := lines.readline(_LINE)):
                _, _, opens, inside = _outside(rest, sign, quote, escape, inside)
                line = rest
            copy.write(
                made + f"{sign}x" * width + (sign + line[opens:] if inside else line[len(line.rstrip("\r\n")) :])
            )
    return out


def _outside(line: str, sign: str, quote: str, escape: str, inside: bool) -> tuple[int, int, int, bool]:
    """How many delimiters stand outside quotes, where the first of them may stand, where a quote opens that the line
    does not close, and whether one does; `inside`: the line begins in quotes."""
    if not quote or quote not in line:
        return (0, len(line), 0, True) if inside else (line.count(sign), 0, len(line), False)
    opening, rest = _patterns(sign, quote, escape)
    fields, at, first = 0, 0, 0
    if inside:
        closed = rest.match(line)
        if closed is None:
            return 0, len(line), 0, True
        at = first = closed.end()
    while opened := opening.search(line, at) if at else opening.match(line) or opening.search(line, at):
        fields += line.count(sign, at, opened.end())
        closed = rest.match(line, opened.end())
        if closed is None:
            return fields, first, opened.end() - len(quote), True
        at = closed.end()
    return fields + line.count(sign, at), first, len(line), False


@lru_cache(maxsize=64)
def _patterns(sign: str, quote: str, escape: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What opens a quoted field, and the rest of it, its closing quote included."""
    s, q, e = (re.escape(w) for w in (sign, quote, escape))
    body = f"(?:[^{q}]|{q}{q})*+{q}" if escape in ("", quote) else f"(?:[^{q}{e}]|{e}.)*+{q}"
    return re.compile(f"(?:^|{s}){q}"), re.compile(body, re.DOTALL)


def blank_fields_behind(duck: Any, path: Path, width: int, words: dict[str, Any]) -> int:
    """How many records have blank fields behind their last column, which the parser drops without a word.

    It reads the file as if it had a column more: what has fewer fields is passed over, and costs next to nothing.
    """
    from hub.standards.reading.plain_text import LINE_LIMIT

    wider = duck.read_csv(
        str(path),
        columns={f"c{i}": "VARCHAR" for i in range(width + 1)},
        auto_detect=False,
        header=words["header"],
        delimiter=words["delimiter"],
        quotechar=words["quote"],
        escapechar=words["escape"],
        ignore_errors=True,
        null_padding=False,
        strict_mode=True,
        max_line_size=LINE_LIMIT,
        encoding="utf-8",
    )
    ((count,),) = wider.filter(f"c{width} IS NULL").aggregate("count(*)").fetchall()
    return int(count)
