"""Accounts in files of other tools: read, and replaced by placeholders."""

import json

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.importing import (
    Registered,
    placeholder_text,
    read_account,
    read_registry,
)

NOW = 1_700_000_000.0
REGISTRY = {
    "version": 1,
    "providers": {
        "claude": {
            "default": "ada@example.com",
            "accounts": {
                "ada@example.com": {
                    "email": "ada@example.com",
                    "nickname": "work",
                    "tokenFile": "claude-ada@example.com.json",
                    "createdAt": "2024-01-01T00:00:00Z",
                    "lastUsedAt": "2024-01-05T12:00:00Z",
                },
                "bob@example.com": {"nickname": 7, "createdAt": "yesterday"},
            },
        },
        "gemini": {"accounts": {"x@example.com": {}}},
    },
}
CCS = {
    "type": "claude",
    "access_token": "sk-ant-oat01-a",
    "refresh_token": "sk-ant-ort01-a",
    "email": "ada@example.com",
    "expired": "2023-12-31T23:59:59Z",
    "expiry_date": 1704067199000,
}
OWN = {
    "claudeAiOauth": {
        "accessToken": "sk-ant-oat01-b",
        "refreshToken": "sk-ant-ort01-b",
        "expiresAt": 1704067199000,
        "refreshTokenExpiresAt": 1714067199000,
        "scopes": ["user:inference"],
        "subscriptionType": "max",
    },
    "mcpOAuth": {"kept": True},
}


def test_a_registry_is_read_by_file_and_by_email() -> None:
    """What is wrong in it is left out; other providers are none of ours."""
    found = read_registry(json.dumps(REGISTRY))
    ada = found["ada@example.com"]
    assert ada is found["claude-ada@example.com.json"]
    assert ada == Registered(
        "ada@example.com", "work", "2024-01-01T00:00:00Z", "2024-01-05T12:00:00Z", True
    )
    assert found["bob@example.com"] == Registered("bob@example.com")
    assert "x@example.com" not in found


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '"x"'])
def test_what_is_no_registry_is_refused(text: str) -> None:
    """Without showing it."""
    with pytest.raises(VaultError) as caught:
        read_registry(text)
    assert caught.value.code == "bad_request"


@pytest.mark.parametrize("document", [{}, {"providers": 3}, {"providers": {"claude": []}}])
def test_a_registry_without_accounts(document: object) -> None:
    """Is empty."""
    assert read_registry(json.dumps(document)) == {}


def test_accounts_of_both_tools() -> None:
    """With what the registry knows of them."""
    registry = read_registry(json.dumps(REGISTRY))
    ccs = read_account(json.dumps(CCS), "claude-ada@example.com.json", registry, NOW)
    assert (ccs.email, ccs.known.nickname, ccs.known.is_default) == (
        "ada@example.com",
        "work",
        True,
    )
    assert ccs.tokens.refresh_token == b"sk-ant-ort01-a"
    assert read_account(json.dumps(CCS), "renamed.json", registry, NOW).known is ccs.known
    own = read_account(json.dumps(OWN), ".credentials.json", {}, NOW)
    assert (own.email, own.tokens.expires_at) == ("", 1704067199.0)
    assert "sk-ant" not in repr(ccs) + repr(own)


@pytest.mark.parametrize("document", [CCS, OWN])
def test_a_placeholder_file_holds_no_token_and_all_the_rest(document: dict[str, object]) -> None:
    """It is refused when it is to be imported again."""
    text = placeholder_text(document)
    assert "sk-ant" not in text
    replaced = json.loads(text)
    inner = replaced.get("claudeAiOauth", replaced)
    assert not any("refresh" in name.lower() for name in inner)
    assert set(document) - set(replaced) <= {"refresh_token"}
    assert inner.get("expiresAt", inner.get("expiry_date")) == 4070908800000
    with pytest.raises(VaultError, match="placeholder"):
        read_account(text, "x", {}, NOW)


def test_a_placeholder_file_adds_no_end_that_was_not_there() -> None:
    """Only what stood there is changed."""
    found = json.loads(placeholder_text({"access_token": "sk", "email": "a@b"}))
    assert found == {"access_token": "__PLACEHOLDER__", "email": "a@b"}
    assert json.loads(placeholder_text(CCS))["expired"] == "2099-01-01T00:00:00Z"
