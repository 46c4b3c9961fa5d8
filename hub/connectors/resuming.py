"""A file on the other side, read from its start to its end over connections that may be cut."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any, Protocol


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class Resuming(io.RawIOBase):
    """Reads what `open_at(offset)` gives; where that breaks with one of `cuts`, it is opened again at the byte that
    it had come to. Three times without a byte in between, and the error goes on to who reads.
    """

    def __init__(self, open_at: Callable[[int], Readable], cuts: tuple[type[BaseException], ...], size: int | None):
        self._open_at, self._cuts, self._size = open_at, cuts, size
        self._at, self._failed = 0, 0
        self._now: Readable | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            try:
                if self._now is None:
                    self._now = self._open_at(self._at)
                data = self._now.read(len(buffer))
                if not data and self._size is not None and self._at < self._size:
                    raise EOFError
            except self._cuts as error:
                self._drop()
                self._failed += 1
                if self._failed > 3 or isinstance(error, FileNotFoundError | PermissionError):
                    raise
                continue
            self._at, self._failed = self._at + len(data), 0
            buffer[: len(data)] = data
            return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _drop(self) -> None:
        now, self._now = self._now, None
        if now is not None:
            with contextlib.suppress(Exception):  # it is broken already
                now.close()
