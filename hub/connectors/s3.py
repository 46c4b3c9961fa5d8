"""Files in an S3-compatible store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from hub.connectors.choosing import Listed, chosen, fits, place, split
from hub.connectors.pulling import Left, Pull
from hub.connectors.reaching import authority_of, proxy_of, proxy_refusal, untrusted
from hub.errors import FixConfiguration, HubError, RetryLater


@dataclass(frozen=True)
class StoredFile:
    """One object as it was listed. `position` is its name: a pull that is cut off goes on with the next one."""

    name: str
    size: int
    position: str
    path: str
    bucket: Bucket
    stream: str = ""

    def open(self) -> BinaryIO:
        """The bytes from the start. Raises RetryLater when it has gone or the store stays away."""
        return self.bucket.open(self)


class Bucket:
    """The store, the bucket and the account of one source."""

    def __init__(self, pull: Pull) -> None:
        from pyarrow import fs

        url = urlsplit(pull.address("path"))
        auth, store = pull.transport.get("auth", {}), urlsplit(str(pull.transport.get("url", "")))
        self._pull, self.source, self.host = pull, pull.source, store.netloc or "s3.amazonaws.com"
        self.path = f"{url.netloc}{place(url)}"
        missing = [key for key in ("access_key_env", "secret_key_env") if key not in auth]
        if missing:
            raise FixConfiguration(
                f"{pull.source}: sources.{pull.source}.auth.{missing[0]} is missing.",
                "Name the variables that hold the keys: auth: {access_key_env: NAME, secret_key_env: NAME}.",
            )
        words: dict[str, Any] = {
            to: pull.secret(auth[key], f"sources.{pull.source}.auth.{key}")
            for key, to in (
                ("access_key_env", "access_key"),
                ("secret_key_env", "secret_key"),
                ("session_token_env", "session_token"),
            )
            if key in auth
        }
        if store.netloc:
            words |= {"endpoint_override": store.netloc, "scheme": store.scheme}
        if proxy := proxy_of(pull):
            words["proxy_options"] = proxy.url
        if authority := authority_of(pull):
            words["tls_ca_file_path"] = authority
        timeout = float(pull.transport.get("timeout", 60))
        self._fs = fs.S3FileSystem(
            region=pull.transport.get("region", "us-east-1"), connect_timeout=timeout, request_timeout=timeout, **words
        )

    def listed(self, root: str, pattern: str, recursive: bool) -> Iterator[Listed]:
        """Raises RetryLater when the store is away or nothing lies there, FixConfiguration when it refuses the keys."""
        from pyarrow import fs

        try:
            (here,) = self._fs.get_file_info([root.rstrip("/")])
            if here.type == fs.FileType.File:
                yield Listed(here.base_name, here.size)
                return
            for entry in self._fs.get_file_info(fs.FileSelector(root.rstrip("/"), recursive=True)):
                name = entry.path[len(root.rstrip("/")) + 1 :]
                if entry.type == fs.FileType.File and fits(name, pattern, recursive):
                    yield Listed(name, entry.size)
        except OSError as error:
            raise self._told("The bucket", error) from None

    def open(self, file: StoredFile) -> BinaryIO:
        try:
            stream = self._fs.open_input_stream(file.path)
        except OSError as error:
            raise self._told(f"The file {file.name}", error) from None
        return _Told(stream, file)  # type: ignore[return-value]

    def _told(self, what: str, error: OSError) -> HubError:
        # The library's own text holds request ids and addresses: only what it means is said.
        text, where = str(error), f"{self.source}: {self.host}"
        if "curlCode: 60," in text:
            return untrusted(where)
        if refused := re.search(r"CONNECT tunnel failed, response (\d+)", text):
            return proxy_refusal(self._pull, where, int(refused[1]))
        if "over proxy" in text or "curlCode: 5," in text:
            return proxy_refusal(self._pull, where, None)
        if any(word in text for word in ("ACCESS_DENIED", "SIGNATURE", "INVALID_ACCESS_KEY", "HTTP status 403")):
            return FixConfiguration(
                f"{self.source}: {self.host} refuses the keys of auth: ({what.lower()} may not be read).",
                "Check access_key_env and secret_key_env, and that the account may list and read.",
            )
        return RetryLater(
            f"{self.source}: {what} cannot be read from {self.host} ({type(error).__name__}).",
            "Check that the store is up and that path names a bucket and folder that are there; then sync again.",
        )


class _Told:
    """Errors of the wire in the hub's words."""

    def __init__(self, stream: Any, file: StoredFile) -> None:
        self._stream, self._file = stream, file

    def read(self, size: int = -1) -> bytes:
        try:
            return bytes(self._stream.read(None if size < 0 else size))
        except OSError as error:
            raise self._file.bucket._told(f"The file {self._file.name}", error) from None

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def fetch(pull: Pull) -> Iterator[StoredFile | Left]:
    """The files at `path` (`s3://bucket/folder`, a file or a pattern), sorted by name; `url` names a store that is
    not Amazon's.

    Raises RetryLater when the store is away or nothing lies there, FixConfiguration when it refuses the keys.
    """
    bucket = Bucket(pull)
    root, pattern = split(bucket.path)
    found = list(bucket.listed(root, pattern, bool(pull.transport.get("recursive"))))
    done = str(pull.resume.get("", ""))
    for file in chosen(found, pull):
        if isinstance(file, Left):
            yield file
        elif file.name > done:
            whole = not pattern and root.rsplit("/", 1)[-1] == file.name and len(found) == 1
            path = root if whole else f"{root.rstrip('/')}/{file.name}"
            yield StoredFile(file.name, file.size, file.name, path, bucket)
