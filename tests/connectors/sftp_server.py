"""A real SFTP server on loopback that misbehaves on demand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

USER, PASSWORD = "drop", "correct horse"


@dataclass
class Behaviour:
    """`reads` counts the reads of all connections; before the one that `cut` names, the connection is closed."""

    cut: set[int] = field(default_factory=set)
    always_cut: bool = False
    reads: int = 0
    connections: int = 0
    on_open: Callable[[Path], None] = lambda path: None
    names: tuple[str, ...] = ()  # what every folder says that it holds besides, each a file of ten bytes

    def reset(self) -> None:
        self.cut, self.always_cut, self.reads, self.connections = set(), False, 0, 0
        self.on_open, self.names = lambda path: None, ()


@dataclass
class Server:
    port: int
    root: Path
    host_key: str  # SHA256:...
    known_hosts: Path
    user_key: Path  # unlocked
    locked_key: Path  # its passphrase is PASSWORD
    behaviour: Behaviour

    def path(self, below: str) -> str:
        return f"sftp://{USER}@127.0.0.1:{self.port}{below}"


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    root = folder / "files"
    root.mkdir()
    behaviour = Behaviour()
    host, user = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    user.write_private_key(folder / "key")
    user.write_private_key(folder / "locked", passphrase=PASSWORD)

    open_connections: list[Any] = []

    class Login(asyncssh.SSHServer):
        def connection_made(self, conn: Any) -> None:
            behaviour.connections += 1
            open_connections.append(conn)

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (USER, PASSWORD)

    class Files(asyncssh.SFTPServer):
        def __init__(self, chan: Any) -> None:
            self._connection = chan.get_connection()
            super().__init__(chan, chroot=str(root))

        def open(self, path: bytes, *args: Any) -> Any:
            behaviour.on_open(Path(self.map_path(path).decode()))
            return super().open(path, *args)

        async def scandir(self, path: bytes) -> Any:
            async for name in super().scandir(path):
                yield name
            for said in behaviour.names:
                attrs = asyncssh.SFTPAttrs(type=asyncssh.FILEXFER_TYPE_REGULAR, size=10, permissions=0o100644)
                yield asyncssh.SFTPName(said.encode(), said.encode(), attrs)

        def read(self, *args: Any) -> Any:
            behaviour.reads += 1
            if behaviour.always_cut or behaviour.reads in behaviour.cut:
                self._connection.abort()
            return super().read(*args)

    loop, started = asyncio.new_event_loop(), threading.Event()
    found: dict[str, Any] = {}

    async def start() -> None:
        found["server"] = await asyncssh.create_server(
            Login, "127.0.0.1", 0, server_host_keys=[host], sftp_factory=Files,
            authorized_client_keys=asyncssh.import_authorized_keys(user.export_public_key().decode()),
        )  # fmt: skip
        found["port"] = found["server"].get_port()
        started.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(start())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(30)
    port = found["port"]
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {host.export_public_key().decode()}")
    try:
        yield Server(port, root, host.get_fingerprint(), known, folder / "key", folder / "locked", behaviour)
    finally:

        async def stop() -> None:
            found["server"].close()
            await found["server"].wait_closed()
            for connection in open_connections:
                connection.abort()
            await asyncio.sleep(0.1)  # closes the sockets
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
