"""The token endpoint against a strict server that rotates, fails, drops and leaks."""

import json
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from proxy_core.domain.oauth import (
    AuthMethod,
    GrantKind,
    OAuthClient,
    TokenError,
    TokenSet,
    preset,
)
from proxy_core.domain.oauth.assertions import parse_service_account
from proxy_core.oauth.authorization import authorization_request
from proxy_core.oauth.endpoint import TokenEndpoint
from tests.oauth.rotating import RotatingServer, rotating_server
from tests.oauth.servers import Script, listening, plain_http, reply

NOW = 1_800_000_000.0


def endpoint() -> TokenEndpoint:
    """An endpoint whose clock stands still."""
    return TokenEndpoint(plain_http(), lambda: NOW)


async def refused(server: RotatingServer, refresh_token: bytes) -> TokenError:
    """The error of a refresh."""
    with pytest.raises(TokenError) as caught:
        await endpoint().refresh(server.client(), None, refresh_token)
    return caught.value


async def test_a_refresh_brings_a_new_pair() -> None:
    """Each refresh token is used once, and the next one comes back."""
    async with rotating_server() as server:
        _, first = server.seed()
        tokens = await endpoint().refresh(server.client(), None, first)
        again = await endpoint().refresh(server.client(), None, tokens.refresh_token or b"")
    assert server.accepts(again.access_token)
    assert tokens.expires_at == NOW + 3600
    assert len({first, tokens.refresh_token, again.refresh_token}) == 3
    assert (server.refreshes, server.reuse) == (2, 0)


async def test_a_provider_that_does_not_rotate() -> None:
    """Without a new refresh token, the old one stays in use."""
    async with rotating_server(rotate=False) as server:
        _, first = server.seed()
        assert (await endpoint().refresh(server.client(), None, first)).refresh_token == first


async def test_a_dead_refresh_token_is_final() -> None:
    """invalid_grant means: connect anew."""
    async with rotating_server() as server:
        error = await refused(server, b"RT_unknown")
    assert (error.final, error.code, error.status) == (True, "invalid_grant", 400)


async def test_an_error_that_quotes_the_token() -> None:
    """A token that the provider's error repeats is not in ours."""
    token = b"RT_abcdefghijklmnopqrstuvwxyz"
    async with rotating_server(leak=True) as server:
        error = await refused(server, token)
    assert error.detail == "the token [redacted] is not usable"
    assert "abcdefgh" not in repr(error) + str(error)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
async def test_an_error_that_may_pass(status: int) -> None:
    """Such a status leaves the login alone and tells how long to wait."""
    async with rotating_server(fail=[status], retry_after="7") as server:
        _, token = server.seed()
        error = await refused(server, token)
        assert (error.final, error.status, error.retry_after) == (False, status, 7.0)
        assert await endpoint().refresh(server.client(), None, token)


async def test_a_lost_answer_is_asked_for_once_more() -> None:
    """A connection cut after the request is tried again once: the most that is ever reused."""
    async with rotating_server(drop=1) as server:
        _, token = server.seed()
        error = await refused(server, token)
    assert (error.final, server.requests, server.reuse) == (True, 2, 1)


async def test_a_code_with_its_proof() -> None:
    """The code is exchanged with the verifier of the request it was asked by."""
    async with rotating_server() as server:
        client = server.client()
        request = authorization_request(client, "http://127.0.0.1:1/callback")
        challenge = request.url.partition("code_challenge=")[2].partition("&")[0]
        tokens = await endpoint().exchange_code(
            client,
            None,
            code=server.code(challenge, request.redirect_uri),
            redirect_uri=request.redirect_uri,
            verifier=request.verifier,
        )
        assert server.accepts(tokens.access_token)
        with pytest.raises(TokenError) as caught:
            await endpoint().exchange_code(
                client,
                None,
                code=server.code(challenge, request.redirect_uri),
                redirect_uri=request.redirect_uri,
                verifier="another" * 9,
            )
    assert caught.value.code == "invalid_grant"


