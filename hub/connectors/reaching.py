"""How a server is reached: how often it is tried, through which proxy, and whose word for its name is taken.

hub.yaml alone says so: no proxy, netrc or certificate of the environment counts, and nothing switches the check of a
certificate off.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from urllib3.exceptions import MaxRetryError, ProxyError
from urllib3.util import Retry

from hub.connectors.pulling import Pull
from hub.errors import FixConfiguration, HubError, RetryLater

RETRIES, BACKOFF, LONGEST_WAIT = 5, 1.0, 300  # times, seconds, seconds that Retry-After may ask for
_BUSY = (429, 500, 502, 503, 504)
#: OpenSSL's numbers (x509_vfy.h) -> what is wrong with a certificate, and what to do.
_CERTIFICATES = {
    9: ("is not valid yet", "Check the clock of this machine, then ask the server's keeper."),
    10: ("has expired", "Ask the server's keeper to renew it: the hub asks no server that cannot prove its name."),
    62: ("is for another host", "Write the address with the name that the certificate is for."),
    64: ("is for another host", "Write the address with the name that the certificate is for."),
}
_UNTRUSTED = (
    "is not trusted",
    "Check the address; for a private authority name the file of its certificates as `tls: {ca: FILE}`.",
)
#: What http.client and PySocks say when a proxy answers CONNECT with another status than 200.
_REFUSED = re.compile(r"(?:Tunnel connection failed: |^)(\d{3})\b")
_OLD = ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "DH_KEY_TOO_SMALL", "HANDSHAKE_FAILURE", "LEGACY_RENEGOTIATION")


@dataclass(frozen=True)
class Proxy:
    """A forwarding proxy, and who the hub is to it."""

    host: str
    port: int
    scheme: str = "http"
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """The address with the login in it, as client libraries want it: for them alone."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        return f"{self.scheme}://{login}{self.host}:{self.port}"


def proxy_of(pull: Pull) -> Proxy | None:
    """What `proxy:` says: an address, or `{url, user_env, password_env}`."""
    said = pull.transport.get("proxy")
    if not said:
        return None
    words: dict[str, str] = {"url": said} if isinstance(said, str) else said
    url, where = urlsplit(words["url"]), f"sources.{pull.source}.proxy"
    login = {k: pull.secret(words[f"{k}_env"], f"{where}.{k}_env") for k in ("user", "password") if f"{k}_env" in words}
    return Proxy(url.hostname or "", url.port or {"https": 443}.get(url.scheme, 80), url.scheme, **login)


def authority_of(pull: Pull) -> str | None:
    """The file of `tls: {ca: FILE}`; None for the public authorities. Raises FixConfiguration when it holds none."""
    file = pull.transport.get("tls", {}).get("ca")
    if not file:
        return None
    try:
        ssl.create_default_context(cafile=str(file))
    except OSError:  # also what OpenSSL cannot read
        raise FixConfiguration(
            f"{pull.source}: the file of tls.ca holds no certificates that can be read.",
            "Name a PEM file (-----BEGIN CERTIFICATE-----) that the account which runs the hub may read.",
        ) from None
    return str(file)


def unreached(pull: Pull, where: str, error: BaseException) -> HubError | None:
    """What a failed connection means where the certificate or the proxy is the cause; else None.

    `where` begins the message. No text of the error is repeated: it may hold an address or a login.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return untrusted(where, cause.verify_code)
    # PySocks is loaded by the one library that uses it.
    if any(isinstance(cause, ProxyError) or type(cause).__module__ == "socks" for cause in causes):
        refused = next((found for cause in causes if (found := _REFUSED.search(str(cause)))), None)
        return proxy_refusal(pull, where, int(refused[1]) if refused else None)
    reason = next((c.reason or "" for c in causes if isinstance(c, ssl.SSLError)), "")
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST") or any(word in reason for word in _OLD):
        return FixConfiguration(
            f"{where}: the server speaks no TLS that is safe ({reason}, rule tls.protocol).",
            "Check scheme and port of the address; ask the server's keeper for TLS 1.2 or later.",
        )
    return None


def untrusted(where: str, code: int = 0) -> HubError:
    """What is wrong with a certificate, by OpenSSL's number where there is one."""
    what, remedy = _CERTIFICATES.get(code, _UNTRUSTED)
    return FixConfiguration(f"{where}: the certificate of the server {what} (rule tls.certificate).", remedy)


def proxy_refusal(pull: Pull, where: str, status: int | None) -> HubError:
    """What a proxy means that answers with this status, or (None) not at all."""
    proxy = proxy_of(pull) or Proxy("", 0)
    name = f"{where}: the proxy {proxy.host}:{proxy.port}"
    if status == 407:
        return FixConfiguration(
            f"{name} refuses the login (status 407, rule proxy.login).",
            "Write `proxy: {url: ..., user_env: NAME, password_env: NAME}` and put both into the environment.",
        )
    if status is not None and 400 <= status < 500:
        return FixConfiguration(
            f"{name} lets nobody through to this server (status {status}, rule proxy.refused).",
            "Have its keeper allow the server's host and port for this machine.",
        )
    said = "cannot be reached" if status is None else f"does not get through to the server (status {status})"
    return RetryLater(
        f"{name} {said} (rule proxy.away).", "Check that it is up and `proxy` is right; the next sync goes on there."
    )


class LeftAlone(Exception):
    """The server asks for a longer wait than a night has."""


class _Patience(Retry):
    """urllib3's own retry. Raises LeftAlone; where a certificate or a proxy refuses, nothing is asked again."""

    def increment(
        self, method: Any = None, url: Any = None, response: Any = None, error: Any = None, *more: Any, **named: Any
    ) -> Any:
        if error is not None and any(_is_refusal(cause) for cause in _causes(error)):
            raise MaxRetryError(None, "", error)  # type: ignore[arg-type]
        return super().increment(method, url, response, error, *more, **named)

    def get_retry_after(self, response: Any) -> float | None:
        wait = super().get_retry_after(response)
        if wait is not None and wait > LONGEST_WAIT:
            raise LeftAlone(f"the server asks to be left alone for {wait:.0f} seconds")
        return wait


def patience(pull: Pull) -> Retry:
    """What `retry: {times, backoff}` says, as urllib3 knows it."""
    said = pull.transport.get("retry", {})
    backoff = float(said.get("backoff", BACKOFF))
    return _Patience(
        total=int(said.get("times", RETRIES)),
        backoff_factor=backoff,
        backoff_jitter=backoff / 2,
        status_forcelist=_BUSY,
        allowed_methods=None,
        raise_on_status=False,
    )


def _is_refusal(cause: BaseException) -> bool:
    return isinstance(cause, ssl.SSLCertVerificationError) or "Tunnel connection failed: 4" in str(cause)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from: libraries hide the cause in arguments, reasons and contexts."""
    found: list[Any] = [error]
    for one in found:
        yield one
        inside = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        found += [e for e in inside if isinstance(e, BaseException) and not any(e is known for known in found)]
