"""A JWT is taken apart strictly, and nothing of it is believed yet."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.agent_tokens import MAX_JWT_BYTES
from proxy_core.domain.issuers import present


def part(value: Any) -> str:
    """A JSON value, or bytes, in base 64 without padding."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header: Any, claims: Any = None) -> str:
    """A token with a signature that is none."""
    return f"{part(header)}.{part({'iss': 'i'} if claims is None else claims)}.{part(b'signed')}"


def test_header_claims_and_what_was_signed() -> None:
    """The signature covers the text as it was sent, not as it would be written anew."""
    text = token({"alg": "ES256", "kid": "k1", "typ": "at+JWT"}, {"iss": "https://i", "n": [1]})
    found = present(text)
    assert (found.algorithm, found.key_id, found.issuer) == ("ES256", "k1", "https://i")
    assert found.claims["n"] == [1]
    assert found.signed == text.rpartition(".")[0].encode()
    assert found.signature == b"signed"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "eyJ9",
        "a.b",
        f"{part({'alg': 'ES256'})}.{part({})}",
        token({"alg": "ES256"}) + ".x",
        token([]),
        token({"alg": "ES256"}, []),
        token(b'{"alg":"ES256"', {}),
        token({"alg": "ES256"}, b"\xff\xfe"),
        token({"alg": "ES256"}, b'{"exp":NaN}'),
        token({"alg": "ES256"}, b'{"a":' * 1500 + b"1" + b"}" * 1500),
        token({"alg": "ES256"}) + "=",
        token({"alg": "ES256"}).replace(".", ".é", 1),
        token({"kid": "k"}),
        token({"alg": ""}),
        token({"alg": 5}),
        token({"alg": "ES256", "kid": ["k"]}),
        token({"alg": "ES256", "kid": "k" * 300}),
        token({"alg": "ES256", "crit": ["exp"]}),
        token({"alg": "ES256", "crit": []}),
        token({"alg": "ES256", "typ": "dpop+jwt"}),
        token({"alg": "ES256", "typ": "logout+jwt"}),
        token({"alg": "ES256"}, {"x": "y" * MAX_JWT_BYTES}),
    ],
)
def test_what_is_no_usable_jwt_is_refused(text: str) -> None:
    """With a reason, and without a word of the token."""
    with pytest.raises(VaultError) as caught:
        present(text)
    assert caught.value.code == "unauthorized"
    assert len(caught.value.detail) < 120


@given(
    st.text(alphabet=st.characters(max_codepoint=0x17F), max_size=200)
    | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*")
)
def test_whatever_comes_is_taken_apart_or_refused(text: str) -> None:
    """Nothing else can happen."""
    with suppress(VaultError):
        present(text)
