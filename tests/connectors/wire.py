"""What stands between the hub and a server: TLS with certificates of a private authority, and a forwarding proxy."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "maple", "c@nary:proxy/word%"


class Authority:
    """A private certificate authority; `file` holds its own certificate."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Fictional authority {folder.name}")])
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        made = self._built(self._name, self._key.public_key(), 1)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = made.add_extension(usage, critical=True)
        self.file = self._written("ca", made.sign(self._key, hashes.SHA256()))

    def issue(self, host: str = "127.0.0.1", days: int = 1) -> Path:
        """A file with the certificate of a server and its key; with `days` below zero it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        made = self._built(x509.Name([]), key.public_key(), days)
        made = made.add_extension(x509.SubjectAlternativeName([name]), critical=True)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self._written(f"{host}{days}", made.sign(self._key, hashes.SHA256()), key.private_bytes(*form))

    def _built(self, subject: x509.Name, key: Any, days: int) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        known = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        made = made.add_extension(own, critical=False).add_extension(by, critical=False)
        made = made.serial_number(x509.random_serial_number())
        return made.not_valid_before(now - timedelta(days=30)).not_valid_after(now + timedelta(days=days))

    def _written(self, name: str, certificate: x509.Certificate, key: bytes = b"") -> Path:
        path = self._folder / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key)
        return path


@dataclass
class Front:
    """A TLS server in front of another port of this machine. `peers` are the ports that connected to it."""

    port: int = 0
    peers: set[int] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@dataclass
class ForwardProxy:
    """Forwards CONNECT and plain requests. With `login` it wants USER and PASSWORD; `status` is what it says instead
    of forwarding. `asked` is what it was asked (method, address), `peers` the ports from which it went on."""

    port: int = 0
    login: bool = False
    status: int = 0
    asked: list[str] = field(default_factory=list)
    peers: set[int] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def refusal(self, head: bytes) -> int:
        said = b"\r\nproxy-authorization: basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode())
        lower = head.replace(b"Basic ", b"basic ").replace(b"Proxy-Authorization:", b"proxy-authorization:")
        return self.status or (407 if self.login and said not in lower else 0)


class Wire:
    """Runs fronts and proxies in one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[asyncio.Server] = []
        self._thread.start()

    def front(self, target: int, certificate: Path) -> Front:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        found = Front()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.peers.add(writer.get_extra_info("peername")[1])
            await _joined(reader, writer, "127.0.0.1", target)

        found.port = self._serve(serve, context)
        return found

    def proxy(self, **words: Any) -> ForwardProxy:
        found = ForwardProxy(**words)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            found.asked.append(head.partition(b" HTTP/1.")[0].decode())
            if refused := found.refusal(head):
                writer.write(f"HTTP/1.1 {refused} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                writer.close()
                return
            method, where, _ = head.split(b" ", 2)
            if method == b"CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                place, first = where, b""
            else:
                place, _, path = where.removeprefix(b"http://").partition(b"/")
                first = head.replace(where, b"/" + path, 1)
            host, _, port = place.decode().partition(":")
            await _joined(reader, writer, host, int(port), first, found.peers)

        found.port = self._serve(serve, None)
        return found

    def close(self) -> None:
        async def stop() -> None:
            for server in self._servers:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0.05)  # closes the sockets

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def _serve(self, serve: Callable[..., Coroutine[Any, Any, None]], context: ssl.SSLContext | None) -> int:
        async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError):
                await serve(reader, writer)
            writer.close()

        async def start() -> asyncio.Server:
            return await asyncio.start_server(quietly, "127.0.0.1", 0, ssl=context)

        server = asyncio.run_coroutine_threadsafe(start(), self._loop).result(30)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])


async def _joined(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, first: bytes = b"",
    peers: set[int] | None = None,
) -> None:  # fmt: skip
    """Carries bytes both ways until one side ends."""
    there, back = await asyncio.open_connection(host, port)
    if peers is not None:
        peers.add(back.get_extra_info("sockname")[1])
    back.write(first)

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 16):
                sink.write(data)
                await sink.drain()

    ways: list[Awaitable[None]] = [
        asyncio.ensure_future(carry(reader, back)),
        asyncio.ensure_future(carry(there, writer)),
    ]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()  # type: ignore[attr-defined]
    back.close()


@contextmanager
def wired() -> Iterator[Wire]:
    wire = Wire()
    try:
        yield wire
    finally:
        wire.close()
