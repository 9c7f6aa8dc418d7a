"""Against Authlib's server: what another implementation makes of our requests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from proxy_core.domain.oauth import AuthMethod, OAuthClient, TokenError
from proxy_core.oauth.endpoint import TokenEndpoint
from tests.oauth.authlib_server import AuthlibServer, Client, Key
from tests.oauth.servers import listening, plain_http

SECRET = "s3cret/+ :%é"
METHODS = ["client_secret_basic", "client_secret_post"]
KEYS: dict[str, Key] = {
    "RSA": RSAKey.generate_key(2048),
    "EC": ECKey.generate_key("P-256"),
}


@asynccontextmanager
async def serving(*clients: Client) -> AsyncIterator[tuple[AuthlibServer, str]]:
    """A server that knows these clients, and its token URL."""
    server = AuthlibServer(*clients)
    async with listening(server) as port:
        server.audience = f"http://127.0.0.1:{port}/token"
        yield server, server.audience


async def asserted(key: Key, known: Key, **changes: Any) -> TokenError | None:
    """What the server says to an assertion signed with `key`, when it knows `known`."""
    async with serving(Client("svc", "none", key=known)) as (_, url):
        client = OAuthClient(token_url=url, client_id="svc", **changes)
        try:
            tokens = await TokenEndpoint(plain_http()).jwt_bearer(client, key.as_pem(private=True))
        except TokenError as error:
            return error
        assert tokens.access_token
        return None


@pytest.mark.parametrize("kind", KEYS)
async def test_assertions_are_accepted(kind: str) -> None:
    """Signature, issuer, subject, audience and times are as RFC 7523 wants them."""
    assert await asserted(KEYS[kind], KEYS[kind]) is None


async def test_assertions_for_another_person() -> None:
    """A subject of its own is accepted where the server knows it."""
    key = KEYS["EC"]
    assert await asserted(key, key, assertion={"subject": "user@example.com"}) is None


@pytest.mark.parametrize(
    "assertion", [{"audience": "https://other.test"}, {"issuer": "x"}, {"subject": "x"}]
)
async def test_assertions_that_say_something_else(assertion: dict[str, str]) -> None:
    """The server's refusal is final."""
    error = await asserted(KEYS["EC"], KEYS["EC"], assertion=assertion)
    assert error is not None
    assert (error.final, error.code) == (True, "invalid_grant")


async def test_assertions_by_another_key() -> None:
    """A signature that the server can't verify is refused."""
    error = await asserted(ECKey.generate_key("P-256"), KEYS["EC"])
    assert error is not None
    assert (error.final, error.code) == (True, "invalid_grant")


@pytest.mark.parametrize("method", METHODS)
async def test_secrets_with_every_awkward_character(method: str) -> None:
    """The server reads the very secret that was configured."""
    async with serving(Client("svc 1", method, SECRET)) as (_, url):
        client = OAuthClient(
            token_url=url, client_id="svc 1", auth_method=AuthMethod(method), scopes=("a", "b")
        )
        endpoint = TokenEndpoint(plain_http())
        tokens = await endpoint.client_credentials(client, SECRET.encode())
        with pytest.raises(TokenError) as caught:
            await endpoint.client_credentials(client, b"wrong")
    assert tokens.scopes == ("a", "b")
    assert (caught.value.final, caught.value.code) == (True, "invalid_client")


@pytest.mark.parametrize("method", ["none", *METHODS])
async def test_rotation(method: str) -> None:
    """A refresh token works once, whatever the client's method."""
    async with serving(Client("cli", method, SECRET)) as (server, url):
        client = OAuthClient(token_url=url, client_id="cli", auth_method=AuthMethod(method))
        secret = None if method == "none" else SECRET.encode()
        endpoint, first = TokenEndpoint(plain_http()), server.seed("cli", "a b")
        second = await endpoint.refresh(client, secret, first)
        third = await endpoint.refresh(client, secret, second.refresh_token or b"")
        with pytest.raises(TokenError) as caught:
            await endpoint.refresh(client, secret, first)
    assert third.scopes == ("a", "b")
    assert (caught.value.final, caught.value.code) == (True, "invalid_grant")
