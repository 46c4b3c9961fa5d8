"""JSON and JSON Lines as a stream of values in bounded memory: an array, one value, or one value per line."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20
VALUE_LIMIT = 64 << 20


@dataclass(frozen=True)
class Value:
    """One value of a file, or None and `fault`: "json", "too_large" or "empty". `line` is that of its begin."""

    value: Any
    line: int | None
    fault: str = ""


def values(path: Path, lines: bool) -> Iterator[Value]:
    """Every value of a file; with `lines`, a line that is no JSON does not end the reading."""
    if not path.stat().st_size:
        yield Value(None, None, "empty")
        return
    yield from _lines(path) if lines else _stream(path)


def _lines(path: Path) -> Iterator[Value]:
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(VALUE_LIMIT + 1):
            number += 1
            if len(raw) > VALUE_LIMIT:
                yield Value(None, number, "too_large")
                return
            if not raw.strip(b"\xef\xbb\xbf \t\r\n"):
                continue
            try:
                yield Value(_DECODER.decode(raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()), number)
            except (ValueError, RecursionError):
                yield Value(None, number, "json")


def _refuse(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are no JSON


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _stream(path: Path) -> Iterator[Value]:
    decode = codecs.getincrementaldecoder("utf-8-sig")()
    text, line, array, ended, wanted = "", 1, None, False, 0
    with path.open("rb") as file:
        while True:
            try:
                raw = file.read(max(_CHUNK, wanted))
                text += decode.decode(raw, final=not raw)
            except UnicodeDecodeError:
                yield Value(None, line, "json")
                return
            while True:
                rest = text.lstrip(" \t\r\n" + ("," if array else ""))
                line += text[: len(text) - len(rest)].count("\n")
                text = rest
                if not text:
                    break
                if array is None:
                    array = text[0] == "["
                    if array:
                        text = text[1:]
                        continue
                if array and text[0] == "]":
                    array, text, ended = False, text[1:], True
                    continue
                if ended:
                    yield Value(None, line, "json")
                    return
                try:
                    value, end = _DECODER.raw_decode(text)
                except RecursionError:
                    yield Value(None, line, "json")
                    return
                except ValueError:
                    break
                if not array and isinstance(value, int | float) and end == len(text) and raw:
                    break  # a number may go on
                yield Value(value, line)
                line += text[:end].count("\n")
                text, wanted = text[end:], 0
            if len(text) > VALUE_LIMIT:
                yield Value(None, line, "too_large")
                return
            wanted = len(text)  # what is not whole yet is tried again at twice the length
            if not raw:
                if text or array:
                    yield Value(None, line, "json")
                return
