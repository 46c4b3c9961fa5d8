"""Ed-Fi APIs: ODS/API 5.3 to 7.3 and Ed-Fi API v8. Everything, or what change queries say has changed and gone.

Authority: Ed-Fi API guidelines (discovery, OAuth, paging, change queries). Totals are not asked for: large servers
time out over them. A list by offset is read with an overlap (http/paging.py), by cursor where the server has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from hub.connectors.http import NOT_OFFERED, WORDS, Reader, answers, asked_for, at_once, is_due, refuse_unknown
from hub.connectors.http.paging import Moved, Position
from hub.connectors.http.session import Session
from hub.connectors.pulling import Left, Page, Pull
from hub.connectors.side_by_side import side_by_side
from hub.errors import AskVendor, FixConfiguration
from hub.model import Stream, StreamAgain, StreamEnd

#: Resources whose natural key may change (Ed-Fi API guidelines, key changes): what refers to them changes with them.
_KEYS_MAY_CHANGE = (
    "classPeriods", "grades", "gradebookEntries", "locations", "sections", "sessions", "studentSchoolAssociations",
    "studentSectionAssociations",
)  # fmt: skip
_CURSORS_FROM = (7, 3)
_PLACEHOLDER = re.compile(r"\{(\w+)[^{}]*\}")
_AGAIN = 2


@dataclass(frozen=True)
class Server:
    """What the discovery document says."""

    data: str
    token: str
    changes: str
    version: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """The change versions that are asked for: all up to now, or those after `since`."""

    newest: int | None
    began: str
    full: str  # when everything was last asked for
    since: int | None = None

    @property
    def params(self) -> dict[str, Any]:
        return {} if self.since is None else {"minChangeVersion": self.since + 1, "maxChangeVersion": self.newest}


class _Untold(Exception):
    """Which rows were deleted may not be read (action ReadChanges): only all of a resource tells what is gone."""


def fetch(pull: Pull) -> Iterator[Page | Left | StreamEnd | StreamAgain]:
    """The resources and descriptors that the account may read; those that it may not, as `Left`.
    Raises as hub.connectors.fetch.
    """
    refuse_unknown(pull, WORDS | {"data_path", "route"})
    with closing(Session(_anonymous(pull))) as session:
        server = discover(pull, session)
    auth = {"token_url": server.token, **pull.transport.get("auth", {})}
    words = {**pull.transport, "url": server.data, "auth": auth, "paging": _paging(pull, server)}
    with closing(Session(replace(pull, transport=words))) as session:
        yield from _resources(replace(pull, transport=words), session, server)


def discover(pull: Pull, session: Session) -> Server:
    """Where the server has its data, tokens and change queries, and its version."""
    url = pull.address("url").rstrip("/")
    where = f"{pull.source}: the discovery document"
    answer = session.get("the discovery document", url + "/")
    answers.refuse_status(where, answer)
    said = answers.parsed(where, answer)
    urls = said.get("urls") if isinstance(said, dict) else None
    urls = urls if isinstance(urls, dict) else {}
    number = str(said.get("version", "0")) if isinstance(said, dict) else "0"
    version = tuple(int(part) for part in number.split(".")[:2] if part.isdecimal())
    data = urls.get("dataManagementApi") or f"{url}/data/v3"
    if "data_path" in pull.transport:
        data = f"{url}/{pull.address('data_path')}"
    token = urls.get("oauth") or f"{url}/oauth/token"
    changes = urls.get("changeQueries") or f"{url}/changeQueries/v1"
    data, token, changes = (_routed(pull, where, str(address)) for address in (data, token, changes))
    for name, address in (("dataManagementApi", data), ("oauth", token), ("changeQueries", changes)):
        own = pull.transport.get("auth", {}).get("token_url") if name == "oauth" else None
        if not own and not _is_of(address, url):
            raise FixConfiguration(
                f"{where} names another server for {name} (rule http.foreign_link).",
                "Write it under `url` (or as auth.token_url) if it is the vendor's own: secrets go nowhere else.",
            )
    return Server(data.rstrip("/"), token, changes.rstrip("/"), version)


def _is_of(address: str, url: str) -> bool:
    """Whether an address is one of the server at `url`, by the same scheme."""
    try:
        said, own = urlsplit(address), urlsplit(url)
        return (said.scheme, said.hostname) == (own.scheme, own.hostname)
    except ValueError:
        return False


def _routed(pull: Pull, where: str, address: str) -> str:
    """An address with tenant and year in it: a server with several writes `{tenantIdentifier}` and the like there."""
    route = {k: str(v).replace("{year}", str(pull.slice.year)) for k, v in pull.transport.get("route", {}).items()}
    missing = [name for name in _PLACEHOLDER.findall(address) if name not in route]
    if missing:
        raise FixConfiguration(
            f"{where} leaves {missing[0]} open in its addresses (rule http.route).",
            f"Write `transport: {{route: {{{missing[0]}: VALUE}}}}` under the source; the server's keeper knows it.",
        )
    return _PLACEHOLDER.sub(lambda found: route[found[1]], address)


def _anonymous(pull: Pull) -> Pull:
    return replace(pull, transport={**pull.transport, "auth": {"kind": "none"}})


def _paging(pull: Pull, server: Server) -> dict[str, Any]:
    said = {"kind": "offset", **pull.transport.get("paging", {})}
    if server.version >= _CURSORS_FROM and said["kind"] == "offset":
        # The first page is asked for without a size: v8 knows pageSize only beside a token.
        return {**said, "kind": "token", "token": "pageToken", "limit": "", "next": {"header": "Next-Page-Token"},
                "with_token": {"pageSize": said.get("size", 500)}}  # fmt: skip
    return said


def _resources(pull: Pull, session: Session, server: Server) -> Iterator[Page | Left | StreamEnd | StreamAgain]:
    newest = _newest(pull, session, server)
    everything = _cannot_follow(pull, session, newest)
    offered = bool(pull.ended)
    asked = {s.name: partial(_resource, pull, session, s, newest, everything) for s in asked_for(pull)}
    for piece in side_by_side({n: read for n, read in asked.items() if n not in pull.ended}, {}, at_once(pull)):
        offered = offered or isinstance(piece, StreamEnd)
        yield piece
    if not offered:
        raise FixConfiguration(
            f"{pull.source}: none of the resources may be read (rule http.refused).",
            "Have the claim set of this key allow reading, and check the school year and tenant in `url`.",
        )


def _resource(
    pull: Pull, session: Session, stream: Stream, newest: dict[str, int], everything: bool
) -> Iterator[Page | Left | StreamEnd | StreamAgain]:
    """The pages of one resource and its end; `Left` where the server does not have it."""
    kept, whole = pull.resume.get(stream.name), everything
    for attempt in range(_AGAIN + 1):
        window = Window(**kept["window"]) if kept else _window(pull, stream.name, newest, whole)
        walk = _Walk(pull, session, stream, window)
        try:
            yield from walk.pages(kept)
            break
        except _Untold:
            whole = True
        except Moved:
            if attempt == _AGAIN:
                raise answers.unsettled(f"{pull.source}: {stream.name}") from None
            yield StreamAgain(stream.name)
            kept = None
    if walk.left:
        yield walk.left
        return
    cursor = {"version": window.newest, "full": window.full} if window.newest is not None else None
    yield StreamEnd(stream.name, "full" if window.since is None else "delta", cursor)


def _newest(pull: Pull, session: Session, server: Server) -> dict[str, int]:
    """The change versions that the server knows; {} where it has no change queries."""
    answer = session.get("the change versions", f"{server.changes}/availableChangeVersions")
    if answer.status in NOT_OFFERED:
        return {}
    where = f"{pull.source}: the change versions"
    answers.refuse_status(where, answer)
    said = answers.parsed(where, answer)
    try:
        return {key[0].lower() + key[1:]: int(value) for key, value in said.items()}  # before 6.0 with capitals
    except (AttributeError, IndexError, TypeError, ValueError):
        raise AskVendor(
            f"{where}: the answer has no numbers (rule http.envelope).",
            "Look at what the server sends there; `transport: {changes: {use: false}}` asks for everything each night.",
        ) from None


def _cannot_follow(pull: Pull, session: Session, newest: dict[str, int]) -> bool:
    """Whether changes are not enough tonight: none kept or wanted, purged, another database, or keys have changed."""
    known = [c["version"] for c in pull.since.values()]
    if not known or not newest or not pull.transport.get("changes", {}).get("use"):
        return True
    first = min(known)
    if not newest.get("oldestChangeVersion", 0) <= first + 1 or max(known) > newest["newestChangeVersion"]:
        return True
    window = {"minChangeVersion": first + 1, "maxChangeVersion": newest["newestChangeVersion"], "limit": 1}
    base = str(pull.transport["url"])
    for resource in _KEYS_MAY_CHANGE:
        answer = session.get("the key changes", f"{base}/ed-fi/{resource}/keyChanges", window)
        if answer.status == 200 and answers.parsed(f"{pull.source}: the key changes", answer):
            return True
    return False


def _window(pull: Pull, stream: str, newest: dict[str, int], everything: bool) -> Window:
    now, known = datetime.now(UTC).isoformat(), pull.since.get(stream)
    top = newest.get("newestChangeVersion")
    if everything or not known or is_due(pull, known["full"], now):
        return Window(top, now, now)
    return Window(top, now, known["full"], known["version"])


class _Walk:
    """One resource within a window: what is gone first where only changes are asked for, then what is there."""

    def __init__(self, pull: Pull, session: Session, stream: Stream, window: Window) -> None:
        self._pull, self._session, self._stream, self._window = pull, session, stream, window
        self.left: Left | None = None

    def pages(self, kept: Any) -> Iterator[Page]:
        """From the beginning, or behind the page at which a pull was cut off. Raises Moved and _Untold."""
        parts = ["rows"]
        if self._window.since is not None and not self._stream.name.endswith("Descriptor"):
            parts = ["deletes", "rows"]
        for part in parts:
            if kept and parts.index(part) < parts.index(kept["part"]):
                continue
            yield from self._part(part, Position(**kept["position"]) if kept and part == kept["part"] else Position())

    def _part(self, part: str, start: Position) -> Iterator[Page]:
        following: Position | None = start
        while following is not None:
            begin, following = following, None
            reader = Reader(self._paged(begin), self._session, self._asked(part))
            reader.pages = begin.page
            for sheet, position in reader.sheets(None, begin, self._window.params):
                if self._is_unsure(reader, sheet.marks, position):
                    position = following = replace(position, at=len(sheet.marks) - 1)
                yield self._page(part, sheet.answer.body, position)
        self.left = reader.left()
        if self.left and part == "deletes":
            raise _Untold

    def _is_unsure(self, reader: Reader, marks: list[str], position: Position) -> bool:
        """Whether a first page came without a token for the next: all there is, or a gateway took the token away."""
        return bool(reader.paging["kind"] == "token" and position.page == 1 and marks and position.at is None)

    def _paged(self, start: Position) -> Pull:
        """A walk by cursor cannot be begun with change versions: windows are read by offset."""
        paging = self._pull.transport["paging"]
        if paging["kind"] != "token" or (self._window.since is None and not isinstance(start.at, int)):
            return self._pull
        by_offset = {"kind": "offset", "limit": "limit", "offset": "offset", "size": paging["with_token"]["pageSize"]}
        return replace(self._pull, transport={**self._pull.transport, "paging": by_offset})

    def _asked(self, part: str) -> Stream:
        request = {**self._stream.options["request"], "may_be_empty": True}
        if part == "deletes":
            request |= {"path": f"{request['path']}/deletes", "none_when": NOT_OFFERED}
        elif self._stream.name not in self._pull.since:  # what was never given may not be ours to read
            request["none_when"] = NOT_OFFERED
        return replace(self._stream, options={**self._stream.options, "request": request})

    def _page(self, part: str, body: bytes, position: Position) -> Page:
        folder = self._stream.name if part == "rows" else f"{self._stream.name}/deletes"
        more = {"part": part, "position": vars(position), "window": vars(self._window)}
        return Page(f"{folder}/{position.page:06}.json", body, self._stream.name, more)
