"""A real OAuth 2 token server (Authlib) and a real OAuth 1.0a verifier (oauthlib), without a web framework."""

from __future__ import annotations

import time
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

CLIENT, SECRET = "maple-client", "s3cret canary:value"


class _Client(ClientMixin):
    def __init__(self, method: str) -> None:
        self.method = method

    def get_client_id(self) -> str:
        return CLIENT

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or "all"

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class _Grant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "client_secret_post"]


class _Request(OAuth2Request):
    def __init__(self, method: str, uri: str, form: dict[str, str], headers: Any) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload, self._form = BasicOAuth2Payload(form), form

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        return self._form


class TokenServer(AuthorizationServer):
    """`method` is how clients must show their secret: client_secret_basic or client_secret_post."""

    def __init__(self, method: str = "client_secret_basic", lasts: int = 3600) -> None:
        super().__init__()
        self.method, self.lasts, self.tokens, self.issued = method, lasts, {}, 0
        self.register_token_generator("default", BearerTokenGenerator(self._word, None, lambda *_: self.lasts))
        self.register_grant(_Grant)

    def _word(self, **_: Any) -> str:
        self.issued += 1
        return f"token-canary-{self.issued}"

    def query_client(self, client_id: str) -> _Client | None:
        return _Client(self.method) if client_id == CLIENT else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        self.tokens[token["access_token"]] = time.monotonic() + token["expires_in"]

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any]:
        return status, body

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def token(self, uri: str, body: bytes, headers: Any) -> tuple[int, Any]:
        form = dict(parse_qsl(body.decode()))
        return self.create_token_response(_Request("POST", uri, form, headers))

    def knows(self, authorization: str) -> bool:
        return self.tokens.get(authorization.removeprefix("Bearer "), 0) > time.monotonic()

    def expire(self) -> None:
        self.tokens.clear()


class _Secrets(RequestValidator):
    enforce_ssl, dummy_client, nonce_length = False, "nobody", (1, 60)

    @property
    def safe_characters(self) -> set[str]:
        return set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")

    client_key_length = (1, 60)

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return SECRET if client_key == CLIENT else "nothing"

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == CLIENT

    def validate_timestamp_and_nonce(self, *_: Any, **__: Any) -> bool:
        return True

    @property
    def allowed_signature_methods(self) -> tuple[str, ...]:
        return ("HMAC-SHA1", "HMAC-SHA256")


def signed(uri: str, headers: dict[str, str]) -> bool:
    """Whether the request is signed with OAuth 1.0a over every query parameter."""
    valid, _ = SignatureOnlyEndpoint(_Secrets()).validate_request(uri, "GET", "", headers)
    return bool(valid)
