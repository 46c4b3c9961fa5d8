"""Any API of Google's that its own client library has a discovery document for: which methods are asked is data."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

from hub.connectors.http import answers
from hub.connectors.pulling import Page, Pull, is_open_line
from hub.connectors.reaching import authority_of, proxy_of, unreached
from hub.errors import AskVendor, FixConfiguration, HubError, RetryLater
from hub.model import Stream, StreamEnd

_RETRIES = 6  # the library's own, with random waits of up to 1, 2, 4, 8, 16 and 32 seconds
_TIMEOUT = 60.0  # seconds
# Its warnings of a retry hold whole addresses.
logging.getLogger("googleapiclient.http").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Position:
    """Where a stream goes on: after `page` of the `parent`-th row that it is asked for. `ids` are those of its own
    rows so far, where the pages of another stream are asked for by them; `last` is the digest of the page's rows."""

    parent: int = 0
    page: int = 0
    token: str | None = None
    ids: tuple[str, ...] = ()
    last: str = ""

    @property
    def whole(self) -> bool:
        return self.page > 0 and self.token is None


def fetch(pull: Pull) -> Iterator[Page | StreamEnd]:
    """Every page of every stream: `request` names the `method` of the API, its `params`, where its `items` are, and
    for lists that belong to the rows of another stream `each: {stream: ..., param: ...}` (by their `id`).

    Raises RetryLater when Google is away or cuts an answer off, FixConfiguration when it refuses the account or a
    method, AskVendor for an answer with an error in it.
    """
    with closing(_service(pull)) as service:
        yield from _streams(pull, service)


def _streams(pull: Pull, service: Any) -> Iterator[Page | StreamEnd]:
    ids: dict[str, tuple[str, ...]] = {}
    for stream in pull.streams:
        kept = pull.resume.get(stream.name)
        start = Position(**{**kept, "ids": tuple(kept["ids"])}) if kept else Position()
        ids[stream.name] = start.ids
        if stream.name in pull.ended:
            continue
        each = stream.options["request"].get("each")
        for page in _pages(pull, service, stream, ids[each["stream"]] if each else ("",), start):
            ids[stream.name] = tuple(page.position["ids"])
            yield page
        yield StreamEnd(stream.name, "full")


def _pages(pull: Pull, service: Any, stream: Stream, parents: tuple[str, ...], last: Position) -> Iterator[Page]:
    asked = stream.options["request"]
    wanted = any(s.options["request"].get("each", {}).get("stream") == stream.name for s in pull.streams)
    if last.whole:
        last = replace(last, parent=last.parent + 1, page=0)
    while last.parent < len(parents):
        parent = parents[last.parent]
        number = last.page + 1
        where = f"{pull.source}: {stream.name}, page {number}"
        if parent:
            where += f" of {last.parent + 1} of {len(parents)} {asked['each']['stream']}"
        params = {**asked.get("params", {}), **({asked["each"]["param"]: parent} if parent else {})}
        if last.token:
            params["pageToken"] = last.token
        body, answer = _answer(pull, where, service, asked["method"], params)
        token = answer.get("nextPageToken")
        rows = _items(where, asked["items"], answer)
        (digest,) = answers.digests([json.dumps(rows, sort_keys=True)])
        if (token and token == last.token) or (rows and last.page and digest == last.last):
            raise RetryLater(f"{where}: the same page comes again.", "The next sync asks anew.")
        if not (rows or token or last.page or parent or asked.get("may_be_empty")):
            raise answers.empty(where)
        mine = tuple(str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row) if wanted else ()
        last = Position(last.parent, number, token, last.ids + mine, digest)
        folder = f"{stream.name}/{quote(parent, safe='')}" if parent else stream.name
        yield Page(f"{folder}/{number:06}.json", body, stream.name, asdict(last))
        if last.whole:
            last = replace(last, parent=last.parent + 1, page=0)


