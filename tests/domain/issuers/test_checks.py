"""What must hold of a JWT before its signature is looked at, and of the key that is to check it."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.issuers import Issuer, Presented, check, suits
from proxy_core.domain.issuers.checks import LEEWAY_SECONDS
from proxy_core.domain.issuers.issuer import ALGORITHMS

NOW = 1_750_000_000.0
ISSUER = Issuer("i1", "corp", "https://id.example", ("vault", "other"), ("ES256",))
CLAIMS = {"iss": "https://id.example", "aud": "vault", "sub": "ada", "exp": NOW + 600}
EC = {"kty": "EC", "crv": "P-256"}


def judged(algorithm: str = "ES256", **claims: Any) -> float:
    """A token with these claims beside the good ones; None takes one away."""
    merged = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return check(Presented(algorithm, "", merged, b"", b""), ISSUER, NOW)


def test_a_good_token_counts_until_it_expires() -> None:
    """Whatever its audiences are beside one of ours, and a little before it begins."""
    assert judged() == NOW + 600
    assert judged(aud=["elsewhere", "other"], exp=NOW + 0.5) == NOW + 0.5
    assert judged(nbf=NOW + LEEWAY_SECONDS, iat=NOW + LEEWAY_SECONDS) == NOW + 600


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "https://id.example/"}, "issuer is another"),
        ({"iss": ["https://id.example"]}, "issuer is another"),
        ({"aud": "vaults"}, "another audience"),
        ({"aud": None}, "another audience"),
        ({"aud": []}, "another audience"),
        ({"aud": [["vault"]]}, "another audience"),
        ({"aud": {"vault": 1}}, "another audience"),
        ({"sub": None}, "no subject"),
        ({"sub": ""}, "no subject"),
        ({"sub": 5}, "no subject"),
        ({"sub": "a" * 256}, "no subject"),
        ({"cnf": {"jkt": "x"}}, "bound to a key"),
        ({"exp": None}, "never expires"),
        ({"exp": NOW}, "has expired"),
        ({"exp": 0}, "has expired"),
        ({"exp": str(NOW + 600)}, "exp is no time"),
        ({"exp": True}, "exp is no time"),
        ({"exp": 1e300}, "exp is no time"),
        ({"exp": -1}, "exp is no time"),
        ({"nbf": NOW + LEEWAY_SECONDS + 1}, "not valid yet"),
        ({"iat": NOW + LEEWAY_SECONDS + 1}, "not valid yet"),
        ({"iat": "now"}, "iat is no time"),
    ],
)
def test_each_claim_is_checked(claims: dict[str, Any], said: str) -> None:
    """One that is wrong is enough."""
    with pytest.raises(VaultError, match=said) as caught:
        judged(**claims)
    assert caught.value.code == "unauthorized"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "ES384", "es256", ""])
def test_only_the_issuers_algorithms_count(algorithm: str) -> None:
    """No other, however it is spelt."""
    with pytest.raises(VaultError, match="algorithm"):
        judged(algorithm)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (EC, "ES256"),
        ({**EC, "use": "sig", "alg": "ES256", "key_ops": ["verify"]}, "ES256"),
        ({"kty": "RSA"}, "PS512"),
        ({"kty": "OKP", "crv": "Ed25519"}, "EdDSA"),
    ],
)
def test_a_key_for_the_algorithm(key: dict[str, Any], algorithm: str) -> None:
    """By kind and curve, and by all that it says of itself."""
    assert suits(key, algorithm)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (EC, "RS256"),
        (EC, "ES384"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "HS256"),
        ({"kty": "RSA"}, "HS256"),
        ({"kty": "RSA"}, "none"),
        ({**EC, "use": "enc"}, "ES256"),
        ({**EC, "alg": "ES384"}, "ES256"),
        ({**EC, "key_ops": ["sign"]}, "ES256"),
        ({**EC, "key_ops": "verify"}, "ES256"),
        ({"kty": "OKP", "crv": "X25519"}, "EdDSA"),
        ({"kty": ["EC"], "crv": "P-256"}, "ES256"),
        ({}, "ES256"),
    ],
)
def test_a_key_for_something_else(key: dict[str, Any], algorithm: str) -> None:
    """A key of one kind never checks another kind's signatures."""
    assert not suits(key, algorithm)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys((*CLAIMS, "nbf", "iat", "cnf"), _JSON)))
def test_whatever_claims_say_they_count_or_are_refused(claims: dict[str, Any]) -> None:
    """What counts lives on."""
    with suppress(VaultError):
        assert check(Presented("ES256", "", {**CLAIMS, **claims}, b"", b""), ISSUER, NOW) > NOW


@given(st.dictionaries(st.sampled_from(["kty", "crv", "use", "key_ops", "alg"]), _JSON))
def test_no_key_suits_by_accident(key: dict[str, Any]) -> None:
    """Whatever else it says, its kind is the algorithm's."""
    for algorithm, (kind, _) in ALGORITHMS.items():
        assert not suits(key, algorithm) or key["kty"] == kind
