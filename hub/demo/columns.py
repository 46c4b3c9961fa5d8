"""Columns out of row numbers: every value is a function of (key, row number), so any night can be made alone.

Nothing here keeps a state, so the same plan, seed and night always give the same bytes on any machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]


def words(line: str) -> tuple[str, ...]:
    """The words of a line; `Name{1..3}` stands for Name1 Name2 Name3."""
    names: list[str] = []
    for word in line.split():
        start, _, span = word.rstrip("}").partition("{")
        first, _, last = span.partition("..")
        names += [f"{start}{n}" for n in range(int(first), int(last) + 1)] if span else [word]
    return tuple(names)


def draw(key: str, rows: Ints) -> Words:
    """64 even bits for each row number: SplitMix64 started at a digest of `key`. One to one within a key."""
    start = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")
    z = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def below(key: str, rows: Ints, limit: int | Ints) -> Ints:
    """An integer from 0 to `limit` - 1 for each row number."""
    return ((draw(key, rows) >> np.uint64(1)).astype(np.int64)) % limit


def shuffled(key: str, count: int) -> Ints:
    """The numbers 0 to `count` - 1 in an order of their own."""
    return np.argsort(draw(key, np.arange(count)), kind="stable").astype(np.int64)


def opaque(key: str, rows: Ints) -> pa.Array:
    """Ids of 16 hexadecimal digits, distinct within a key."""
    raw = draw(key, rows).astype(">u8").tobytes().hex().encode()
    return pa.array(np.frombuffer(raw, dtype="S16"), pa.binary()).cast(pa.string())


def choose(words: Sequence[str | None], numbers: Ints) -> pa.Array:
    """`words[number]` for each number."""
    return pa.array(words, pa.string()).take(pa.array(numbers))


def text(*parts: Any) -> pa.Array:
    """Arrays and constants written one after the other; null where a part is null."""
    arrays = [part if isinstance(part, str) else _string(part) for part in parts]
    return pc.binary_join_element_wise(*arrays, "")


def _string(part: Any) -> pa.Array:
    return (part if isinstance(part, pa.Array | pa.ChunkedArray) else pa.array(part)).cast(pa.string())


def padded(numbers: Ints, width: int) -> pa.Array:
    """Decimal digits with leading zeros."""
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def where(mask: NDArray[np.bool_], yes: Any, no: Any = None) -> pa.Array:
    """`yes` on the rows of the mask, elsewhere `no` (or null)."""
    return pc.if_else(pa.array(mask), yes, pa.scalar(None, pa.string()) if no is None else no)


def dates(start: date, days: Ints) -> pa.Array:
    """Calendar dates, `days` after `start`."""
    return pa.array(np.datetime64(start, "D") + days.astype("timedelta64[D]"))


def american(column: pa.Array, zeros: bool = True) -> pa.Array:
    """Dates as MM/DD/YYYY, or M/D/YYYY without the leading zeros."""
    written = pc.strftime(column, "%m/%d/%Y")
    return written if zeros else pc.replace_substring_regex(written, r"\b0", "")


def table(header: Sequence[str], rows: int, /, **columns: Any) -> pa.Table:
    """A table in the header's order: a constant fills its column, a column not given is blank."""
    unknown = set(columns) - set(header)
    if unknown:
        raise KeyError(f"not in the layout: {sorted(unknown)}")
    return pa.table([_column(columns.get(name), rows) for name in header], names=list(header))


def _column(value: Any, rows: int) -> pa.Array:
    if value is None:
        return pa.nulls(rows, pa.string())
    if isinstance(value, str | bool | int | float | date):
        return pa.repeat(pa.scalar(value), rows)
    return value if isinstance(value, pa.Array | pa.ChunkedArray) else pa.array(value)
