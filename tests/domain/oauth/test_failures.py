"""Refusals: which are final, how long to wait, what is kept of their text."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.oauth.failures import refusal, retry_after_seconds
from proxy_core.domain.oauth.redaction import REDACTED, redacted

NOW = 1_800_000_000.0
TOKEN = b"sk-ant-ort01-Zm9vYmFyMTIzNDU2Nzg5MA_x/y+z"


@pytest.mark.parametrize(
    ("status", "error", "final"),
    [
        (400, "invalid_grant", True),
        (401, "invalid_client", True),
        (400, "unauthorized_client", True),
        (400, "invalid_request", True),
        (400, "invalid_scope", True),
        (400, "access_denied", True),
        (400, "expired_token", True),
        (403, "", True),
        (404, "", True),
        (200, "bad_refresh_token", True),
        (400, "authorization_pending", False),
        (400, "slow_down", False),
        (400, "temporarily_unavailable", False),
        (408, "", False),
        (425, "", False),
        (429, "", False),
        (429, "invalid_grant", False),
        (500, "", False),
        (503, "invalid_grant", False),
        (302, "", True),
    ],
)
def test_what_is_final(status: int, error: str, final: bool) -> None:
    """4xx end a login; 408, 425, 429, 5xx and "later" don't, whatever the body says."""
    assert refusal(status, {}, {"error": error}, (), NOW).final is final


@pytest.mark.parametrize(
    ("fields", "code", "detail"),
    [
        ({"error": "invalid_grant", "error_description": "Gone."}, "invalid_grant", "Gone."),
        (
            {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow."}},
            "rate_limit_error",
            "Slow.",
        ),
        ({"status": "BAD_REFRESH_TOKEN", "message": "bad"}, "BAD_REFRESH_TOKEN", "bad"),
        ({"reason": "Invalid Token!", "error": "invalid_grant"}, "invalid_grant", "Invalid Token!"),
        ({"code": 0, "message": "Unauthorized"}, "http_400", "Unauthorized"),
        ({}, "http_400", "the provider answered with HTTP 400"),
        ({"error": "<script>"}, "http_400", "the provider answered with HTTP 400"),
        (
            {"error": 7, "error_description": ["x"]},
            "http_400",
            "the provider answered with HTTP 400",
        ),
    ],
)
def test_where_providers_say_why(fields: dict[str, Any], code: str, detail: str) -> None:
    """Anthropic, HubSpot, Zoom and Discord have their own places for code and sentence."""
    error = refusal(400, {}, fields, (), NOW)
    assert (error.code, error.detail) == (code, detail)
    assert str(error) == f"{code}: {detail}"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:02:00 GMT"}, 120.0),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0.0),
        (
            {
                "retry-after": "Fri, 15 Jan 2027 09:00:30 GMT",
                "date": "Fri, 15 Jan 2027 09:00:00 GMT",
            },
            30.0,
        ),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_in_both_forms(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds and dates are read; a date counts from the answer's own clock if it tells it."""
    assert retry_after_seconds(headers, NOW) == seconds


def test_a_final_refusal_has_no_wait() -> None:
    """A Retry-After beside invalid_grant means nothing."""
    error = refusal(400, {"retry-after": "5"}, {"error": "invalid_grant"}, (), NOW)
    assert error.retry_after is None
    assert refusal(503, {"retry-after": "5"}, {}, (), NOW).retry_after == 5.0


@given(st.text(max_size=60))
def test_any_retry_after_is_harmless(value: str) -> None:
    """Whatever stands in the field, the answer is a wait or none."""
    seconds = retry_after_seconds({"retry-after": value, "date": value}, NOW)
    assert seconds is None or seconds >= 0


def spellings(secret: bytes) -> dict[str, str]:
    """A secret as an error text may quote it."""
    text = secret.decode()
    return {
        "plain": text,
        "upper case": text.upper(),
        "percent": quote(text, safe=""),
        "JSON": json.dumps(text).replace("/", "\\/"),
        "base64": base64.b64encode(secret).decode(),
        "base64url": base64.urlsafe_b64encode(secret).decode(),
        "hexadecimal": secret.hex(),
        "its beginning": text[:12],
        "its end": text[-12:],
        "lengthened": f"x{text}y",
    }


@pytest.mark.parametrize("name", spellings(TOKEN))
def test_a_token_of_ours_is_cut_out(name: str) -> None:
    """A token that an error quotes, in any usual spelling, whole or in part, is gone."""
    spelling = spellings(TOKEN)[name]
    clean = redacted(f"the token {spelling} was used before", [TOKEN])
    for at in range(len(spelling) - 8):
        assert spelling[at : at + 8] not in clean
    assert REDACTED in clean
    assert clean.startswith("the token ")
    assert clean.endswith(" was used before")


def test_a_token_we_never_had_is_cut_out() -> None:
    """What looks like a token goes, even if it is none of ours."""
    clean = redacted("instead use eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl please", [])
    assert clean == f"instead use {REDACTED} please"


def test_ordinary_sentences_stay() -> None:
    """A usual error text is kept as it is."""
    text = "AADSTS70008: The refresh token has expired due to inactivity."
    assert redacted(text, [TOKEN]) == text


def test_a_short_secret_is_cut_out_whole() -> None:
    """A client secret shorter than a stretch is not shown either."""
    assert redacted("wrong secret: pa55!", [b"pa55!"]) == f"wrong secret: {REDACTED}"


def test_the_code_is_redacted_too() -> None:
    """A provider that puts the token into `error` leaks nothing."""
    token = b"RTabcdefghijk"
    error = refusal(400, {}, {"error": "RTabcdefghijk"}, [token], NOW)
    assert "abcdefgh" not in str(error)


def test_a_long_text_is_cut() -> None:
    """At most 500 characters are kept, and nothing that steers a terminal."""
    clean = redacted("\x1b[2J" + "a b " * 5000, [])
    assert len(clean) <= 500
    assert "\x1b" not in clean


_VISIBLE = st.characters(min_codepoint=33, max_codepoint=126)


@given(st.text(_VISIBLE, min_size=5, max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    """Whatever stands around it, the secret is not in what is kept."""
    kept = redacted(before + secret + after, [secret.encode()])
    assert secret not in kept.replace(REDACTED, " ")
