"""Transports: bytes in. One module per kind and one line here; none knows what a column means."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from hub.connectors.pulling import Left, Pull
from hub.errors import FixConfiguration
from hub.model import Piece, StreamAgain, StreamEnd

__all__ = ["fetch", "kind_of", "Left", "Pull"]

#: Kind, as `transport: {kind: ...}` of a vendor or the scheme of `path` names it -> the module that has `fetch`.
_MODULES = {
    "file": "hub.connectors.files",
    "download": "hub.connectors.download",
    "edfi": "hub.connectors.edfi",
    "google-api": "hub.connectors.google_api",
    "http": "hub.connectors.http",
    "s3": "hub.connectors.s3",
    "sftp": "hub.connectors.sftp",
    "sql": "hub.connectors.sql",
}
#: Kinds that go through no proxy and take no certificate from hub.yaml: they say so rather than go round it.
_DIRECT = {"file": "no connection is made", "sftp": "SSH knows its server by `auth: {host_key: ...}`",
           "sql": "the database's address says how it is reached"}  # fmt: skip
_SCHEMES = {"": "file", "http": "download", "https": "download"}


def kind_of(transport: dict[str, Any]) -> str:
    """The kind of a transport: the vendor's own, else the scheme of the path, else `file`."""
    scheme = urlsplit(str(transport.get("path", ""))).scheme
    return str(transport.get("kind") or _SCHEMES.get(scheme, scheme))


def fetch(pull: Pull) -> Iterator[Piece | Left | StreamEnd | StreamAgain]:
    """What the source has: pieces as they come, what is left for another night, and the end of each stream that was
    asked for by name. A stream that moved while it was read says that it starts anew.

    Raises RetryLater when the other side is away or stops half-way, AskVendor when its answer can never be read,
    FixConfiguration when it cannot be asked like this.
    """
    kind = kind_of(pull.transport)
    if kind not in _MODULES:
        raise FixConfiguration(
            f"{pull.source}: there is no transport of kind {kind}.", f"Use one of {', '.join(sorted(_MODULES))}."
        )
    meant = sorted({"proxy", "tls"} & pull.transport.keys()) if kind in _DIRECT else []
    if meant:
        raise FixConfiguration(
            f"{pull.source}: a source of kind {kind} has no use for {' and '.join(meant)}: {_DIRECT[kind]}.",
            f"Leave {' and '.join(meant)} out.",
        )
    pieces: Iterator[Piece | Left | StreamEnd | StreamAgain] = import_module(_MODULES[kind]).fetch(pull)
    return pieces
