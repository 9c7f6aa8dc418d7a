"""The URL that a person opens."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import OAuthClient, preset
from proxy_core.domain.oauth.pkce import challenge
from proxy_core.oauth.authorization import authorization_request


def fields(url: str) -> dict[str, str]:
    """The query of a URL."""
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


def test_a_request_for_anthropic() -> None:
    """Everything that Claude's page needs, with a proof key and a state of its own."""
    client = preset("anthropic").client
    request = authorization_request(client, "http://localhost:54545/callback")
    assert request.url.startswith("https://claude.com/cai/oauth/authorize?")
    assert fields(request.url) == {
        "code": "true",
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": "http://localhost:54545/callback",
        "scope": " ".join(client.scopes),
        "state": request.state,
        "code_challenge": challenge(request.verifier),
        "code_challenge_method": "S256",
    }


def test_state_and_verifier_are_fresh_and_hidden() -> None:
    """Two requests share nothing; RFC 7636's lengths are kept; the repr shows neither."""
    client = preset("anthropic").client
    first, second = (authorization_request(client, "http://localhost/cb") for _ in range(2))
    assert first.state != second.state
    assert first.verifier != second.verifier
    assert 43 <= len(first.verifier) <= 128
    assert first.verifier not in repr(first)


def test_without_a_proof_key() -> None:
    """Where a provider can't do PKCE, no challenge is sent and no verifier kept."""
    client = replace(preset("notion").client, client_id="id")
    request = authorization_request(client, "http://localhost/cb")
    assert "code_challenge" not in fields(request.url)
    assert request.verifier == ""


def test_commas_and_a_query_that_is_there_already() -> None:
    """Scopes are joined as the provider wants; an existing query is kept."""
    client = OAuthClient(
        token_url="https://x.test/t",
        authorization_url="https://x.test/a?tenant=1",
        client_id="id",
        scopes=("a", "b"),
        scope_separator=",",
    )
    query = fields(authorization_request(client, "http://localhost/cb").url)
    assert (query["tenant"], query["scope"]) == ("1", "a,b")


@pytest.mark.parametrize(
    "client",
    [
        OAuthClient(token_url="https://x.test/t", client_id="id"),
        OAuthClient(token_url="https://x.test/t", authorization_url="https://x.test/a"),
    ],
)
def test_what_is_missing_is_said(client: OAuthClient) -> None:
    """No URL can be made without an authorization URL and a client id."""
    with pytest.raises(VaultError) as caught:
        authorization_request(client, "http://localhost/cb")
    assert caught.value.code == "bad_request"