def _answer(pull: Pull, where: str, service: Any, method: str, params: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    from google.auth.exceptions import GoogleAuthError, RefreshError
    from googleapiclient.errors import HttpError
    from httplib2 import HttpLib2Error

    *resources, verb = method.split(".")
    try:
        for name in resources:
            service = getattr(service, name)()
        request = getattr(service, verb)(**params)
    except (AttributeError, TypeError):
        raise FixConfiguration(
            f"{where}: the API has no method {method} with these params.", "Correct `request:` in the vendor's folder."
        ) from None
    request.postproc = lambda _, content: content  # the bytes, as they came
    try:
        body: bytes = request.execute(num_retries=_RETRIES)
        answer = json.loads(body)
    except HttpError as error:  # its text may hold the whole address
        raise _refused(where, int(error.resp.status)) from None
    except RefreshError:
        raise FixConfiguration(
            f"{where}: Google gives this account no access.",
            "Check `auth:`: the key, the scopes that the domain allows it, and the account it acts for (`subject`).",
        ) from None
    except (GoogleAuthError, HttpLib2Error, HTTPException, OSError) as error:
        raise unreached(pull, where, error) or RetryLater(
            f"{where}: no whole answer came ({type(error).__name__}).",
            "Check the network; the next sync goes on there.",
        ) from None
    except (ValueError, RecursionError):
        raise RetryLater(
            f"{where}: the answer is no JSON.", "A proxy or a maintenance page may stand in between: look at `url`."
        ) from None
    if not isinstance(answer, dict) or "error" in answer:
        raise AskVendor(f"{where}: the answer is an error and no page.", "Ask for the same in Google's API explorer.")
    return body, answer


def _items(where: str, name: str, answer: dict[str, Any]) -> list[Any]:
    """The rows of a page. Google leaves an empty list out: nothing but the next token may stand in its place."""
    found, more = answer.get(name, []), answer.get("nextPageToken", "")
    strange = answer.keys() - {name, "nextPageToken"} if not found else set()
    if not isinstance(found, list) or not isinstance(more, str) or strange:
        raise AskVendor(
            f"{where}: the answer has no list {name} (rule http.envelope).",
            "Write what the list is called as `items:` of the stream's request in the vendor's folder.",
        )
    return found


def _refused(where: str, status: int) -> HubError:
    if status == 429 or status >= 500:
        return RetryLater(f"{where}: Google answers {status} each time.", "The next sync goes on there.")
    if 300 <= status < 400:
        return FixConfiguration(
            f"{where}: the server sends the caller elsewhere (status {status}).",
            "Write the address it really has under `url`, or leave `url` out for Google's own.",
        )
    if status in (401, 403):
        return FixConfiguration(
            f"{where}: Google refuses this account (status {status}).",
            "Check the scopes, the account it acts for (`subject`), and that the API is enabled for the project.",
        )
    return RetryLater(
        f"{where}: Google answers {status}.", "What was listed may be gone since: the next sync lists it anew."
    )


def _service(pull: Pull) -> Any:
    import google_auth_httplib2
    import httplib2
    from google.api_core.client_options import ClientOptions
    from googleapiclient.discovery import build
    from googleapiclient.errors import UnknownApiNameOrVersion

    words = pull.transport
    proxy = _proxy(pull)
    http = httplib2.Http(
        timeout=float(words.get("timeout", _TIMEOUT)), proxy_info=lambda _=None: proxy, ca_certs=authority_of(pull)
    )
    http.follow_redirects = False  # an API is where it says: what is sent on goes to nobody knows whom
    url = words.get("url")
    if url and is_open_line(url):
        raise FixConfiguration(f"{pull.source}: students' data would go over an open line.", "Write https:// in `url`.")
    options = ClientOptions(api_endpoint=url.rstrip("/") + "/") if url else None
    authorized = google_auth_httplib2.AuthorizedHttp(_credentials(pull), http=http)
    try:
        return build(words["api"], words["version"], http=authorized, client_options=options, static_discovery=True)
    except UnknownApiNameOrVersion:
        raise FixConfiguration(
            f"{pull.source}: Google's library has no API {words['api']} {words['version']}.",
            "Correct `transport:` in the vendor's folder.",
        ) from None


def _proxy(pull: Pull) -> Any:
    import httplib2

    said = proxy_of(pull)
    if said is None:
        return None
    if said.scheme != "http":
        raise FixConfiguration(
            f"{pull.source}: Google's library does not speak TLS to a proxy.", "Write its http:// address as `proxy`."
        )
    # Not from its address: that would read NO_PROXY of the environment.
    return httplib2.ProxyInfo(3, said.host, said.port, proxy_user=said.user or None, proxy_pass=said.password or None)


def _credentials(pull: Pull) -> Any:
    """A service account that acts for an administrator (`key_file`, `subject`), or what a person once granted."""
    from google.oauth2 import credentials, service_account

    auth, scopes = pull.transport.get("auth", {}), pull.transport["scopes"]
    if "key_file" in auth:
        try:
            return service_account.Credentials.from_service_account_file(
                auth["key_file"], scopes=scopes, subject=auth.get("subject")
            )
        except (OSError, ValueError):
            raise FixConfiguration(
                f"{pull.source}: auth.key_file is no key of a service account that can be read.",
                "Name the JSON file that Google's console gave, and let the account which runs the hub read it.",
            ) from None
    return credentials.Credentials(
        None,
        refresh_token=_secret(pull, "refresh_token"),
        client_id=_secret(pull, "client_id"),
        client_secret=_secret(pull, "client_secret"),
        token_uri=auth.get("token_url", "https://oauth2.googleapis.com/token"),
        scopes=scopes,
    )


def _secret(pull: Pull, key: str) -> str:
    name = pull.transport.get("auth", {}).get(f"{key}_env")
    if not name:
        raise FixConfiguration(
            f"{pull.source}: auth.{key}_env is missing.",
            "Write `auth: {key_file: FILE, subject: ADMINISTRATOR}`, or name client_id_env, client_secret_env and "
            "refresh_token_env.",
        )
    return pull.secret(str(name), f"auth.{key}_env")
