"""Assertions and the key files that describe them."""

import json
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import GrantKind, OAuthClient
from proxy_core.domain.oauth.assertions import assertion_claims, parse_service_account

FILE = {
    "type": "service_account",
    "client_email": "svc@p.iam.gserviceaccount.com",
    "private_key": "-----BEGIN PRIVATE KEY-----\nhidden\n",
    "private_key_id": "k1",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def test_claims_by_default() -> None:
    """The client speaks for itself, to the token endpoint, for an hour."""
    client = OAuthClient(token_url="https://x.test/t", client_id="svc")
    assert assertion_claims(client, 1000.9, "j1") == {
        "iss": "svc",
        "sub": "svc",
        "aud": "https://x.test/t",
        "iat": 970,
        "exp": 4570,
        "jti": "j1",
    }


def test_claims_as_configured() -> None:
    """Issuer, subject and audience can be another's; scopes are named."""
    client = OAuthClient(
        token_url="https://x.test/t",
        client_id="svc",
        scopes=("a", "b"),
        assertion={"issuer": "app", "subject": "user@x.test", "audience": "https://aud.test"},
    )
    claims = assertion_claims(client, 1000, "j1")
    assert [claims[name] for name in ("iss", "sub", "aud", "scope")] == [
        "app",
        "user@x.test",
        "https://aud.test",
        "a b",
    ]


def test_a_key_file() -> None:
    """A service account's file is a client and its key."""
    client, key = parse_service_account(json.dumps(FILE), ("s",))
    assert (client.client_id, client.grant) == (FILE["client_email"], GrantKind.JWT_BEARER)
    assert client.assertion == {"key_id": "k1"}
    assert (client.token_url, client.scopes) == (FILE["token_uri"], ("s",))
    assert key == FILE["private_key"].encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "authorized_user"},
        {"client_email": ""},
        {"private_key": 7},
        {"private_key_id": None},
        {"token_uri": "http://oauth2.googleapis.com/token"},
    ],
)
def test_key_files_that_are_refused(changes: dict[str, Any]) -> None:
    """What is missing is named; nothing of the file is shown."""
    with pytest.raises(VaultError) as caught:
        parse_service_account(json.dumps({**FILE, **changes}))
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "hidden", "[" * 99_999])
def test_what_is_no_key_file(text: str) -> None:
    """Anything else is refused without being shown."""
    with pytest.raises(VaultError) as caught:
        parse_service_account(text)
    assert "hidden" not in str(caught.value)
