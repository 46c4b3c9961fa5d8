"""What came with status 200 is not believed: is it the data, all of it, or a page, an error, a warning?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

from hub.connectors.http.session import Answer
from hub.errors import AskVendor, FixConfiguration, HubError, RetryLater

#: Keys of an answer that say that it is none, and keys that say that it may not be whole; dotted, `key=value` too.
ERRORS = ("error", "errors", "exception", "imsx_codeMajor=failure", "imsx_codeMajor=unsupported")
WARNINGS = ("warnings",)


def refuse_status(where: str, answer: Answer) -> None:
    """Raises what to do about a status that is not 200: nothing, wait, or correct hub.yaml."""
    status = answer.status
    if status == 200:
        return
    if status in (401, 403):
        raise FixConfiguration(
            f"{where}: the server refuses these credentials (status {status}, rule http.refused).",
            "Check `auth:` and what the account may read with who issued it; a list that it is not meant to read is "
            "left out by `transport: {skip: [STREAM]}`.",
        )
    if status in (404, 405, 410):
        raise FixConfiguration(
            f"{where}: the server knows no such address (status {status}, rule http.not_found).",
            "Check `url` in hub.yaml; a list this server does not have is left out by `transport: {skip: [STREAM]}`.",
        )
    if status == 429 or status >= 500:
        raise RetryLater(
            f"{where}: the server answers {status} each time (rule http.busy).", "The next sync goes on there."
        )
    raise AskVendor(
        f"{where}: the server refuses the request (status {status}, rule http.request).",
        "Check the request's words in the vendor's folder and under `transport:` with the vendor's documents.",
    )


def parsed(where: str, answer: Answer) -> Any:
    """The JSON of an answer. Raises RetryLater for what is cut off or made for people, AskVendor for no UTF-8."""
    body = answer.body
    if not body.strip():
        raise RetryLater(f"{where}: the answer is empty (rule http.no_json).", "The next sync asks again.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise AskVendor(
            f"{where}: the answer is not UTF-8, whatever its header says (rule http.encoding).",
            "JSON is UTF-8 (RFC 8259, 8.1): have the vendor send it so.",
        ) from None
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        html = text.lstrip("\ufeff \t\r\n")[:1] == "<"
        what = "a page for people" if html else "no whole JSON"
        raise RetryLater(
            f"{where}: the answer is {what} (status {answer.status}, rule http.no_json).",
            "A login, a maintenance page or a proxy stands in between, or the answer was cut off: look at `url`.",
        ) from None


def items_of(
    where: str,
    body: Any,
    paths: Sequence[str],
    errors: Sequence[str],
    warnings: Sequence[str],
    *,
    may_be_missing: bool = False,
) -> list[Any]:
    """The rows of a page, under the first of `paths` that it has; "" is the body itself. A single one may stand there
    without a list around it, and with `may_be_missing` an object without any has no rows.

    Raises AskVendor where it says an error or a warning, or has another envelope.
    """
    if isinstance(body, dict):
        _refuse_said(where, body, errors, "an error in place of data", "http.error_body")
        _refuse_said(where, body, warnings, "a warning: the data may not be whole", "http.warning")
    for path in paths:
        found = at(body, path)
        if isinstance(found, list):
            return found
        if path and isinstance(found, dict):
            return [found]
    if may_be_missing and isinstance(body, dict):
        return []
    raise AskVendor(
        f"{where}: the answer has no list {' or '.join(p or 'as its body' for p in paths)} (rule http.envelope).",
        "Write where the rows stand as `items:` of the stream's request in the vendor's folder.",
    )


def _refuse_said(where: str, body: dict[str, Any], keys: Sequence[str], what: str, rule: str) -> None:
    for key in keys:
        path, _, value = key.partition("=")
        found = at(body, path)
        if str(found) == value if value else found not in (None, [], {}, "", False, 0):
            raise AskVendor(
                f"{where}: the server answers with {what} (its key {path}, rule {rule}).",
                "Ask it for the same with another program; check what the account may read.",
            )


def at(value: Any, path: str) -> Any:
    """What stands under a dotted path, or None."""
    for part in path.split(".") if path else ():
        value = value.get(part) if isinstance(value, dict) else None
    return value


def marks(items: Sequence[Any], key: Sequence[str | Sequence[str]]) -> list[str]:
    """What tells the rows of a page from those of the next."""
    only = key[0] if len(key) == 1 else None
    if isinstance(only, str):  # nearly always, and in a tenth of the time
        with suppress(KeyError, IndexError, TypeError):
            plain = list(map(itemgetter(only), items))
            if set(map(type, plain)) == {str}:
                return plain
    return [mark(row, key) for row in items]


def mark(item: Any, key: Sequence[str | Sequence[str]]) -> str:
    """What tells one row from another on the next page: its key, else all of it.
    Of a part that several paths may hold the first counts that does.
    """
    named = [
        next(
            (found for path in ([part] if isinstance(part, str) else part) if (found := at(item, path)) is not None),
            None,
        )
        for part in key
    ]
    if len(named) == 1 and isinstance(named[0], str):
        return named[0]
    said = named if key and None not in named else item
    return json.dumps(said, sort_keys=True)


def digests(marks: Sequence[str]) -> list[str]:
    """Marks as they may be written down."""
    return [hashlib.blake2b(m.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest() for m in marks]


def _refuse(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are no JSON


def unsettled(where: str) -> HubError:
    return RetryLater(
        f"{where}: the list changes faster than it can be read (rule http.moving).",
        "Sync at an hour at which nobody works, or ask for larger pages.",
    )


def empty(where: str) -> HubError:
    return AskVendor(
        f"{where}: the list is empty (rule http.empty).",
        "An empty list never deletes: check what the account may read, and that the school year has begun there.",
    )


def total(place: dict[str, str], answer: Answer, body: Any) -> int | None:
    """How many rows the server says there are, where `paging: {total: {header: NAME}}` or `{body: path}` tells."""
    said = answer.headers.get(place["header"]) if "header" in place else at(body, place["body"]) if place else None
    try:
        return int(said) if said is not None else None
    except (TypeError, ValueError):
        return None
