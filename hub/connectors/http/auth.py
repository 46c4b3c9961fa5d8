"""Who asks, in the ways that vendors know. Secrets come from the environment and go nowhere but into the request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from requests.auth import AuthBase, HTTPBasicAuth

from hub.connectors.pulling import Pull, is_open_line
from hub.errors import FixConfiguration, RetryLater

KINDS = ("none", "oauth2", "oauth1", "bearer", "key", "basic", "form", "session")
_RENEWED = ("oauth2", "session")


class _Header(AuthBase):
    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, request: Any) -> Any:
        request.headers[self._name] = self._value
        return request


class _Form(AuthBase):
    """A token among the fields of the form that is sent: never in an address."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, request: Any) -> Any:
        text = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        request.prepare_body([*parse_qsl(text, keep_blank_values=True), (self._name, self._value)], None)
        return request


class _Cookies(AuthBase):
    """The cookies of a sign-in in place of all others; none for the sign-in itself."""

    def __init__(self, cookies: Mapping[str, str]) -> None:
        self._line = "; ".join(f"{name}={value}" for name, value in sorted(cookies.items()))

    def __call__(self, request: Any) -> Any:
        request.headers.pop("Cookie", None)
        if self._line:
            request.headers["Cookie"] = self._line
        return request


class Granted:
    """What a source is allowed to ask with, made when it is first needed.

    `post` sends a body to where tokens are given or people sign in. Raises FixConfiguration for an unknown kind,
    for secrets over an open line, and for credentials that are refused.
    """

    def __init__(self, pull: Pull, post: Callable[..., Any]) -> None:
        self._pull, self._post = pull, post
        self._words = {"kind": "none", **pull.transport.get("auth", {})}
        self._auth: AuthBase | None = None
        self._until = float("inf")  # by the monotonic clock
        self._one = Lock()
        if self._words["kind"] not in KINDS:
            raise FixConfiguration(
                f"{pull.source}: auth.kind {self._words['kind']} is not known.", f"Use one of {', '.join(KINDS)}."
            )
        self._url = str(pull.transport.get("url", ""))
        if self._words["kind"] != "none":
            _refuse_open(pull.source, self._url)

    def auth(self) -> AuthBase | None:
        """What signs a request. Threads that need a new token wait for the one who asks for it."""
        with self._one:
            if time.monotonic() >= self._until:
                self._auth = None
            if self._auth is None and self._words["kind"] != "none":
                self._auth = self._made()
            return self._auth

    def is_ended(self, status: int, body: bytes) -> bool:
        """Whether an answer says that who asks has to say so anew: 401, or 403 with the word of `auth.ended`."""
        said = str(self._words.get("ended", "")).encode()
        return status == 401 or (status == 403 and said != b"" and said in body)

    def renew(self, used: AuthBase | None) -> bool:
        """A token that has expired is thrown away, unless another thread did already; False where there is none."""
        if self._words["kind"] not in _RENEWED or used is None:
            return False
        with self._one:
            if self._auth is used:
                self._auth = None
        return True

    def _secret(self, key: str) -> str:
        name = self._words.get(f"{key}_env")
        if not name:
            raise FixConfiguration(
                f"{self._pull.source}: auth.{key}_env is missing.",
                f"Write `{key}_env: NAME` under `auth:` of the source and put the value in the environment.",
            )
        return self._pull.secret(str(name), f"auth.{key}_env")

    def _made(self) -> AuthBase:
        kind = self._words["kind"]
        if kind == "oauth2":
            return _Header("Authorization", f"Bearer {self._token()}")
        if kind == "session":
            return self._signed_in()
        if kind == "oauth1":
            from requests_oauthlib import OAuth1

            made: AuthBase = OAuth1(
                self._secret("client_id"),
                self._secret("client_secret"),
                signature_method=self._words.get("signature", "HMAC-SHA1"),
            )
            return made
        if kind == "bearer":
            return _Header("Authorization", f"Bearer {self._secret('token')}")
        if kind == "form":
            return _Form(str(self._words.get("field", "token")), self._secret("token"))
        if kind == "key":
            return _Header(str(self._words.get("header", "X-API-Key")), self._secret("key"))
        return HTTPBasicAuth(self._secret("user").encode(), self._secret("password").encode())

    def _token(self) -> str:
        """OAuth 2 client credentials (RFC 6749, 4.4), by Basic or in the body as the server wants it."""
        from oauthlib.common import urldecode
        from oauthlib.oauth2 import BackendApplicationClient
        from oauthlib.oauth2.rfc6749.errors import OAuth2Error
        from oauthlib.oauth2.rfc6749.parameters import parse_token_response

        client_id, client_secret = self._secret("client_id"), self._secret("client_secret")
        url = str(self._words.get("token_url") or f"{self._url.rstrip('/')}/{self._words.get('token_path', '')}")
        if not {"token_url", "token_path"} & self._words.keys():
            raise FixConfiguration(
                f"{self._pull.source}: auth.token_url is missing.",
                "Write the address that gives tokens under `auth:`; who issued the credentials knows it.",
            )
        _refuse_open(self._pull.source, url)
        client = BackendApplicationClient(client_id)
        scope = self._words.get("scope")
        by_body = self._words.get("send", "basic") == "body"
        more = {"client_secret": client_secret} if by_body else {}
        form = dict(urldecode(client.prepare_request_body(include_client_id=by_body, scope=scope, **more)))
        auth = None if by_body else HTTPBasicAuth(client_id.encode(), client_secret.encode())
        answer = self._post("the token", url, auth, data=form)
        self._refuse_busy("the token server", answer.status)
        try:
            return str(parse_token_response(answer.body.decode(), scope=None)["access_token"])
        except (OAuth2Error, ValueError, KeyError, json.JSONDecodeError):
            raise FixConfiguration(
                f"{self._pull.source}: the token server gives no token (status {answer.status}).",
                "Check auth.token_url, client_id_env, client_secret_env and scope with who issued them.",
            ) from None

    def _signed_in(self) -> AuthBase:
        """A person's session: the cookies that the server gives for what `fields` name, renewed after `lasts` seconds.

        Lists for a session that ended are often empty with status 200, so it is given up before the server would.
        """
        url = f"{self._url.rstrip('/')}/{self._words.get('path', '')}"
        fields = self._words.get("fields", {})
        named = {name: self._secret(secret) for name, secret in fields.items()}
        began = time.monotonic()
        answer = self._post("the sign-in", url, _Cookies({}), json={**self._words.get("body", {}), **named})
        self._refuse_busy("the sign-in", answer.status)
        if answer.status != 200 or not answer.cookies:
            raise FixConfiguration(
                f"{self._pull.source}: the server does not let this account in (status {answer.status}).",
                f"Check what the variables of {', '.join(f'auth.{secret}_env' for secret in fields.values())} hold "
                "with who keeps the server; `auth: {body: {...}}` says more where the sign-in asks for more.",
            )
        self._refuse_less(answer.body)
        self._until = began + float(self._words.get("lasts", 900))
        return _Cookies(answer.cookies)

    def _refuse_less(self, body: bytes) -> None:
        """Raises FixConfiguration for an account with none of the roles that see everything: others get shorter
        lists, and what they do not see would read as deleted."""
        said = self._words.get("roles")
        if not said:
            return
        held: Any = []
        with suppress(ValueError, AttributeError):
            held = json.loads(body).get(said["at"])
        if not set(said["one_of"]) & set(held if isinstance(held, list) else [held]):
            raise FixConfiguration(
                f"{self._pull.source}: this account sees a part only: it is none of {', '.join(said['one_of'])}.",
                "Use an account of one of these roles: what another does not see would count as deleted.",
            )

    def _refuse_busy(self, who: str, status: int) -> None:
        if status in (429, 500, 502, 503, 504):
            raise RetryLater(f"{self._pull.source}: {who} answers {status}.", "It is busy: sync again later.")


def _refuse_open(source: str, url: str) -> None:
    if is_open_line(url):
        raise FixConfiguration(
            f"{source}: secrets and students' data would go over an open line.", "Write https:// in `url`."
        )
