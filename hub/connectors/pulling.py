"""What a connector is asked for, and what it gives."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, BinaryIO
from urllib.parse import urlsplit

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

    def address(self, key: str) -> str:
        """`path` or `url` of the transport, `{year}` in it the slice's year."""
        return str(self.transport[key]).replace("{year}", str(self.slice.year))


def is_open_line(url: str) -> bool:
    """Whether others could read along: no TLS, and not to this machine."""
    parts = urlsplit(url)
    return parts.scheme != "https" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Left:
    """A file that is not taken tonight, and why. One that `waits` is not whole yet, nor is what it belongs to."""

    name: str
    why: str
    waits: bool = False


@dataclass(frozen=True)
class Page:
    """One answer, verbatim: a `Piece` that is in memory."""

    name: str
    body: bytes
    stream: str
    position: Any

    @property
    def size(self) -> int:
        return len(self.body)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.body)
