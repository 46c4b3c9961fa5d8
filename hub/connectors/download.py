"""One file at a web address, such as a zip that a vendor writes anew each night."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from hub.connectors.pulling import Pull, is_open_line
from hub.connectors.reaching import LeftAlone, authority_of, patience, proxy_of, proxy_refusal, unreached
from hub.connectors.resuming import Readable, Resuming
from hub.errors import AskVendor, FixConfiguration, HubError, RetryLater

_CUT = (requests.RequestException, HTTPError, OSError, EOFError)


@dataclass(frozen=True)
class Download:
    """The file as the server has it when it is opened; its size is known only then."""

    name: str
    address: str
    pull: Pull
    size: None = None
    stream: str = ""
    position: None = None

    def open(self) -> BinaryIO:
        """The bytes from the start. Raises RetryLater when the server is away, has no such file or cuts the answer off
        for good, FixConfiguration when it refuses the login, AskVendor for an answer whose end nobody could tell.
        """
        answer = _Answer(self)
        return cast(BinaryIO, _Told(Resuming(answer.at, _CUT, answer.size), self, answer))


class _Answer:
    """The first answer says what the file is; what is cut off is asked for again only while it still is that."""

    def __init__(self, file: Download) -> None:
        self._file = file
        self._session = _session(file)
        self._first: requests.Response | None = None
        self._first = first = self._ask({})
        length = first.headers.get("Content-Length")
        self.size = int(length) if length and length.isdecimal() else None
        if self.size is None and not first.raw.chunked and not file.name.lower().endswith(".zip"):
            self.close()
            raise AskVendor(
                _where(
                    file, "the answer has no length, so nobody could tell that it was cut off (rule download.length)"
                ),
                "Have the server send Content-Length or in chunks, or a .zip, whose end proves it whole.",
            )
        self._tag = first.headers.get("ETag", "")

    def at(self, offset: int) -> Readable:
        first, self._first = self._first, None
        if first is None and offset == 0:
            first = self._ask({})
        if first is None:
            strong = {"If-Range": self._tag} if self._tag and not self._tag.startswith("W/") else {}
            first = self._ask({"Range": f"bytes={offset}-", **strong})
            if first.status_code != 206 or not strong:
                first.close()
                raise _away(self._file, "it was cut off, and cannot be asked for from there on")
        return cast(Readable, first.raw)

    def _ask(self, headers: dict[str, str]) -> requests.Response:
        file = self._file
        try:
            answer = self._session.get(file.address, headers=headers, stream=True, timeout=_timeout(file.pull))
        except LeftAlone as error:
            self.close()
            raise _away(file, str(error)) from None
        except _Elsewhere:
            self.close()
            raise FixConfiguration(
                _where(file, "the server sends the caller on over an open line (rule download.redirect)"),
                "Have its keeper send on to https:// addresses only: no file is taken where others could change it.",
            ) from None
        except (requests.RequestException, OSError) as error:
            if isinstance(error, requests.TooManyRedirects) and error.response is not None:
                error.response.close()
            self.close()
            raise unreached(file.pull, _place(file), error) or _away(file, type(error).__name__) from None
        refusal = _refusal(file, answer)
        if refusal is not None:
            answer.close()
            self.close()
            raise refusal
        return answer

    def close(self) -> None:
        if self._first is not None:
            self._first.close()
        self._session.close()


def _refusal(file: Download, answer: requests.Response) -> HubError | None:
    status, kind = answer.status_code, answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if status in (401, 403):
        return FixConfiguration(_where(file, f"the login is refused (status {status})"), "Check auth:.")
    if status == 407:
        return proxy_refusal(file.pull, _place(file), 407)
    if status in (404, 410):
        return RetryLater(_where(file, f"there is no file (status {status})"), "Check path:.")
    if status not in (200, 206):
        return _away(file, f"status {status}")
    if kind == "text/html" and not file.name.lower().endswith((".html", ".htm")):
        return FixConfiguration(_where(file, "a web page came in place of the file"), "Check path: and auth:.")
    return None


class _Told(io.BufferedReader):
    def __init__(self, raw: Resuming, file: Download, answer: _Answer) -> None:
        super().__init__(raw, 1 << 20)
        self._file, self._answer = file, answer

    def close(self) -> None:
        super().close()
        self._answer.close()

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size)
        except HubError:
            raise
        except _CUT as error:
            raise _away(self._file, type(error).__name__) from None


def _session(file: Download) -> requests.Session:
    pull, session = file.pull, _Session()
    auth = pull.transport.get("auth", {})
    if is_open_line(file.address):
        raise FixConfiguration(
            _where(file, "students' data and a login would go over an open line"), "Write https:// in `path`."
        )
    session.trust_env = False  # a netrc or proxy of the account is nobody's decision
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=patience(pull)))
    session.verify = authority_of(pull) or True
    if proxy := proxy_of(pull):
        session.proxies = {"http": proxy.url, "https": proxy.url}
    if "token_env" in auth:
        session.auth = _Bearer(_secret(pull, auth, "token_env"))
    elif "user_env" in auth:
        session.auth = (_secret(pull, auth, "user_env"), _secret(pull, auth, "password_env"))
    return session


class _Elsewhere(Exception):
    """The server names an address that is neither https nor this machine."""


class _Session(requests.Session):
    """Goes where a server sends it, as stores do that give out an address for an hour. The library takes the login
    along to the same host and port only.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target and is_open_line(urljoin(resp.url, target)):
            resp.close()
            raise _Elsewhere
        return target


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _secret(pull: Pull, auth: dict[str, str], key: str) -> str:
    if key not in auth:
        raise FixConfiguration(f"{pull.source}: sources.{pull.source}.auth.{key} is missing.", "Name the variable.")
    return pull.secret(auth[key], f"sources.{pull.source}.auth.{key}")


def _timeout(pull: Pull) -> float:
    return float(pull.transport.get("timeout", 60))


def _place(file: Download) -> str:
    url = urlsplit(file.address)
    return f"{file.pull.source}: {url.hostname}{url.path}"


def _where(file: Download, why: str) -> str:
    return f"{_place(file)}: {why}."


def _away(file: Download, why: str) -> RetryLater:
    return RetryLater(_where(file, f"the file did not come whole ({why})"), "Sync again; if it stays, ask the vendor.")


def fetch(pull: Pull) -> Iterator[Download]:
    """The file at `path`, an address of the web; `{year}` in it becomes the slice's year."""
    address = pull.address("path")
    name = PurePosixPath(unquote(urlsplit(address).path)).name or "download"
    yield Download(name, address, pull)
