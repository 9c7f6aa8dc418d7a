"""Google's and Azure's tokens, from endpoints that answer as they document it, over TLS."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
import pytest

from proxy_core.domain.cloud.minted import Recipe
from proxy_core.domain.oauth import TokenError, TokenSet
from proxy_core.domain.service import Auth, AuthType
from proxy_core.oauth.endpoint import TokenEndpoint
from proxy_core.oauth.github_app import InstallationTokens
from proxy_core.services.cloud.minters import CloudMinter
from proxy_core.services.cloud.roles import AssumedRoles
from tests.oauth.clouds import NOW, cloud, private_key, private_pem
from tests.oauth.servers import Script, reply

GOOGLE, ENTRA = "oauth2.googleapis.com", "login.microsoftonline.com"
VERTEX = "europe-west1-aiplatform.googleapis.com"
GCP = Auth(AuthType.GCP, key="GCP_KEY")
AZURE = Auth(AuthType.AZURE, tenant="acme.example", client_id="app-1", client_secret="SECRET")
ISSUED = reply('{"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}')
TOKEN = TokenSet(b"ya29.token", expires_at=NOW + 3599)


def service_account(**more: object) -> bytes:
    """A key file as the console writes it."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "acme",
            "private_key_id": "kid-1",
            "private_key": private_pem().decode(),
            "client_email": "agents@acme.iam.gserviceaccount.com",
            "token_uri": f"https://{GOOGLE}/token",
            **more,
        }
    ).encode()


USER = {
    "type": "authorized_user",
    "client_id": "764086051850.apps.googleusercontent.com",
    "client_secret": "d-FL95Q19q7MQmFpd7hHD0Ty",
    "refresh_token": "1//refresh",
}


@asynccontextmanager
async def minter(host: str, *answers: bytes) -> AsyncIterator[tuple[CloudMinter, Script]]:
    """What asks that endpoint."""
    async with cloud(host, *answers) as (http, script):
        github = InstallationTokens(http, lambda: NOW)
        roles = AssumedRoles(http, lambda: NOW)
        yield CloudMinter(TokenEndpoint(http, lambda: NOW), github, roles), script


async def test_a_service_account_signs_an_assertion() -> None:
    """For all of Google Cloud if nothing else is said."""
    async with minter(GOOGLE, ISSUED) as (minting, script):
        assert await minting.mint(Recipe(GCP, VERTEX), service_account()) == TOKEN
    (asked,) = script.received
    assert (asked.method, asked.target) == ("POST", "/token")
    assert asked.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        asked.form["assertion"],
        private_key().public_key(),
        algorithms=["RS256"],
        audience=f"https://{GOOGLE}/token",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == "agents@acme.iam.gserviceaccount.com"
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert jwt.get_unverified_header(asked.form["assertion"])["kid"] == "kid-1"


async def test_a_users_key_file_refreshes() -> None:
    """At Google's own endpoint, with the scopes that were granted then."""
    async with minter(GOOGLE, ISSUED) as (minting, script):
        tokens = await minting.mint(Recipe(GCP, VERTEX), json.dumps(USER).encode())
    assert (tokens.access_token, tokens.expires_at) == (TOKEN.access_token, TOKEN.expires_at)
    assert script.received[0].form == {
        "grant_type": "refresh_token",
        "refresh_token": "1//refresh",
        "client_id": USER["client_id"],
        "client_secret": USER["client_secret"],
    }


@pytest.mark.parametrize(
    ("host", "authority", "scope"),
    [
        ("acme.services.ai.azure.com", ENTRA, "https://cognitiveservices.azure.com/.default"),
        (
            "acme.openai.azure.us",
            "login.microsoftonline.us",
            "https://cognitiveservices.azure.us/.default",
        ),
    ],
)
async def test_an_application_gets_a_token_of_entra_id(
    host: str, authority: str, scope: str
) -> None:
    """By client credentials, in the cloud that the host belongs to."""
    async with minter(authority, ISSUED) as (minting, script):
        assert await minting.mint(Recipe(AZURE, host), b"s3cret~\n") == TOKEN
    (asked,) = script.received
    assert asked.target == "/acme.example/oauth2/v2.0/token"
    assert asked.form == {
        "grant_type": "client_credentials",
        "client_id": "app-1",
        "client_secret": "s3cret~",
        "scope": scope,
    }


async def test_what_the_operator_asks_for_wins() -> None:
    """Several scopes of Google's, another resource of Azure's."""
    auth = Auth(AuthType.GCP, key="K", scope="https://a.example/x https://a.example/y")
    async with minter(GOOGLE, ISSUED) as (minting, script):
        await minting.mint(Recipe(auth, VERTEX), service_account())
    assert script.received[0].form["scope"] == auth.scope


@pytest.mark.parametrize(
    "key",
    [
        b"not json",
        b"[]",
        b'{"type": "external_account"}',
        b'{"type": "service_account"}',
        service_account(token_uri="http://evil.example/token"),
        service_account(private_key="no PEM"),
        json.dumps({**USER, "refresh_token": "bad\n"}).encode(),
        json.dumps({**USER, "client_secret": ""}).encode(),
        b"\xff\xfe",
    ],
)
async def test_what_is_no_key_file_is_refused_for_good(key: bytes) -> None:
    """Without asking anybody, and without showing what it holds."""
    async with minter(GOOGLE) as (minting, script):
        with pytest.raises(TokenError) as caught:
            await minting.mint(Recipe(GCP, VERTEX), key)
    assert caught.value.final
    assert "d-FL95Q" not in str(caught.value)
    assert not script.received


async def test_a_refusal_shows_no_secret() -> None:
    """What the provider echoes of it is taken out."""
    error = {"error": "invalid_client", "error_description": "AADSTS7000215: bad s3cret-value"}
    async with minter(ENTRA, reply(json.dumps(error), 401)) as (minting, _):
        with pytest.raises(TokenError) as caught:
            await minting.mint(Recipe(AZURE, "acme.openai.azure.com"), b"s3cret-value")
    assert (caught.value.final, caught.value.code) == (True, "invalid_client")
    assert "AADSTS7000215" in caught.value.detail
    assert "s3cret-value" not in str(caught.value)


@pytest.mark.parametrize("value", [b" ", "schlüssel".encode(), b"two\nlines"])
async def test_what_is_no_client_secret_is_refused(value: bytes) -> None:
    """For good, and without asking."""
    async with minter(ENTRA) as (minting, script):
        with pytest.raises(TokenError) as caught:
            await minting.mint(Recipe(AZURE, "acme.openai.azure.com"), value)
    assert caught.value.final
    assert not script.received