async def test_anthropics_manner() -> None:
    """JSON both ways, the state in the exchange, and the account in the answer."""
    account = {"uuid": "a-1", "email_address": "jo@example.com"}
    script = Script(reply(json.dumps({"access_token": "at", "account": account})))
    async with listening(script) as port:
        client = replace(preset("anthropic").client, token_url=f"http://127.0.0.1:{port}/")
        tokens = await endpoint().exchange_code(
            client, None, code="c", redirect_uri="http://localhost:54545/callback", state="s"
        )
    sent = json.loads(script.received[0].body)
    assert (sent["state"], sent["client_id"]) == ("s", client.client_id)
    assert tokens.subject.email == "jo@example.com"


async def test_client_credentials() -> None:
    """The client's own token, by its secret in the header."""
    script = Script(reply('{"access_token":"at","expires_in":"60"}'))
    async with listening(script) as port:
        client = OAuthClient(
            token_url=f"http://127.0.0.1:{port}/",
            client_id="svc",
            auth_method=AuthMethod.BASIC,
            grant=GrantKind.CLIENT_CREDENTIALS,
            token_parameters={"audience": "api"},
        )
        assert await endpoint().client_credentials(client, b"pw") == TokenSet(
            b"at", expires_at=NOW + 60
        )
    (received,) = script.received
    assert received.form == {"grant_type": "client_credentials", "audience": "api"}
    assert received.headers["authorization"] == "Basic c3ZjOnB3"


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """The key as operators have it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


KEYS = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


@pytest.mark.parametrize("algorithm", KEYS)
async def test_an_assertion_is_signed(algorithm: str) -> None:
    """RFC 7523: issuer, subject, audience, times; signed as the key suggests."""
    key = KEYS[algorithm]
    script = Script(reply('{"access_token":"at"}'))
    async with listening(script) as port:
        url = f"http://127.0.0.1:{port}/"
        client = OAuthClient(token_url=url, client_id="svc", assertion={"key_id": "k1"})
        await TokenEndpoint(plain_http()).jwt_bearer(client, pem(key))
    form = script.received[0].form
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(form["assertion"], public, [algorithm], audience=url)
    assert (claims["iss"], claims["sub"]) == ("svc", "svc")
    assert claims["exp"] - claims["iat"] == 3600
    assert jwt.get_unverified_header(form["assertion"])["kid"] == "k1"


async def test_a_google_service_account() -> None:
    """A key file is all it takes; the scopes are in the assertion, and no subject."""
    file = {
        "type": "service_account",
        "client_email": "svc@p.iam.gserviceaccount.com",
        "private_key": pem(KEYS["RS256"]).decode(),
        "private_key_id": "k1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    client, key = parse_service_account(json.dumps(file), ("https://x/auth/a",))
    script = Script(reply('{"access_token":"at"}'))
    async with listening(script) as port:
        await endpoint().jwt_bearer(replace(client, token_url=f"http://127.0.0.1:{port}/"), key)
    assertion = script.received[0].form["assertion"]
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert (claims["iss"], claims["scope"]) == (file["client_email"], "https://x/auth/a")
    assert "sub" not in claims


@pytest.mark.parametrize(
    "key",
    [
        b"",
        b"hidden",
        pem(ec.generate_private_key(ec.SECP256K1())),
        pem(KEYS["RS256"]).replace(b"PRIVATE", b"PUBLIC"),
    ],
)
async def test_a_key_that_can_not_sign(key: bytes) -> None:
    """An unusable key is refused before anything is sent, and never shown."""
    client = OAuthClient(token_url="http://127.0.0.1:9/", client_id="svc")
    with pytest.raises(TokenError) as caught:
        await endpoint().jwt_bearer(client, key)
    assert (caught.value.final, caught.value.code) == (True, "invalid_key")
    assert "hidden" not in str(caught.value)


async def test_revocation() -> None:
    """A token is revoked where the provider has a place for it."""
    script = Script(reply(b""), reply('{"error":"unsupported_token_type"}', 400))
    async with listening(script) as port:
        client = OAuthClient(
            token_url="https://x.test/", revocation_url=f"http://127.0.0.1:{port}/"
        )
        assert await endpoint().revoke(client, None, b"rt")
        with pytest.raises(TokenError):
            await endpoint().revoke(client, None, b"rt")
    assert script.received[0].form["token"] == "rt"
    assert not await endpoint().revoke(OAuthClient(token_url="https://x.test/"), None, b"rt")
