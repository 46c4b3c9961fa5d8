"""Files on an SFTP server whose host key is known beforehand. A key that is not known is never taken on trust."""

from __future__ import annotations

import base64
import hashlib
import io
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

import paramiko
from paramiko.pkey import UnknownKeyType

from hub.connectors.choosing import Listed, chosen, fits, place, split
from hub.connectors.pulling import Left, Pull
from hub.connectors.resuming import Readable, Resuming
from hub.errors import FixConfiguration, RetryLater

_CUT = (EOFError, OSError, paramiko.SSHException)
_BUFFER = 1 << 20
_REQUEST, _WINDOW = 1 << 15, 1 << 22  # bytes a request, as every server takes them, and bytes asked for ahead


@dataclass(frozen=True)
class RemoteFile:
    """One file as it was listed. `position` is its name: a pull that is cut off goes on with the next one."""

    name: str
    size: int
    position: str
    path: str
    server: Server
    stream: str = ""

    def open(self) -> BinaryIO:
        """The bytes from the start. Raises RetryLater when it has gone, may not be read or the server stays away."""
        raw = Resuming(self._at, _CUT, self.size)
        return cast(BinaryIO, _Told(raw, self))

    def _at(self, offset: int) -> Readable:
        if offset:  # it broke there: what is left of the connection may not know it yet
            self.server.close()
        try:
            file = self.server.sftp().open(self.path, "rb")
        except (EOFError, paramiko.SSHException):
            self.server.close()
            raise
        file.seek(offset)
        return _Ahead(file, offset, self.size)


class _Ahead:
    """Reads a file with requests sent ahead, a window of them at most.

    paramiko's own prefetch either holds all of a large file in memory or, with a limit, stops reading ahead as soon as
    the server is quicker than its thread: a twentieth of the speed. Its requests are sent here from the one thread
    that reads, so that it never takes the end of those that were sent for the end of the file.
    """

    def __init__(self, file: Any, at: int, size: int) -> None:
        self._file, self._at, self._asked, self._size = file, at, at, size

    def read(self, size: int, /) -> bytes:
        self._ask()
        data: bytes = self._file.read(min(size, _REQUEST))
        self._at += len(data)
        return data

    def _ask(self) -> None:
        if self._asked >= self._size or self._asked - self._at > _WINDOW // 2:
            return
        end = min(self._size, self._at + _WINDOW)
        chunks = [(at, min(_REQUEST, end - at)) for at in range(self._asked, end, _REQUEST)]
        self._file._prefetching, self._file._prefetch_done, self._asked = True, False, end
        self._file._prefetch_thread(chunks, None)

    def close(self) -> None:
        self._file.close()


class _Told(io.BufferedReader):
    """Errors of the wire in the hub's words."""

    def __init__(self, raw: Resuming, file: RemoteFile) -> None:
        super().__init__(raw, _BUFFER)
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size)
        except _CUT as error:
            raise self._file.server.away(f"The file {self._file.name}", error) from None


