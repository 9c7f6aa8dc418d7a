"""Against oidc-provider, a certified OpenID provider that rotates strictly: whole logins."""

import asyncio
from dataclasses import replace

import pytest

from proxy_core.domain.oauth import (
    AuthMethod,
    OAuthClient,
    TokenError,
    TokenSet,
    client_document,
    parse_callback,
    parse_client,
)
from proxy_core.oauth.authorization import authorization_request
from proxy_core.oauth.discovery import discover
from proxy_core.oauth.endpoint import TokenEndpoint
from proxy_core.oauth.loopback import LoopbackReceiver
from tests.oauth.person import Person
from tests.oauth.servers import plain_http

pytestmark = pytest.mark.xdist_group("oidc-provider")

SECRET = b"s3cret/+ :%"
REDIRECT = "http://127.0.0.1:9/callback"


async def configured(issuer: str, client_id: str = "public") -> OAuthClient:
    """A client of the issuer, by discovery."""
    confidential = client_id != "public"
    client = await discover(plain_http(), issuer, confidential=confidential)
    method = AuthMethod(client_id) if confidential else AuthMethod.NONE
    return replace(client, client_id=client_id, auth_method=method)


async def connected(client: OAuthClient, secret: bytes | None = None) -> TokenSet:
    """The tokens of a login whose callback is pasted."""
    request = authorization_request(client, REDIRECT)
    async with Person() as person:
        address = await person.connect(request.url, REDIRECT)
    code, state, issued_by = parse_callback(address)
    assert issued_by == client.issuer
    assert state == request.state
    return await TokenEndpoint(plain_http()).exchange_code(
        client, secret, code=code, redirect_uri=REDIRECT, verifier=request.verifier
    )


async def refused(client: OAuthClient, secret: bytes | None, token: bytes | None) -> TokenError:
    """The error of a refresh."""
    with pytest.raises(TokenError) as caught:
        await TokenEndpoint(plain_http()).refresh(client, secret, token or b"")
    return caught.value


async def test_discovery(issuer: str) -> None:
    """The issuer's own metadata gives every endpoint, and makes a document that can be kept."""
    client = await configured(issuer)
    assert client.issuer == issuer
    assert client.token_url == f"{issuer}/token"
    assert client.authorization_url == f"{issuer}/auth"
    assert client.device_authorization_url == f"{issuer}/device/auth"
    assert client.revocation_url == f"{issuer}/token/revocation"
    assert client.scopes == ("openid", "email", "offline_access")
    assert client.pkce
    assert parse_client(client_document(client), allow_http_loopback=True) == client


async def test_a_login_in_the_browser(issuer: str) -> None:
    """Code with PKCE over the loopback callback; the tokens say whose they are."""
    client = await configured(issuer)
    async with LoopbackReceiver(client) as receiver, Person("ann") as person:
        request = authorization_request(client, receiver.redirect_uri)
        address = await person.connect(request.url, receiver.redirect_uri)
        page, callback = await asyncio.gather(person.open(address), receiver.wait(request.state))
    assert page.status_code == 200
    tokens = await TokenEndpoint(plain_http()).exchange_code(
        client,
        None,
        code=callback.code,
        redirect_uri=request.redirect_uri,
        verifier=request.verifier,
    )
    assert tokens.refresh_token
    assert (tokens.subject.account_id, tokens.subject.email) == ("ann", "ann@example.com")
    assert tokens.expires_at is not None
    assert "offline_access" in tokens.scopes


async def test_rotation(issuer: str) -> None:
    """Each refresh gives a new pair; a used token is refused for good, with its whole family."""
    client = await configured(issuer)
    endpoint = TokenEndpoint(plain_http())
    first = await connected(client)
    second = await endpoint.refresh(client, None, first.refresh_token or b"")
    third = await endpoint.refresh(client, None, second.refresh_token or b"")
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    error = await refused(client, None, first.refresh_token)
    assert (error.final, error.code) == (True, "invalid_grant")
    assert (await refused(client, None, third.refresh_token)).final


async def test_a_code_is_worth_nothing_without_its_verifier(issuer: str) -> None:
    """PKCE: who has only the code gets no tokens."""
    client = await configured(issuer)
    request = authorization_request(client, REDIRECT)
    async with Person() as person:
        code, *_ = parse_callback(await person.connect(request.url, REDIRECT))
    with pytest.raises(TokenError) as caught:
        await TokenEndpoint(plain_http()).exchange_code(
            client, None, code=code, redirect_uri=REDIRECT, verifier="x" * 43
        )
    assert caught.value.code == "invalid_grant"


async def test_a_person_who_refuses(issuer: str) -> None:
    """The callback of a refusal is an error with the provider's reason."""
    request = authorization_request(await configured(issuer), REDIRECT)
    async with Person() as person:
        address = await person.refuse(request.url, REDIRECT)
    with pytest.raises(TokenError) as caught:
        parse_callback(address)
    assert (caught.value.final, caught.value.code) == (True, "access_denied")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_confidential_clients(issuer: str, method: str) -> None:
    """Both ways of sending a secret, with every awkward character in it."""
    client = await configured(issuer, method)
    endpoint = TokenEndpoint(plain_http())
    tokens = await connected(client, SECRET)
    assert await endpoint.refresh(client, SECRET, tokens.refresh_token or b"")
    assert (await refused(client, b"wrong", tokens.refresh_token)).code == "invalid_client"
    own = await endpoint.client_credentials(replace(client, scopes=()), SECRET)
    assert own.access_token
    assert own.refresh_token is None


async def test_a_device(issuer: str) -> None:
    """A code confirmed elsewhere: pending, then tokens, then nothing more for that code."""
    client = await configured(issuer)
    endpoint = TokenEndpoint(plain_http())
    start = await endpoint.start_device(client)
    with pytest.raises(TokenError) as caught:
        await endpoint.poll_device(client, None, start.device_code)
    assert (caught.value.final, caught.value.code) == (False, "authorization_pending")
    async with Person("ann") as person:
        page = await person.agree(start.verification_uri_complete)
    assert "Sign-in Success" in page
    tokens = await endpoint.poll_device(client, None, start.device_code)
    assert tokens.refresh_token
    assert tokens.subject.account_id == "ann"
    with pytest.raises(TokenError) as caught:
        await endpoint.poll_device(client, None, start.device_code)
    assert caught.value.final


async def test_revocation(issuer: str) -> None:
    """A revoked refresh token is of no more use."""
    client = await configured(issuer)
    tokens = await connected(client)
    assert await TokenEndpoint(plain_http()).revoke(client, None, tokens.refresh_token or b"")
    assert (await refused(client, None, tokens.refresh_token)).code == "invalid_grant"
