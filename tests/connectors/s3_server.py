"""An S3-compatible store on loopback that believes every signature, and misbehaves on demand. A real one is in
test_s3.py: what is proved here is what the hub does with answers that no sound store gives."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.connectors.hostile import CANARY
from tests.connectors.loopback import answering

_ENTRY = "<Contents><Key>{}</Key><Size>{}</Size><ETag>&quot;same&quot;</ETag></Contents>"
_CONTROL = {chr(n): f"&#{n};" for n in (9, 10, 13)}


class Objects(ThreadingHTTPServer):
    """`objects` by key; `fault` befalls what is asked from now on: a status, or a word of `_Store`."""

    daemon_threads = True
    objects: dict[str, bytes]
    fault: Any = ""
    asked: int = 0

    def handle_error(self, *_: Any) -> None:
        """A client that has heard enough hangs up."""


class _Store(BaseHTTPRequestHandler):
    server: Objects
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        body = self.server.objects.get(self._key())
        self._say(b"" if body is None else body, 404 if body is None else 200)

    def do_GET(self) -> None:
        self.server.asked += 1
        fault, query = self.server.fault, parse_qs(urlsplit(self.path).query)
        listing = "list-type" in query
        if isinstance(fault, int):
            code = {403: "AccessDenied", 429: "SlowDown"}.get(fault, "InternalError")
            return self._say(f"<Error><Code>{code}</Code><Message>{CANARY}</Message></Error>".encode(), fault)
        if fault == "slow":
            time.sleep(0.3)
        if fault == "html":
            return self._say(f"<html>Welcome back, {CANARY}</html>".encode(), 200, "text/html")
        if fault == "error" and listing:
            return self._say(f"<Error><Code>InternalError</Code><Message>{CANARY}</Message></Error>".encode(), 200)
        if listing:
            return self._say(self._listed(query.get("prefix", [""])[0]), 200, "application/xml")
        body = self.server.objects.get(self._key())
        if body is None:
            return self._say(b"<Error><Code>NoSuchKey</Code></Error>", 404)
        if "Range" in self.headers:
            start, _, end = self.headers["Range"][6:].partition("-")
            body = body[int(start) : int(end) + 1]
        return self._say(body, 206 if "Range" in self.headers else 200, cut=fault == "cut")

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).partition("/drop/")[2]

    def _listed(self, prefix: str) -> bytes:
        more = {"more": 7, "less": -7}.get(self.server.fault, 0)
        found = [(k, len(v) + more) for k, v in sorted(self.server.objects.items()) if k.startswith(prefix)]
        entries = "".join(_ENTRY.format(escape(key, _CONTROL), size) for key, size in found)
        return (
            f"<?xml version='1.0'?><ListBucketResult><Name>drop</Name>"
            f"<KeyCount>{len(found)}</KeyCount><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
        ).encode()

    def _say(self, body: bytes, status: int = 200, kind: str = "binary/octet-stream", cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("ETag", '"same"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut


@contextmanager
def storing() -> Iterator[Objects]:
    server = Objects(("127.0.0.1", 0), _Store)
    server.objects = {}
    with answering(server):
        yield server