class Server:
    """One connection, made again when it has broken."""

    def __init__(self, pull: Pull) -> None:
        url = urlsplit(pull.address("path"))
        self.source, self.host, self.port, self.user = pull.source, url.hostname or "", url.port or 22, url.username
        self.path = unquote(place(url))
        self._pull = pull
        self._client: paramiko.SSHClient | None = None
        self._sftp: paramiko.SFTPClient | None = None

    def sftp(self) -> paramiko.SFTPClient:
        channel = self._sftp.get_channel() if self._sftp else None
        if self._sftp is None or channel is None or channel.closed:
            self.close()
            self._client = self._connected()
            self._sftp = self._client.open_sftp()
            opened = self._sftp.get_channel()
            if opened is not None:
                opened.settimeout(self._timeout)
        return self._sftp

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = self._sftp = None

    def away(self, what: str, error: BaseException) -> RetryLater:
        why = getattr(error, "strerror", None) or type(error).__name__
        return RetryLater(
            f"{self.source}: {what} cannot be read from {self.host}:{self.port} ({why}).",
            "Check that the server is up, that path is right and that the account may read it; then sync again.",
        )

    @property
    def _timeout(self) -> float:
        return float(self._pull.transport.get("timeout", 60))

    def _connected(self) -> paramiko.SSHClient:
        auth = self._pull.transport.get("auth", {})
        key = self._key(auth) if "key_file" in auth else None
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Pinned(auth.get("host_key", "")))
        if not auth.get("host_key"):
            self._known_hosts(client, auth.get("known_hosts"))
        try:
            client.connect(
                self.host,
                self.port,
                self.user,
                allow_agent=False,
                look_for_keys=False,
                timeout=self._timeout,
                banner_timeout=self._timeout,
                auth_timeout=self._timeout,
                pkey=key,
                password=self._secret(auth, "password_env"),
            )
        except (paramiko.BadHostKeyException, _UnknownHost) as error:
            client.close()
            seen = fingerprint(error.key) if isinstance(error, paramiko.BadHostKeyException) else str(error)
            raise FixConfiguration(
                f"{self.source}: {self.host}:{self.port} shows the host key {seen}, which is not one that is known.",
                "Ask the server's keeper for its key. Only if it is this one, pin it in hub.yaml: "
                "auth: {host_key: ...}.",
            ) from None
        except (paramiko.AuthenticationException, ValueError):
            client.close()
            raise self._refused("the login is refused", "Check user, password or key file under auth:.") from None
        except _CUT as error:
            client.close()
            if "No authentication methods" in str(error):
                raise self._refused("no login is given", "Name auth: {password_env: NAME} or key_file.") from None
            raise self.away("The folder", error) from None
        return client

    def _key(self, auth: dict[str, Any]) -> paramiko.PKey:
        passphrase = self._secret(auth, "passphrase_env")
        try:
            return paramiko.PKey.from_path(auth["key_file"], cast(Any, passphrase.encode() if passphrase else None))
        except (paramiko.PasswordRequiredException, TypeError):
            raise self._refused("the key file is locked", "Name auth: {passphrase_env: NAME}.") from None
        except (paramiko.SSHException, UnknownKeyType, ValueError, OSError):
            raise self._refused("the key file cannot be read", "Check key_file and passphrase_env.") from None

    def _refused(self, why: str, remedy: str) -> FixConfiguration:
        return FixConfiguration(f"{self.source}: {self.host}:{self.port} cannot be logged in to: {why}.", remedy)

    def _known_hosts(self, client: paramiko.SSHClient, path: str | None) -> None:
        try:
            client.load_host_keys(str(Path(path or "~/.ssh/known_hosts").expanduser()))
        except OSError:
            if path:
                raise FixConfiguration(
                    f"{self.source}: the file of known hosts cannot be read.", "Check auth: {known_hosts: FILE}."
                ) from None

    def _secret(self, auth: dict[str, Any], key: str) -> str | None:
        return self._pull.secret(auth[key], f"sources.{self.source}.auth.{key}") if key in auth else None


class _UnknownHost(Exception):
    """Its text is the fingerprint that the server showed."""


class _Pinned(paramiko.MissingHostKeyPolicy):
    def __init__(self, pinned: str) -> None:
        self._pinned = pinned

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        if fingerprint(key) != self._pinned.rstrip("="):
            raise _UnknownHost(fingerprint(key))


def fingerprint(key: paramiko.PKey) -> str:
    """As `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def fetch(pull: Pull) -> Iterator[RemoteFile | Left]:
    """The files at `path`, sorted by name: those of a folder, below it when `recursive`, one file, or a pattern's.

    Raises RetryLater when the server is away or the folder not there, FixConfiguration for a host key that is not
    known or a login that is refused.
    """
    server = Server(pull)
    root, pattern = split(server.path)
    try:
        try:
            found = [*_listed(server.sftp, root, pattern, bool(pull.transport.get("recursive")))]
        except _CUT as error:
            raise server.away("The folder", error) from None
        done = str(pull.resume.get("", ""))
        for file in chosen(found, pull):
            if isinstance(file, Left):
                yield file
            elif file.name > done:
                path = root if _is_file(server.sftp, root) else f"{root.rstrip('/')}/{file.name}"
                yield RemoteFile(file.name, file.size, file.name, path, server)
    finally:
        server.close()


def _is_file(sftp: Callable[[], paramiko.SFTPClient], root: str) -> bool:
    return stat.S_ISREG(sftp().stat(root or ".").st_mode or 0)


def _listed(
    sftp: Callable[[], paramiko.SFTPClient], root: str, pattern: str, recursive: bool, below: str = ""
) -> Iterator[Listed]:
    if not below and _is_file(sftp, root):
        found = sftp().stat(root)
        yield Listed(root.rsplit("/", 1)[-1], found.st_size or 0)
        return
    deeper = recursive or below.count("/") < pattern.count("/")
    for entry in sftp().listdir_attr(f"{root.rstrip('/')}/{below}"):
        name, mode = below + entry.filename, entry.st_mode or 0
        if stat.S_ISDIR(mode) and deeper and not entry.filename.startswith("."):
            yield from _listed(sftp, root, pattern, recursive, f"{name}/")
        elif stat.S_ISREG(mode) and fits(name, pattern, recursive):
            yield Listed(name, entry.st_size or 0)
