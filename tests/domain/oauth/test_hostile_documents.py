"""Documents from providers with any JSON in any field: a value, or one of our own errors."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import TokenError
from proxy_core.domain.oauth.device import parse_device_reply
from proxy_core.domain.oauth.metadata import parse_metadata

ISSUER = "https://issuer.example"

_TEXTS = st.text(max_size=20) | st.sampled_from([ISSUER, f"{ISSUER}/t", "https://[", "S256", "60"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=5,
)
_METADATA = (
    *("issuer", "token_endpoint", "authorization_endpoint", "device_authorization_endpoint"),
    *("scopes_supported", "code_challenge_methods_supported"),
    "token_endpoint_auth_methods_supported",
)
_DEVICE = (
    *("device_code", "user_code", "verification_uri", "verification_url", "expires_in"),
    *("interval", "verification_uri_complete"),
)


def written(document: dict[str, Any]) -> bytes:
    """The document as it travels."""
    return json.dumps(document).encode()


@given(st.dictionaries(st.sampled_from(_METADATA), _VALUES), st.booleans())
def test_metadata(document: dict[str, Any], confidential: bool) -> None:
    """What is taken from metadata leads to https URLs only, at the issuer that was asked."""
    body = written({"issuer": ISSUER, "token_endpoint": f"{ISSUER}/t", **document})
    try:
        client = parse_metadata(body, ISSUER, confidential=confidential)
    except VaultError:
        return
    assert client.issuer.rstrip("/") == ISSUER
    for url in (client.token_url, client.authorization_url, client.device_authorization_url):
        assert not url or url.startswith("https://")


@given(st.dictionaries(st.sampled_from(_DEVICE), _VALUES))
def test_device_replies(document: dict[str, Any]) -> None:
    """What a person is shown is safe to show, and the pace is bearable."""
    start = {"device_code": "dc", "user_code": "AB-CD", "verification_uri": ISSUER}
    body = written({**start, "expires_in": 60, **document})
    try:
        found = parse_device_reply(200, {}, body, (), 1000.0)
    except TokenError:
        return
    shown = found.verification_uri + found.user_code + found.verification_uri_complete
    assert shown.isprintable()
    assert 1 <= found.interval <= 60
    assert found.expires_at > 1000
