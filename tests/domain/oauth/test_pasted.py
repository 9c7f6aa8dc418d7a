"""Tokens that operators paste."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import Subject, TokenSet, parse_pasted

NOW = 1_800_000_000.0


def paste(**fields: Any) -> TokenSet:
    """Tokens from a JSON object of these fields."""
    return parse_pasted(json.dumps(fields), NOW)


def test_plain_names() -> None:
    """RFC 6749's own names; `expires_in` counts from now."""
    assert paste(access_token="a1", refresh_token="r1", expires_in=60, scopes=["x"]) == TokenSet(
        b"a1", b"r1", NOW + 60, ("x",)
    )


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (1_800_000_500, 1_800_000_500.0),
        (1_800_000_500.25, 1_800_000_500.25),
        ("2027-01-15T08:08:20Z", 1_800_000_500.0),
        ("2027-01-15T09:08:20+01:00", 1_800_000_500.0),
        (1_700_000_000, 1_700_000_000.0),
    ],
)
def test_an_end_in_seconds_or_as_a_date(moment: Any, seconds: float) -> None:
    """`expires_at` is epoch seconds or RFC 3339, and may lie in the past."""
    assert paste(access_token="a1", expires_at=moment).expires_at == seconds


def test_the_moment_wins_over_the_life() -> None:
    """`expires_in` has been counting since some unknown time; `expires_at` has not."""
    assert paste(access_token="a1", expires_in=60, expires_at=NOW + 5).expires_at == NOW + 5


def test_claude_codes_file() -> None:
    """`.credentials.json` has camel case, milliseconds, and names the account."""
    inner = {
        "accessToken": "sk-ant-oat01-a",
        "refreshToken": "sk-ant-ort01-r",
        "expiresAt": 1_800_000_500_000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
        "rateLimitTier": "default_claude_max_20x",
        "accountUuid": "a-1",
        "organizationUuid": "o-1",
    }
    assert paste(claudeAiOauth=inner) == TokenSet(
        b"sk-ant-oat01-a",
        b"sk-ant-ort01-r",
        1_800_000_500.0,
        ("user:inference", "user:profile"),
        Subject(account_id="a-1", organization_id="o-1", tier="default_claude_max_20x"),
    )


@pytest.mark.parametrize(
    "end", [{"expired": "2027-01-15T08:08:20Z"}, {"expiry_date": 1_800_000_500_000}]
)
def test_other_tools_names_for_the_end(end: dict[str, Any]) -> None:
    """A date in `expired`, milliseconds in `expiry_date`, and the account's address."""
    tokens = paste(type="claude", access_token="a1", email="jo@example.com", **end)
    assert tokens.expires_at == 1_800_000_500.0
    assert tokens.subject.email == "jo@example.com"


def test_blanks_around_a_token_are_dropped() -> None:
    """What came along with copying is no part of the token."""
    assert paste(access_token=" a1\n", refresh_token="").refresh_token is None
    assert paste(access_token=" a1\n").access_token == b"a1"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"access_token": ""},
        {"access_token": "a b\nc-hidden"},
        {"access_token": 7},
        {"access_token": "tökén"},
        {"access_token": "__PLACEHOLDER__"},
        {"access_token": "a1", "refresh_token": "__PLACEHOLDER__"},
        {"access_token": "a1", "expires_in": "hidden"},
        {"access_token": "a1", "expires_in": -1},
        {"access_token": "a1", "expires_at": "hidden"},
        {"access_token": "a1", "expires_at": "2027-01-15T08:08:20"},
        {"access_token": "a1", "expires_at": 1_800_000_500_000},
        {"access_token": "a1", "expires_at": True},
        {"access_token": "a1", "expires_at": []},
        {"claudeAiOauth": {"accessToken": "__PLACEHOLDER__"}},
        {"claudeAiOauth": "hidden"},
        {"claudeAiOauth": {"accessToken": "a1", "expiresAt": "hidden"}},
    ],
)
def test_what_is_refused(document: dict[str, Any]) -> None:
    """What can't be understood is refused rather than guessed, and never shown."""
    with pytest.raises(VaultError) as caught:
        paste(**document)
    assert caught.value.code == "bad_request"
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "sk-ant-hidden", "[]", '"hidden"', "[" * 99_999, " " * 300_000]
)
def test_what_is_no_json_object(text: str) -> None:
    """Anything else is refused without being shown."""
    with pytest.raises(VaultError) as caught:
        parse_pasted(text, NOW)
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(
    st.dictionaries(
        st.sampled_from(["access_token", "refresh_token", "expires_at", "expires_in", "scopes"]),
        st.text(max_size=9)
        | st.integers()
        | st.floats()
        | st.none()
        | st.lists(st.text(max_size=3)),
    )
)
def test_any_fields_are_tokens_or_a_refusal(document: dict[str, Any]) -> None:
    """No document leads to any other exception."""
    try:
        tokens = parse_pasted(json.dumps(document), NOW)
    except VaultError:
        return
    assert tokens.access_token
