"""Discovery: where metadata is looked for, and whose is taken."""

import json
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import AuthMethod, OAuthClient, TokenError
from proxy_core.domain.oauth.metadata import metadata_urls, parse_metadata
from proxy_core.oauth.discovery import discover
from tests.oauth.servers import Received, listening, plain_http, reply

ISSUER = "https://issuer.example/realm"
METADATA = {
    "issuer": ISSUER,
    "token_endpoint": "https://tokens.example/t",
    "authorization_endpoint": "https://issuer.example/a",
}


def parsed(confidential: bool = True, **changes: Any) -> OAuthClient:
    """The client that metadata with these differences leads to; None leaves a field out."""
    document = {**METADATA, **changes}
    kept = {name: value for name, value in document.items() if value is not None}
    return parse_metadata(json.dumps(kept).encode(), ISSUER, confidential=confidential)


def test_where_metadata_may_be() -> None:
    """OpenID's place comes first, then RFC 8414's, then its mixture; each once."""
    assert metadata_urls("https://x.example/realm/") == (
        "https://x.example/realm/.well-known/openid-configuration",
        "https://x.example/.well-known/oauth-authorization-server/realm",
        "https://x.example/.well-known/openid-configuration/realm",
    )
    assert metadata_urls("https://x.example") == (
        "https://x.example/.well-known/openid-configuration",
        "https://x.example/.well-known/oauth-authorization-server",
    )


def test_the_least_metadata() -> None:
    """What is left out has RFC 8414's defaults; endpoints may be on another host."""
    client = parsed()
    assert client.token_url == "https://tokens.example/t"
    assert client.auth_method is AuthMethod.BASIC
    assert (client.scopes, client.pkce, client.device_authorization_url) == ((), True, "")


@pytest.mark.parametrize(
    ("offered", "method"),
    [
        (["client_secret_post", "client_secret_basic"], AuthMethod.BASIC),
        (["none", "client_secret_post"], AuthMethod.POST),
    ],
)
def test_the_better_method_is_taken(offered: list[str], method: AuthMethod) -> None:
    """A client with a secret takes the best it can do; one without takes none."""
    assert parsed(token_endpoint_auth_methods_supported=offered).auth_method is method
    public = parsed(confidential=False, token_endpoint_auth_methods_supported=offered)
    assert public.auth_method is AuthMethod.NONE


def test_offline_access_needs_consent() -> None:
    """Where refresh tokens hang on a scope, the scope is asked for with the prompt it needs."""
    client = parsed(scopes_supported=["openid", "offline_access", "phone"])
    assert client.scopes == ("openid", "offline_access")
    assert client.authorization_parameters == {"prompt": "consent"}
    assert parsed(scopes_supported=["openid"]).authorization_parameters == {}


def test_pkce_is_left_out_where_it_is_not_spoken() -> None:
    """A list without S256 says so."""
    assert not parsed(code_challenge_methods_supported=["plain"]).pkce
    assert parsed(code_challenge_methods_supported=["plain", "S256"]).pkce


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example/realm"},
        {"issuer": "https://issuer.example"},
        {"issuer": None},
        {"issuer": 7},
        {"token_endpoint": None},
        {"token_endpoint": "http://issuer.example/t"},
        {"token_endpoint": ["https://issuer.example/t"]},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
    ],
)
def test_metadata_that_is_refused(changes: dict[str, Any]) -> None:
    """Another issuer's metadata, and endpoints that are no https URLs, are refused."""
    with pytest.raises(VaultError) as caught:
        parsed(**changes)
    assert caught.value.code == "bad_request"


class Site:
    """Answers paths with documents; everything else with `other`."""

    def __init__(self, other: bytes) -> None:
        self.pages: dict[str, bytes] = {}
        self._other = other

    async def __call__(self, request: Received) -> bytes:
        return self.pages.get(request.target, self._other)


@pytest.mark.parametrize(
    "place",
    [
        "/realm/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/realm",
        "/.well-known/openid-configuration/realm",
    ],
)
@pytest.mark.parametrize("other", [reply(status=404), reply("<html>", kind="text/html")])
async def test_metadata_is_found_wherever_it_is(place: str, other: bytes) -> None:
    """A page for every path, as single-page sites have it, hides nothing."""
    site = Site(other)
    async with listening(site) as port:
        issuer = f"http://127.0.0.1:{port}/realm"
        found = {"issuer": issuer, "token_endpoint": f"{issuer}/t"}
        site.pages[place] = reply(json.dumps(found))
        assert (await discover(plain_http(), issuer)).token_url == f"{issuer}/t"


async def test_a_final_slash_may_be_left_out() -> None:
    """People leave it out; the issuer's own spelling is kept."""
    site = Site(reply(status=404))
    async with listening(site) as port:
        issuer = f"http://127.0.0.1:{port}"
        found = {"issuer": f"{issuer}/", "token_endpoint": f"{issuer}/t"}
        site.pages["/.well-known/openid-configuration"] = reply(json.dumps(found))
        assert (await discover(plain_http(), issuer)).issuer == f"{issuer}/"


async def test_no_metadata() -> None:
    """An issuer without metadata is told from one in trouble."""
    async with listening(Site(reply(status=404))) as port:
        with pytest.raises(VaultError) as refused:
            await discover(plain_http(), f"http://127.0.0.1:{port}")
    assert refused.value.code == "bad_request"
    async with listening(Site(reply(status=503, Retry_After="9"))) as port:
        with pytest.raises(TokenError) as trouble:
            await discover(plain_http(), f"http://127.0.0.1:{port}")
    assert (trouble.value.final, trouble.value.retry_after) == (False, 9.0)


@pytest.mark.parametrize(
    "issuer", ["", "issuer", "http://issuer.example", f"{ISSUER}?a=b", f"{ISSUER}#a"]
)
async def test_what_is_no_issuer(issuer: str) -> None:
    """An issuer is an https URL without query and fragment."""
    with pytest.raises(VaultError) as caught:
        await discover(plain_http(), issuer)
    assert caught.value.code == "bad_request"
