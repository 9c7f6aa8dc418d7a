"""What tokens say of themselves, and when they are due."""

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.tokens.tokens import Tokens, check_id_token, claims_of, due, end_of, printable

KEY = "k" * 32
TIMES = st.floats(0, 4e9)


def signed(**claims: object) -> str:
    """A JWT."""
    return jwt.encode(claims, KEY, "HS256")


@given(st.text(max_size=40) | st.text("abc.-_=", max_size=40))
def test_any_text_has_claims_or_none(text: str) -> None:
    """Nothing that an issuer sends as a token breaks anything."""
    assert isinstance(claims_of(text), dict)
    assert end_of(text, None) is None or isinstance(end_of(text, None), float)


@pytest.mark.parametrize(
    "exp",
    [
        "soon",
        True,
        None,
        [],
        float("inf"),
        float("nan"),
        pytest.param(10**400, id="huge"),
        1e300,
        -1,
    ],
)
def test_an_end_that_is_none(exp: object) -> None:
    """What the issuer told counts then."""
    payload = base64.urlsafe_b64encode(json.dumps({"exp": exp}).encode()).decode()
    token = f"x.{payload}.x"
    assert end_of(token, 5.0) == 5.0
    assert end_of(token, None) is None


def test_the_earlier_end_counts() -> None:
    """The token's own, or the one that the issuer told."""
    assert end_of(signed(exp=100), None) == 100
    assert end_of(signed(exp=100), 90.0) == 90
    assert end_of(signed(exp=100), 110.0) == 100
    assert end_of("opaque", 110.0) == 110


@given(TIMES, st.floats(0, 1e6))
def test_a_token_is_due_before_its_end(now: float, life: float) -> None:
    """A minute before, or half-way through a short life: never at once, never after the end."""
    at = due(now, now + life)
    assert at is not None
    assert now <= at <= now + life
    if life >= 120:
        assert at == now + life - 60
    assert due(now, None) is None


def test_id_tokens_of_others() -> None:
    """Another issuer's, and one for another client."""
    ok = {"iss": "https://i.test", "aud": ["other", "me"], "sub": "jo"}
    assert check_id_token(signed(**ok), "https://i.test", "me")["sub"] == "jo"
    for wrong in ({"iss": "https://x.test"}, {"aud": "you"}, {"aud": None}, {"aud": 3}):
        with pytest.raises(VaultError) as caught:
            check_id_token(signed(**(ok | wrong)), "https://i.test", "me")
        assert caught.value.code == "oauth_login_failed"


def test_the_token_that_is_asked_for() -> None:
    """Either of the two; an ID token can be missing."""
    assert printable("access", "a", "") == "a"
    assert printable("id", "a", "i") == "i"
    with pytest.raises(VaultError, match="--use access"):
        printable("id", "a", "")


@given(st.text(), st.text(), st.none() | TIMES)
def test_what_is_kept_comes_back(printed: str, refresh: str, ends: float | None) -> None:
    """And its repr shows nothing of it."""
    tokens = Tokens(printed=printed, refresh=refresh, expires_at=ends, refresh_at=ends)
    assert Tokens.parsed(tokens.text()) == tokens
    assert repr(tokens) == f"Tokens(expires_at={ends!r}, refresh_at={ends!r})"
