"""How servers hand out a long list, and how one knows that it was all of it.

Totals and links are looked at and never trusted. A list by offset is read with an overlap of one row: what does not
begin where the page before ended has moved while it was read, and is read from further back. A short page ends
nothing (servers clamp the size that is asked for): only a page with nothing new does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from hub.connectors.http.answers import at, digests
from hub.connectors.http.session import Answer
from hub.errors import AskVendor, RetryLater

KINDS = ("none", "offset", "page", "link", "token")
SIZE, STEPS_BACK, REMEMBERED = 500, 3, 20


@dataclass(frozen=True)
class Sheet:
    """One page as it came: its `marks` tell its rows from others; `total` is what the server says there are."""

    answer: Answer
    body: Any
    marks: list[str]
    total: int | None


@dataclass(frozen=True)
class Position:
    """Where a list goes on: `at` is the next offset, page number, token or address. JSON by `vars`."""

    at: Any = None
    page: int = 0  # pages had so far
    rows: int = 0
    last: list[str] = field(default_factory=list)  # digests of the marks at the end of the page before
    total: int | None = None
    least: int | None = None  # the smallest total so far: what is there throughout
    first: int = 0  # rows of the first page

    def after(self, at: Any, rows: int, sheet: Sheet) -> Position:
        """The position behind a page that has `rows` new rows."""
        totals = [t for t in (self.least, sheet.total) if t is not None]
        least = min(totals) if totals else None
        first = self.first or len(sheet.marks)
        last = digests(sheet.marks[-REMEMBERED:])
        return Position(at, self.page + 1, self.rows + rows, last, sheet.total, least, first)


class Moved(Exception):
    """The list changed while it was read in a way that a row may have been passed over."""


#: Asks for a page by the number it would have, its parameters, and its address where a link gave one.
Read = Callable[[int, dict[str, Any], str], Sheet | None]


@dataclass(frozen=True)
class Pager:
    """`words` are those of `paging:`; `where` names a page in an error; `url` is the address of the list."""

    words: dict[str, Any]
    where: Callable[[int], str]
    url: str

    def pages(self, read: Read, start: Position) -> Iterator[tuple[Sheet, Position]]:
        """Every page that has something new, each with where the list goes on after it.

        Raises Moved, RetryLater or AskVendor rather than leave a row out.
        """
        kind = self.words.get("kind", "none")
        walk = {"offset": self._by_offset, "page": self._by_number, "none": self._at_once}.get(kind, self._by_next)
        return walk(read, start)

    @property
    def size(self) -> int:
        return int(self.words.get("size", SIZE))

    def _sized(self, **more: Any) -> dict[str, Any]:
        limit = self.words.get("limit", "limit")
        return {limit: self.size, **more} if limit else more

    def _at_once(self, read: Read, start: Position) -> Iterator[tuple[Sheet, Position]]:
        sheet = read(1, {}, "")
        if sheet is not None:
            here = start.after(None, len(sheet.marks), sheet)
            self._refuse_fewer(here, sheet)
            yield sheet, here

    def _by_offset(self, read: Read, here: Position) -> Iterator[tuple[Sheet, Position]]:
        low, careful = int(self.words.get("first", 0)), bool(self.words.get("overlap", 1))
        offset, last, steps = int(here.at or low), here.last, 0
        overlap = 1 if careful and last else 0
        while True:
            sheet = read(here.page + 1, self._window(offset), "")
            came = sheet.marks if sheet else []
            marks = digests(came) if last is here.last else came  # a pull that is taken up again knows only digests
            seen = set(last)
            fresh = len(marks) - sum(map(seen.__contains__, marks))
            if overlap and not seen.intersection(marks):
                if steps == STEPS_BACK or offset <= low:
                    raise Moved
                back = min(offset - low, max(len(last) - 1, 1))
                offset, overlap, steps = offset - back, overlap + back, steps + 1
                continue
            if last and marks and not fresh and len(marks) > overlap:
                raise self._repeated(here.page + 1)
            if steps and not fresh and len(marks) > 1:  # joined again, further back: what follows was not read yet
                offset, overlap = offset + len(marks) - 1, 1
                continue
            if sheet is None or (here.page and not fresh):
                break
            # A page of one row could hold nothing but the overlap: there it would end every list.
            overlap = 1 if careful and len(marks) > 1 else 0
            offset, last, steps = offset + len(marks) - overlap, came, 0
            here = here.after(offset, fresh, sheet)
            yield sheet, here
            if not marks:
                return
        self._refuse_fewer(here, sheet)

    def _window(self, offset: int) -> dict[str, Any]:
        name = self.words.get("offset", "offset")
        if "until" in self.words:  # the number of the last row in place of a size
            return {name: offset, self.words["until"]: offset + self.size - 1}
        return self._sized(**{name: offset})

    def _by_number(self, read: Read, here: Position) -> Iterator[tuple[Sheet, Position]]:
        number = int(here.at or self.words.get("first", 1))
        while True:
            sheet = read(here.page + 1, self._sized(**{self.words.get("page", "page"): number}), "")
            if sheet is None or (here.page and not sheet.marks):
                break
            _refuse_shrunk(here, sheet)
            if here.last and digests(sheet.marks[-REMEMBERED:]) == here.last:
                raise self._repeated(here.page + 1)
            if here.page and (here.rows != here.page * here.first or len(sheet.marks) > here.first):
                raise Moved  # pages of several sizes do not join
            number += 1
            here = here.after(number, len(sheet.marks), sheet)
            yield sheet, here
            if not sheet.marks:
                return
        self._refuse_fewer(here, sheet)

    def _by_next(self, read: Read, here: Position) -> Iterator[tuple[Sheet, Position]]:
        following, had = here.at, {here.at}
        while True:
            sheet = read(here.page + 1, *self._asked(following))
            if sheet is None:
                return
            _refuse_shrunk(here, sheet)
            if sheet.marks and digests(sheet.marks[-REMEMBERED:]) == here.last:
                raise self._repeated(here.page + 1)
            following = self._next(here.page + 1, sheet)
            if following in had and following is not None:
                raise self._repeated(here.page + 1)
            had.add(following)
            here = here.after(following, len(sheet.marks), sheet)
            if following is None:
                self._refuse_fewer(here, sheet)
            yield sheet, here
            if following is None:
                return

    def _asked(self, following: Any) -> tuple[dict[str, Any], str]:
        if self.words["kind"] == "link":
            return ({}, following) if following else (self._sized(), "")
        if not following:
            return self._sized(), ""
        token = {self.words.get("token", "pageToken"): following}
        return self._sized(**token, **self.words.get("with_token", {})), ""

    def _next(self, page: int, sheet: Sheet) -> Any:
        """The token or address of the next page; None at the end."""
        place = self.words.get("next", {})
        if self.words["kind"] == "token":
            found = sheet.answer.headers.get(place["header"]) if "header" in place else at(sheet.body, place["body"])
            if isinstance(found, list | dict):
                raise self._no_next(page)
            return found or None
        if "body" in place:
            found = at(sheet.body, place["body"])
        elif "rel" in place:  # a list of {rel, uri} in the body
            links = at(sheet.body, "links") or []
            if not isinstance(links, list) or not all(isinstance(link, dict) for link in links):
                raise self._no_next(page)
            found = next((link.get("uri") for link in links if link.get("rel") == place["rel"]), None)
        else:
            found = sheet.answer.links.get("next")
            if found is None and not sheet.answer.links and len(sheet.marks) >= self.size:
                raise AskVendor(
                    f"{self.where(page)}: a full page, and no Link header says if more follow (rule http.no_link).",
                    "A proxy may strip the header: have it let through, or set another kind under `paging:`.",
                )
        return self._own(page, str(found)) if found else None

    def _own(self, page: int, link: str) -> str:
        """A link as an address of this server, with its scheme. Secrets go to no other."""
        base = urlsplit(self.url)
        try:
            whole = urlsplit(urljoin(self.url, link.strip("<> ")))
            foreign = whole.hostname != base.hostname or (whole.scheme == base.scheme and whole.port != base.port)
        except ValueError:  # a port or an address that is none
            raise self._no_next(page) from None
        if foreign or whole.scheme not in ("http", "https"):
            raise AskVendor(
                f"{self.where(page)}: the next page is said to be on another server (rule http.foreign_link).",
                "Write the address that the server gives itself under `url`, if it is the vendor's own.",
            )
        return whole._replace(scheme=base.scheme, netloc=base.netloc).geturl()

    def _no_next(self, page: int) -> AskVendor:
        return AskVendor(
            f"{self.where(page)}: what names the next page is no token or address (rule http.bad_next).",
            "Correct `paging: {next: ...}`, or have the vendor look at what its server sends there.",
        )

    def _refuse_fewer(self, here: Position, sheet: Sheet | None) -> None:
        totals = [t for t in (here.least, sheet.total if sheet else None) if t is not None]
        if totals and here.rows < min(totals):
            raise RetryLater(
                f"{self.where(here.page)}: the server says that there are {min(totals)} rows and gives {here.rows} "
                f"(rule http.total).",
                "Nothing of the pull was taken. Where its totals are always wrong: `transport: {paging: {total: {}}}`.",
            )

    def _repeated(self, page: int) -> RetryLater:
        return RetryLater(
            f"{self.where(page)}: the server gives the page before it again (rule http.repeated_page).",
            "It does not page as `paging:` says: correct that for this server, or set `kind: none` if it gives all "
            "at once.",
        )


def _refuse_shrunk(before: Position, sheet: Sheet) -> None:
    """A row that went makes the first row of the next page the last of one that was read."""
    if before.total is not None and sheet.total is not None and sheet.total < before.total:
        raise Moved
