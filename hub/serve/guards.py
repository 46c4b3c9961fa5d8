"""What stands before every page: who may ask, what a browser may do with the answer, and silence about defects."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.errors import places_of
from hub.serve.checks import Problem

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: A run's report is one file with its style in it, and without a script.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # no-referrer would also take the Origin away by which a form is known as ours
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_SAFE = ("GET", "HEAD")
log = logging.getLogger("hub.serve")


class Guards:
    """An ASGI wrapper. `names` are the host names that the server answers to besides addresses and localhost."""

    def __init__(self, app: ASGIApp, names: Collection[str], say: Callable[[Request, Problem], Response]) -> None:
        self.app, self.names, self.say = app, {n.casefold() for n in names} | {"localhost"}, say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"].endswith(".start"):
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        request = Request(scope, receive)
        problem = self._refusal(scope["method"], request.headers)
        try:
            if problem is not None:
                await self.say(request, problem)(scope, receive, guarded)
            else:
                await self.app(scope, receive, guarded)
        except Exception as error:
            # Its text may quote what a client sent: only the place is told.
            log.error("A defect: %s at %s", type(error).__name__, places_of(error, 4))
            if not begun:
                said = Problem(500, "The page failed", "That is a defect of the hub.", "Try again.")
                await self.say(request, said)(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> Problem | None:
        """Another site's page may reach this server by a name of its own (DNS rebinding), or post a form to it."""
        host = headers.get("host", "")
        if not self._ours(host):
            return Problem(
                421,
                "This server has another name",
                "It answers only to the names it was started with.",
                "Open it by its address, or start hub serve with --name and this name.",
            )
        if method not in _SAFE and not _same_origin(headers, host):
            return Problem(
                403,
                "The form comes from another site",
                "Only this server's own pages may send it something.",
                "Open the page here and send the form again.",
            )
        return None

    def _ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name.casefold() in self.names or _is_address(name)


def _is_address(name: str) -> bool:
    # A name can be rebound to another address; an address cannot.
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_origin(headers: Headers, host: str) -> bool:
    """By Sec-Fetch-Site, else Origin. Every browser sends one of them with a form; a program that sends neither holds
    no browser's rights that could be borrowed."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host
