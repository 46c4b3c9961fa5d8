"""Records that the parser of CSV cannot bear: far too many fields, two torn quotes; and the blank fields it drops."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
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
    """A copy in which a record that the parser cannot bear stands as a short one that it refuses alike.

    DuckDB keeps the text of a record once for each field that it has too many (60,000 of them take a minute and 7 GB),
    and after the second of two torn quotes in a record it counts fields from 1 again, and takes what follows as a row.
    Of a hundred fields too many one is left, of many torn quotes one, and the digest of the record is its first field:
    numbers and verdicts are the same, an open quote that runs over line ends still does. Raises
    duckdb.InvalidInputException where a record has torn quotes and line ends of two kinds.
    """
    with path.open("rb") as file:
        first = re.search(rb"\r?\n|\r", file.read(_LINE))
    end = first.group().decode() if first else "\n"
    other = "\n" if end == "\r" else "\r"
    sign, quote, escape = (w.encode().decode("latin-1") for w in (delimiter, quote, escape))
    most = width - 1 + _SPARE
    with path.open(encoding="latin-1", newline=end[-1]) as lines, out.open("wb") as copy:  # bytes as they are
        inside = False
        while line := lines.readline(_LINE):
            begins, digest = copy.tell(), hashlib.md5(usedforsecurity=False)
            fields, torn, spans, ending, mixed = 0, 0, "", "", False
            while line:
                octets = line.encode("latin-1")
                copy.write(octets)
                digest.update(octets)
                more, broken, inside = _outside(line, sign, quote, escape, inside)
                text = line.rstrip("\r\n")
                ending, fields, torn, mixed = line[len(text) :], fields + more, torn + broken, mixed or other in text
                if not inside and line.endswith(end):
                    break
                spans, mixed = spans or ending, mixed or (not inside and bool(ending))
                line = lines.readline(_LINE)
            torn += inside  # at the end of the file
            if mixed and torn:  # no line end behind a torn quote is known to be a field's
                raise duckdb.InvalidInputException("torn quotes, and line ends of two kinds")
            if torn > 1 or (fields > most and not (mixed and other == "\r")):  # else for the parser to refuse
                copy.seek(begins)
                copy.truncate()
                made = f"{quote}{digest.hexdigest()}{spans}{quote}x" if torn else f"{digest.hexdigest()}{sign}x"
                made += f"{sign}x" * (width - 1)
                copy.write((made + ending).encode("latin-1"))
    return out


def _outside(line: str, sign: str, quote: str, escape: str, inside: bool) -> tuple[int, int, bool]:
    """How many delimiters stand outside quotes, how many quotes close before their field ends, and whether one is open
    at the end; `inside`: the line begins in quotes."""
    if not quote or quote not in line:
        return (0, 0, True) if inside else (line.count(sign), 0, False)
    opening, rest, ending = _patterns(sign, quote, escape)
    fields, torn, at = 0, 0, 0
    while True:
        if not inside:
            opened = opening.search(line, at)
            if opened is None:
                return fields + line.count(sign, at), torn, False
            fields += line.count(sign, at, opened.end())
            at = opened.end()
        closed = rest.match(line, at)
        if closed is None:
            return fields, torn, True
        at, inside = closed.end(), False
        torn += ending.match(line, at) is None


@lru_cache(maxsize=64)
def _patterns(sign: str, quote: str, escape: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What opens a quoted field, the rest of it, its closing quote included, and what may stand behind that."""
    s, q, e = (re.escape(w) for w in (sign, quote, escape))
    plain = f"[^{q}]|{q}{q}" if escape in ("", quote) else f"[^{q}{e}]|{e}."
    body = f"(?:{plain}|{q} +{q})*+{q}"  # the parser goes on with a field that opens again after blanks
    return re.compile(f"(?:^|{s}){q}"), re.compile(body, re.DOTALL), re.compile(rf" *(?:{s}|[\r\n]|\Z)")


def is_garbled(con: Any) -> bool:
    """Whether the parser, in what it has just refused, met two torn quotes in one record: rows behind may be none."""
    errors = con.table("reject_errors")
    torn = errors.filter(errors["error_type"].cast("string") == "UNQUOTED VALUE").group_by("line").count()
    return bool(con.execute((torn[torn.columns[-1]] > 1).any().fill_null(False)))


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
