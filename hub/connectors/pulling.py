"""What a connector is asked for, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from hub.model import Slice, Stream


@dataclass(frozen=True)
class Pull:
    """What one source is asked for tonight.

    `transport` holds the vendor's words with those of hub.yaml on top. `secret(NAME, key)` reads a secret; it raises
    FixConfiguration when it is not set. `since` has the cursor of each stream that an earlier delivery left: changes
    from there on are enough; without one everything is asked for. `resume` has the position in each stream at which a
    pull was cut off, and `ended` the streams that it had whole: those are not asked for again. `slices` are all that
    hub.yaml has, with the agency id of their district: one folder may hold the files of several. With `first` the first
    page of each list is enough.
    """

    source: str
    slice: Slice
    transport: dict[str, Any]
    streams: tuple[Stream, ...] = ()
    secret: Callable[[str, str], str] = field(default=lambda name, key: "", repr=False)
    since: dict[str, Any] = field(default_factory=dict)
    resume: dict[str, Any] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    slices: dict[Slice, int] = field(default_factory=dict)
    first: bool = False


@dataclass(frozen=True)
class Left:
    """A file that is not taken tonight, and why. One that `waits` is not whole yet, nor is what it belongs to."""

    name: str
    why: str
    waits: bool = False


class Piece(Protocol):
    """One file or one page of a stream, landed before the next is asked for. `open` may be called more than once.

    `name` is its path in the landing; `size` in bytes where it is known before reading. `stream` is "" where the
    name or header tells. `position` is JSON: where its stream goes on after it, None where a pull that is cut off
    starts again.
    """

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int | None: ...
    @property
    def stream(self) -> str: ...
    @property
    def position(self) -> Any: ...
    def open(self) -> BinaryIO: ...
