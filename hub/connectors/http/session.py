"""One polite HTTP session per source: retries, rates, timeouts, certificates and proxies are all the library's.

No message made here holds more of an address than its path: query strings, headers and bodies may name students.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests_ratelimiter import LimiterAdapter
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from hub import __version__
from hub.connectors.http.auth import Granted
from hub.connectors.pulling import Pull
from hub.connectors.reaching import LeftAlone, authority_of, patience, proxy_of, proxy_refusal, unreached
from hub.errors import AskVendor, FixConfiguration, RetryLater

#: What a vendor's `transport:` may say, with what holds where it says nothing.
TIMEOUT, MAX_BYTES, PER_SECOND = 60.0, 64 << 20, 10
#: Their lines hold whole addresses, signatures and tokens.
for _name in ("urllib3", "oauthlib", "requests_oauthlib", "requests_ratelimiter"):
    logging.getLogger(_name).setLevel(logging.ERROR)
_SLOWEST = 10  # times the timeout that one page may take in all


@dataclass(frozen=True)
class Answer:
    """A whole answer in memory, and when it was asked for (seconds since the epoch)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    links: dict[str, str]  # rel -> absolute address
    cookies: dict[str, str] = field(default_factory=dict)


class Session:
    """Asks one server for a source, from as many threads as like. `where` in its errors is the stream and page that
    the caller names."""

    def __init__(self, pull: Pull) -> None:
        words = pull.transport
        self._pull, self._source, self._session = pull, pull.source, requests.Session()
        self._session.trust_env = False  # no .netrc, no proxy of the environment: hub.yaml says all
        self._retry = patience(pull)
        self._busy = str(words.get("retry", {}).get("busy", "")).encode()  # what a 403 says that means: later
        adapter = LimiterAdapter(
            per_second=float(words.get("per_second", PER_SECOND)),
            max_retries=self._retry,
            pool_maxsize=max(1, int(words.get("concurrency", 1))),
        )
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.headers.update({"User-Agent": f"hub/{__version__}", "Accept": "application/json"})
        self._session.headers.update(words.get("headers", {}))
        self._session.verify = authority_of(pull) or True
        if proxy := proxy_of(pull):
            self._session.proxies = {"http": proxy.url, "https": proxy.url}
        self._timeout = float(words.get("timeout", TIMEOUT))
        self._limit = int(words.get("max_bytes", MAX_BYTES))
        self._granted = Granted(pull, self._post)

    def get(self, where: str, url: str, params: Mapping[str, Any] | None = None, **asked: Any) -> Answer:
        """The answer to a GET, or to what `method` and `json` of `asked` say, whatever its status but 401.

        A token or session that has ended is asked for anew once. Raises RetryLater when the server is away, busy, too
        slow or stops half-way; AskVendor for a body too large; FixConfiguration for a certificate or a redirect.
        """
        auth = self._granted.auth()
        answer = self._ask(where, url, params=params, auth=auth, **asked)
        if self._granted.is_ended(answer.status, answer.body) and self._granted.renew(auth):
            answer = self._ask(where, url, params=params, auth=self._granted.auth(), **asked)
        return answer

    def close(self) -> None:
        self._session.close()

    def _post(self, where: str, url: str, auth: Any, **body: Any) -> Answer:
        return self._ask(where, url, method="POST", auth=auth, headers={"Accept": "application/json"}, **body)

    def _ask(self, where: str, url: str, *, method: str = "GET", **asked: Any) -> Answer:
        retry, path = self._retry, urlsplit(url).path
        while True:
            try:
                response = self._session.request(
                    method, url, timeout=self._timeout, stream=True, allow_redirects=False, **asked
                )
                with response:
                    body = self._body(where, response)
                if response.status_code != 403 or not self._busy or self._busy not in body:
                    return self._answer(where, response, body)
                retry = self._again(where, retry, path, "the server says each time that it is asked too often")
            except LeftAlone as error:
                raise self._away(where, str(error)) from None
            except ProtocolError as error:
                # The library retries a request, not a body that stops half-way: its own count goes on.
                retry = self._again(where, retry, path, "the answer stops half-way each time", error)
            except (requests.exceptions.Timeout, ReadTimeoutError):
                raise self._away(where, f"no answer within {self._timeout:g} seconds") from None
            except requests.exceptions.ConnectionError as error:
                if known := unreached(self._pull, f"{self._source}: {where}", error):
                    raise known from None
                slow = "timed out" in str(error)
                raise self._away(where, "no answer in time" if slow else "no connection") from None
            except (requests.exceptions.RequestException, HTTPError) as error:
                raise self._away(where, f"the exchange failed ({type(error).__name__})") from None

    def _again(self, where: str, retry: Retry, path: str, what: str, cause: Exception | None = None) -> Retry:
        """The pause before the same is asked again. Raises RetryLater where that was done often enough."""
        try:
            retry = retry.increment("GET", path, error=cause)
        except HTTPError:
            raise self._away(where, what) from None
        retry.sleep()
        return retry

    def _body(self, where: str, response: requests.Response) -> bytes:
        until, parts, size = time.monotonic() + _SLOWEST * self._timeout, [], 0
        # What has come, not a whole part: an answer that drips would never let the clock be looked at.
        while part := response.raw.read1(1 << 18, decode_content=True):
            size += len(part)
            if size > self._limit:
                raise AskVendor(
                    f"{self._source}: {where}: the answer has more than {self._limit:,} bytes (rule http.too_large).",
                    "Ask for fewer rows a page (`transport: {paging: {size: N}}`), or raise `max_bytes`.",
                )
            if time.monotonic() > until:
                raise self._away(where, f"the answer takes more than {_SLOWEST * self._timeout:g} seconds")
            parts.append(part)
        return b"".join(parts)

    def _answer(self, where: str, response: requests.Response, body: bytes) -> Answer:
        if response.is_redirect or response.is_permanent_redirect:
            raise FixConfiguration(
                f"{self._source}: {where}: the server sends the caller elsewhere (status {response.status_code}).",
                "Write the address it really has under `url`: secrets follow no redirect.",
            )
        if response.status_code == 407:
            raise proxy_refusal(self._pull, f"{self._source}: {where}", 407)
        links = {rel: link["url"] for rel, link in response.links.items() if "url" in link}
        return Answer(response.status_code, response.headers, body, links, response.cookies.get_dict())

    def _away(self, where: str, what: str) -> RetryLater:
        return RetryLater(
            f"{self._source}: {where}: {what}.",
            "Check that the server is up and `url`, `proxy` and `timeout` are right; the next sync goes on there.",
        )
