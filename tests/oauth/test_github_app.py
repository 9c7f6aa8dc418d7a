"""Installation tokens, from an endpoint that answers as GitHub documents it."""

import json

import jwt
import pytest

from proxy_core.domain.oauth import TokenError, TokenSet
from proxy_core.oauth.github_app import InstallationTokens
from tests.oauth.clouds import NOW, cloud, private_key, private_pem
from tests.oauth.servers import reply

TOKEN = b"ghs_16C7e42F292c6912E7710c838347Ae178B4a"
CREATED = reply(
    json.dumps(
        {
            "token": TOKEN.decode(),
            "expires_at": "2027-01-15T09:00:00Z",
            "permissions": {"contents": "read"},
            "repository_selection": "all",
        }
    ),
    201,
)


@pytest.mark.parametrize(
    ("host", "server", "path"),
    [
        ("github.com", "api.github.com", ""),
        ("acme.ghe.com", "api.acme.ghe.com", ""),
        ("git.corp.example", "git.corp.example", "/api/v3"),
    ],
)
async def test_a_jwt_of_the_app_brings_a_token(host: str, server: str, path: str) -> None:
    """From the API that the service's host belongs to, signed and dated as GitHub wants it."""
    async with cloud(server, CREATED) as (http, script):
        tokens = await InstallationTokens(http, lambda: NOW).mint(
            host, "Iv1.a", "42", private_pem()
        )
    assert tokens == TokenSet(TOKEN, expires_at=NOW + 3600)
    (asked,) = script.received
    assert (asked.method, asked.target) == ("POST", f"{path}/app/installations/42/access_tokens")
    assert asked.headers["accept"] == "application/vnd.github+json"
    assert asked.headers["x-github-api-version"] == "2022-11-28"
    claims = jwt.decode(
        asked.headers["authorization"].removeprefix("Bearer "),
        private_key().public_key(),
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {"iss": "Iv1.a", "iat": NOW - 60, "exp": NOW + 540}


@pytest.mark.parametrize(
    ("status", "body", "final"),
    [
        (401, {"message": "A JSON web token could not be decoded"}, True),
        (404, {"message": "Integration not found"}, True),
        (503, {}, False),
        (201, {"token": "", "expires_at": "2027-01-15T09:00:00Z"}, False),
        (201, {"token": "ghs_x"}, False),
        (201, ["no object"], False),
    ],
)
async def test_a_refusal_says_why(status: int, body: object, final: bool) -> None:
    """For good or for now, and without the JWT."""
    async with cloud("api.github.com", reply(json.dumps(body), status)) as (http, script):
        with pytest.raises(TokenError) as caught:
            await InstallationTokens(http, lambda: NOW).mint("github.com", "1", "2", private_pem())
    assert caught.value.final is final
    assert script.received[0].headers["authorization"][7:20] not in str(caught.value)
    if isinstance(body, dict) and "message" in body:
        assert body["message"] in caught.value.detail


@pytest.mark.parametrize(
    ("host", "key"), [("github.com", b"no key"), ("*.corp.example", private_pem())]
)
async def test_nothing_is_asked_without_a_key_or_a_server(host: str, key: bytes) -> None:
    """It is final: a person has to change something."""
    async with cloud("api.github.com") as (http, script):
        with pytest.raises(TokenError) as caught:
            await InstallationTokens(http, lambda: NOW).mint(host, "1", "2", key)
    assert caught.value.final
    assert not script.received
