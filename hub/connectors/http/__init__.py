"""Systems that answer over HTTP in JSON: each stream is a list to be read page by page; how is data of the vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote

from hub.connectors.http import answers
from hub.connectors.http.paging import KINDS, Moved, Pager, Position, Sheet
from hub.connectors.http.session import Session
from hub.connectors.pulling import Left, Page, Pull
from hub.connectors.side_by_side import side_by_side
from hub.errors import FixConfiguration
from hub.model import Stream, StreamAgain, StreamEnd

#: What `transport:` may say beside where the system is and who asks.
WORDS = {
    "kind", "url", "auth", "tls", "proxy", "timeout", "headers", "retry", "per_second", "max_bytes", "paging", "answer",
    "services", "changes", "skip", "params", "concurrency",
}  # fmt: skip
#: How a server says that it has no such list, or has it for others.
NOT_OFFERED = (403, 404, 405, 501)
_AGAIN = 2  # times that a list which moved is read anew
_MARGIN = 300  # seconds by which clocks may differ


def fetch(pull: Pull) -> Iterator[Page | Left | StreamEnd | StreamAgain]:
    """Every page of every stream that the vendor's folder asks for, `concurrency` streams at a time. An `optional`
    list that was never given and is not offered comes as `Left`.

    Raises as hub.connectors.fetch; what the transport's words leave open is FixConfiguration before anything is asked.
    """
    refuse_unknown(pull, WORDS)
    with closing(Session(pull)) as session:
        yield from _streams(pull, session)


def _streams(pull: Pull, session: Session) -> Iterator[Page | Left | StreamEnd | StreamAgain]:
    ids: dict[str, set[str]] = {}
    wanted = {s.options["request"]["each"]["stream"] for s in pull.streams if "each" in s.options.get("request", {})}
    reads: dict[str, Callable[[], Iterator[Page | Left | StreamEnd | StreamAgain]]] = {}
    after: dict[str, str] = {}
    for stream in asked_for(pull):
        gather = ids.setdefault(stream.name, set()) if stream.name in wanted else None
        if gather is not None and stream.name in pull.resume:
            gather.update(pull.resume[stream.name]["ids"])
        if stream.name not in pull.ended:
            reads[stream.name] = partial(Reader(pull, session, stream).read, gather, ids)
            after[stream.name] = stream.options["request"].get("each", {}).get("stream", "")
    yield from side_by_side(reads, after, at_once(pull))


def at_once(pull: Pull) -> int:
    """How many streams are asked for at a time: what `concurrency:` says, one without it."""
    return max(1, int(pull.transport.get("concurrency", 1)))


def asked_for(pull: Pull) -> list[Stream]:
    """The streams with a request, without those that this connection skips."""
    skip = pull.transport.get("skip", ())
    return [s for s in pull.streams if "request" in s.options and s.name not in skip]


class Reader:
    """One stream of one pull."""

    def __init__(self, pull: Pull, session: Session, stream: Stream) -> None:
        self.pull, self.session, self.stream = pull, session, stream
        self.request: dict[str, Any] = stream.options["request"]
        words = pull.transport
        items = stream.options.get("items", "")
        self.items = [items] if isinstance(items, str) else items
        self.key = [stream.options["paths"][column] for column in stream.options.get("key", ())]
        self.paging = {**words.get("paging", {}), **self.request.get("paging", {})}
        self.answer = {**words.get("answer", {}), **self.request.get("answer", {})}
        unknown = self.request.get("optional") and stream.name not in pull.since
        self.none_when = NOT_OFFERED if unknown else self.request.get("none_when", ())
        self.pages, self.refused = 0, 0  # pages had; the status with which the first was refused
        base = pull.address("url").rstrip("/")
        service = words.get("services", {}).get(self.request.get("service", ""), "")
        self.url = "/".join(part for part in (base, service, str(self.request["path"])) if part)
        if self.paging.get("kind", "none") not in KINDS:
            raise FixConfiguration(
                f"{pull.source}: paging.kind {self.paging['kind']} is not known.", f"Use one of {', '.join(KINDS)}."
            )

    def where(self, page: int) -> str:
        return f"{self.pull.source}: {self.stream.name}, page {page}"

    def read(
        self, gather: set[str] | None, ids: dict[str, set[str]]
    ) -> Iterator[Page | Left | StreamEnd | StreamAgain]:
        """The pages, then the end; from the beginning again where the list moved."""
        kept = self.pull.resume.get(self.stream.name)
        self.pages = 1 if kept else 0
        for attempt in range(_AGAIN + 1):
            began = kept["began"] if kept else datetime.now(UTC).isoformat()
            since = self.since(began)
            try:
                yield from self._pages(gather, ids, kept, began, since)
                break
            except Moved:
                if attempt == _AGAIN:
                    raise answers.unsettled(f"{self.pull.source}: {self.stream.name}") from None
                yield StreamAgain(self.stream.name)
                kept = None
        yield self.left() or self._end(began, since)

    def left(self) -> Left | None:
        """The list as one that is not offered, and why."""
        if not self.refused:
            return None
        why = "may not be read with these credentials" if self.refused == 403 else "is not offered by the server"
        return Left(self.stream.name, f"{why} (status {self.refused})")

    def _pages(
        self, gather: set[str] | None, ids: dict[str, set[str]], kept: Any, began: str, since: str
    ) -> Iterator[Page]:
        start = Position(**{k: v for k, v in kept.items() if k not in ("began", "each", "ids")}) if kept else Position()
        each, last = self.request.get("each"), kept.get("each", "") if kept else ""
        asked = sorted(ids.get(each["stream"], set()) - set(each.get("except", ()))) if each else [""]
        for one in asked[:1] if self.pull.first else asked:
            if one < last:
                continue
            begin = start if one == last else Position()
            for sheet, position in self.sheets(gather, begin, self._changes(since), one):
                # Those that follow ask for each of its rows, also in a pull that is taken up again.
                known = {} if gather is None else {"ids": sorted(gather)}
                yield self._page(sheet, position, {"began": began, "each": one, **known}, one)
            if self.refused:
                return

    def _page(self, sheet: Sheet, position: Position, more: dict[str, Any], one: str = "") -> Page:
        folder = f"{self.stream.name}/{quote(one, safe='')}/" if one else f"{self.stream.name}/"
        return Page(f"{folder}{position.page:06}.json", sheet.answer.body, self.stream.name, {**vars(position), **more})

    def sheets(
        self, gather: set[str] | None, start: Position, changes: dict[str, Any], one: str = ""
    ) -> Iterator[tuple[Sheet, Position]]:
        """The pages of the list, or of its part that belongs to `one` row of another stream."""
        if start.page and start.at is None:
            return  # its last page was had
        fixed = {**self.pull.transport.get("params", {}), **self.request.get("params", {}), **changes}
        url = self.url.replace("{each}", quote(one, safe=""))
        fixed = {k: v.replace("{each}", one) if isinstance(v, str) else v for k, v in fixed.items()}
        pager = Pager(self.paging, self.where, url)

        def read(page: int, params: dict[str, Any], link: str) -> Sheet | None:
            return self._sheet(page, link or url, {} if link else {**fixed, **params}, gather)

        found = pager.pages(read, start)
        yield from islice(found, 1) if self.pull.first else found

    def _sheet(self, page: int, url: str, params: dict[str, Any], gather: set[str] | None) -> Sheet | None:
        where, said = self.where(page), self.request
        method = said.get("method", "GET")
        body: dict[str, Any] = {"json": said.get("body", {})} if method == "POST" else {}
        if said.get("send") == "form":
            params, body = {}, {"data": params}
        answer = self.session.get(where.partition(": ")[2], url, params, method=method, **body)
        if self.pages == 0 and page == 1 and answer.status in self.none_when:
            self.refused = answer.status
            return None
        if page > 1 and answer.status in self.paging.get("past_end", ()):
            return None
        answers.refuse_status(where, answer)
        parsed = answers.parsed(where, answer)
        rows = answers.items_of(
            where,
            parsed,
            self.items,
            self.answer.get("errors", answers.ERRORS),
            self.answer.get("warnings", answers.WARNINGS),
            may_be_missing=bool(self.stream.options.get("may_be_missing")),
        )
        if (
            page == 1
            and not rows
            and not said.get("may_be_empty")
            and "each" not in said
            and not self._is_delta(params)
        ):
            raise answers.empty(where)
        if gather is not None:
            gather.update(str(found) for row in rows if (found := answers.at(row, said.get("id", "id"))) is not None)
        self.pages += 1
        marks = answers.marks(rows, self.key)
        return Sheet(answer, parsed, marks, answers.total(self.paging.get("total", {}), answer, parsed))

    # ---- changes since the last delivery

    def since(self, began: str) -> str:
        """From when on changes are enough; "" asks for everything: always, unless the connection trusts changes."""
        known, words = self.pull.since.get(self.stream.name), self.pull.transport.get("changes", {})
        if not known or "since" not in self.request or not words.get("use"):
            return ""
        return "" if is_due(self.pull, known["full"], began) else str(known["since"])

    def _changes(self, since: str) -> dict[str, Any]:
        said = self.request.get("since", {})
        return {said["param"]: said["as"].replace("{since}", since)} if since else {}

    def _is_delta(self, params: dict[str, Any]) -> bool:
        return bool(self.request.get("since")) and self.request["since"]["param"] in params

    def _end(self, began: str, since: str) -> StreamEnd:
        if "since" not in self.request:
            return StreamEnd(self.stream.name, "full")
        # Taken before the call: what changes while the list is read is asked for again.
        start = datetime.fromisoformat(began) - timedelta(seconds=_MARGIN)
        stamp = start.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        full = self.pull.since[self.stream.name]["full"] if since else began
        return StreamEnd(self.stream.name, "delta" if since else "full", {"since": stamp, "full": full})


def is_due(pull: Pull, full: str, now: str) -> bool:
    """Whether everything is asked for again: the last whole pull, at `full`, is `full_every_days` old."""
    age = datetime.fromisoformat(now) - datetime.fromisoformat(full)
    return age >= timedelta(days=float(pull.transport.get("changes", {}).get("full_every_days", 7)))


def refuse_unknown(pull: Pull, words: set[str]) -> None:
    """Raises FixConfiguration for words of the transport that nobody reads."""
    unknown = sorted(pull.transport.keys() - words)
    if unknown:
        raise FixConfiguration(
            f"{pull.source}: `transport:` has unknown words: {', '.join(unknown)}.",
            f"Use {', '.join(sorted(words))}.",
        )
