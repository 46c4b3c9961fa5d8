"""A server on loopback that answers as Google's Classroom does, and on demand as it should not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hub.connectors import google_api
from tests.connectors.loopback import answering

COURSES = [f"70{n}" for n in range(5)]
WORK = {course: [f"{course}-{n}" for n in range(3)] for course in COURSES}
SECRET = "canary-secret"


def numbered() -> dict[str, list[dict[str, Any]]]:
    """Five courses with three pieces of work each, and as many submissions."""
    lists: dict[str, list[dict[str, Any]]] = {"courses": [{"id": c} for c in COURSES]}
    for course in COURSES:
        items = [{"courseId": course, "id": work} for work in WORK[course]]
        lists |= {f"{course}/courseWork": items, f"{course}/studentSubmissions": items}
    return lists


class Google(BaseHTTPRequestHandler):
    """`server.lists` are its data. `server.wrong` maps a request's number, from 1, to what goes wrong with it; 0
    stands for all: a status, a body, "cut", or what is called before the answer."""

    server: Any

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if "token" in self.server.wrong:
            self._send(400, b'{"error": "invalid_grant"}')
        else:
            self._send(200, json.dumps({"access_token": SECRET, "expires_in": 3600, "token_type": "Bearer"}).encode())

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        number = len(self.server.asked)
        wrong = self.server.wrong.get(number, self.server.wrong.get(0))
        if callable(wrong):
            wrong()
            wrong = None
        if self.headers["Authorization"] != f"Bearer {SECRET}":
            self._send(401, b"{}")
        elif isinstance(wrong, int):
            self._send(
                wrong, b'{"error": {"code": %d, "message": "canary-body"}}' % wrong, to=getattr(self.server, "to", "")
            )
        elif wrong == "cut":
            self._send(200, b'{"courses": [', length=5000)
        elif wrong is not None:
            self._send(200, wrong)
        else:
            self._send(200, json.dumps(self._answer()).encode())

    def _answer(self) -> dict[str, Any]:
        address = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(address.query).items()}
        parts = address.path.strip("/").split("/")[2:]
        start = int(query.get("pageToken", 0))
        name = parts[-1] if parts else "courses"
        items = self.server.lists.get(f"{parts[0]}/{name}" if parts else name, [])
        more = {"nextPageToken": str(start + 2)} if start + 2 < len(items) else {}
        return {name: items[start : start + 2], **more} if items else {}

    def _send(self, status: int, body: bytes, length: int | None = None, to: str = "") -> None:
        self.send_response(status)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    server.wrong, server.asked, server.lists = {}, [], numbered()  # type: ignore[attr-defined]
    monkeypatch.setattr(google_api, "_RETRIES", 1)
    with answering(server):
        yield server


@pytest.fixture(scope="session")
def key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.private_bytes(*form).decode()


@pytest.fixture
def key_file(google: Any, key: str, tmp_path: Path) -> Path:
    """The key of a service account, as Google's console gives it out."""
    account = {"type": "service_account", "client_email": "hub@example.org", "private_key": key}
    path = tmp_path / "key.json"
    path.write_text(json.dumps({**account, "token_uri": f"{address(google)}/token"}))
    return path


def address(server: Any) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"
