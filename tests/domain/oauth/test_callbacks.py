"""Callbacks: what operators paste and browsers ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import Callback, TokenError, parse_callback


@pytest.mark.parametrize(
    ("text", "code", "state"),
    [
        ("abc-123", "abc-123", ""),
        ("  abc-123\n", "abc-123", ""),
        ("4/0AbC_d", "4/0AbC_d", ""),
        ("YWJj==", "YWJj==", ""),
        ("abc#st-1", "abc", "st-1"),
        ("abc#", "abc", ""),
        ("http://127.0.0.1:14323/callback?code=abc&state=st-1", "abc", "st-1"),
        ("HTTPS://platform.claude.com/oauth/code/callback?state=st-1&code=a%2Fb", "a/b", "st-1"),
        (
            "http://localhost:1/callback?code=abc&state=st-1&iss=https%3A%2F%2Fx&scope=a+b",
            "abc",
            "st-1",
        ),
        ("http://localhost:1/#code=abc&state=st-1", "abc", "st-1"),
        ("?code=abc&state=st-1", "abc", "st-1"),
        ("state=st-1&code=abc", "abc", "st-1"),
        ("code=abc", "abc", ""),
    ],
)
def test_what_people_paste(text: str, code: str, state: str) -> None:
    """A bare code, Anthropic's `code#state`, a query, or the whole address."""
    assert parse_callback(text)[:2] == (code, state)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "two words",
        "#state",
        "a#b#c",
        "a&b",
        "foo=bar",
        "http://127.0.0.1/callback",
        "http://127.0.0.1/callback?code=",
        "http://127.0.0.1/callback?state=s",
        "http://127.0.0.1/callback?code=a&code=b",
        "http://127.0.0.1/callback?code=a&state=s&state=t",
        "http://[::1/callback?code=a",
        "cödé",
        "a\x00b",
        "a" * 20_000,
        "code=1" + "&x=1" * 100,
    ],
)
def test_what_is_no_callback(text: str) -> None:
    """Refused, without a guess."""
    with pytest.raises(VaultError) as caught:
        parse_callback(text)
    assert caught.value.code == "bad_request"


def test_a_refusal_says_why() -> None:
    """The provider's error becomes a final TokenError with its sentence, safe to show."""
    with pytest.raises(TokenError) as caught:
        parse_callback(
            "http://x/cb?error=access_denied&error_description=No%1b%5b2J+thanks&state=s"
        )
    error = caught.value
    assert (error.final, error.code, error.detail) == (True, "access_denied", "No\\x1b[2J thanks")


def test_the_code_stays_out_of_the_repr() -> None:
    """A callback that lands in a log shows no code."""
    assert "abc" not in repr(Callback("abc", "st"))


@given(st.text(max_size=80))
def test_any_text_is_a_callback_or_a_refusal(text: str) -> None:
    """No text leads to any other exception."""
    try:
        found = parse_callback(text)
    except (VaultError, TokenError):
        return
    assert found.code


@given(
    st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#&=?"), min_size=1
    )
)
def test_code_and_state_survive(code: str) -> None:
    """`code#state` gives back both as they are."""
    if not code.lower().startswith(("http:", "https:")):
        assert parse_callback(f"{code}#the-state") == (code, "the-state", "")
