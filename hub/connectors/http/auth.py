"""Who asks, in the ways that vendors know. Secrets come from the environment and go nowhere but into the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from requests.auth import AuthBase, HTTPBasicAuth

from hub.connectors.pulling import Pull, is_open_line
from hub.errors import FixConfiguration, RetryLater

KINDS = ("none", "oauth2", "oauth1", "bearer", "key", "basic", "form")


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


class Granted:
    """What a source is allowed to ask with, made when it is first needed.

    `post` sends a form to the token server. Raises FixConfiguration for a kind it does not know, for secrets over an
    open line, and for credentials that the token server refuses.
    """

    def __init__(self, pull: Pull, post: Callable[..., Any]) -> None:
        self._pull, self._post = pull, post
        self._words = {"kind": "none", **pull.transport.get("auth", {})}
        self._auth: AuthBase | None = None
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
            if self._auth is None and self._words["kind"] != "none":
                self._auth = self._made()
            return self._auth

    def renew(self, used: AuthBase | None) -> bool:
        """A token that has expired is thrown away, unless another thread did already; False where there is none."""
        if self._words["kind"] != "oauth2" or used is None:
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
        answer = self._post(url, form, auth, {"Accept": "application/json"})
        if answer.status in (429, 500, 502, 503, 504):
            raise RetryLater(
                f"{self._pull.source}: the token server answers {answer.status}.", "It is busy: sync again later."
            )
        try:
            return str(parse_token_response(answer.body.decode(), scope=None)["access_token"])
        except (OAuth2Error, ValueError, KeyError, json.JSONDecodeError):
            raise FixConfiguration(
                f"{self._pull.source}: the token server gives no token (status {answer.status}).",
                "Check auth.token_url, client_id_env, client_secret_env and scope with who issued them.",
            ) from None


def _refuse_open(source: str, url: str) -> None:
    if is_open_line(url):
        raise FixConfiguration(
            f"{source}: secrets and students' data would go over an open line.", "Write https:// in `url`."
        )
