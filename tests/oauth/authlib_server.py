"""A token endpoint by Authlib: client credentials, assertions, refresh tokens that rotate."""

import json
import secrets
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, TokenMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7523 import JWTBearerGrant
from joserfc.jwk import ECKey, RSAKey

from tests.oauth.servers import Received, reply

Key = RSAKey | ECKey


class _Request(OAuth2Request):
    """A request as Authlib wants it: the path only, as its port is this test's own."""

    def __init__(self, received: Received) -> None:
        headers = {name.title(): value for name, value in received.headers.items()}
        super().__init__(received.method, f"https://issuer.test{received.target}", headers=headers)
        self.payload = BasicOAuth2Payload(received.form)

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class Client(ClientMixin):
    """A registered client: its secret and method, or the public key of its assertions."""

    def __init__(self, name: str, method: str, secret: str = "", key: Key | None = None) -> None:
        self.name, self.method, self.secret, self.key = name, method, secret, key

    def get_client_id(self) -> str:
        return self.name

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return True

    def get_allowed_scope(self, scope: str) -> str:
        return scope or ""


class _Token(dict[str, Any], TokenMixin):
    """A refresh token's record."""

    def check_client(self, client: Client) -> bool:
        return self["client"] == client.name

    def get_scope(self) -> str:
        return self.get("scope") or ""


class AuthlibServer(AuthorizationServer):
    """The server; `tokens` are the live refresh tokens, by their text."""

    def __init__(self, *clients: Client) -> None:
        super().__init__()
        self.clients = {client.name: client for client in clients}
        self.tokens: dict[str, _Token] = {}
        self.audience = ""
        self.register_token_generator("default", _generated)
        for grant in (_Credentials, _Refresh, _Assertion):
            self.register_grant(grant)

    async def __call__(self, request: Received) -> bytes:
        """Answer a request."""
        return self.create_token_response(request)

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        if text := token.get("refresh_token"):
            self.tokens[text] = _Token(token, client=request.client.name)

    def seed(self, client: str, scope: str = "") -> bytes:
        """A live refresh token."""
        text = secrets.token_urlsafe(24)
        self.tokens[text] = _Token(refresh_token=text, client=client, scope=scope)
        return text.encode()

    def create_oauth2_request(self, request: Received) -> OAuth2Request:
        return _Request(request)

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> bytes:
        return reply(json.dumps(body), status)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""


def _generated(
    grant_type: str, client: Client, scope: str | None, include_refresh_token: bool, **_: object
) -> dict[str, Any]:
    token = {"token_type": "Bearer", "access_token": secrets.token_urlsafe(24), "expires_in": 600}
    more = {"scope": scope} if scope else {}
    if include_refresh_token:
        more["refresh_token"] = secrets.token_urlsafe(24)
    return {**token, **more}


class _Credentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class _Refresh(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _Token | None:
        return self.server.tokens.get(refresh_token)

    def authenticate_user(self, refresh_token: _Token) -> str:
        return "jo"

    def revoke_old_credential(self, refresh_token: _Token) -> None:
        del self.server.tokens[refresh_token["refresh_token"]]


class _Assertion(JWTBearerGrant):
    def resolve_issuer_client(self, issuer: str) -> Client | None:
        return self.server.clients.get(issuer)

    def resolve_client_public_key(self, client: Client) -> Key:
        return client.key

    def authenticate_user(self, subject: str) -> str | None:
        return subject if subject in ("svc", "user@example.com") else None

    def has_granted_permission(self, client: Client, user: str) -> bool:
        return True

    def get_audiences(self) -> list[str]:
        return [self.server.audience]
