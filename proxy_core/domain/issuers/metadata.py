"""Where an issuer publishes its keys (OpenID Connect Discovery 1.0 4.3, RFC 8414 3.3)."""

from typing import Any

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.oauth.urls import check_endpoint_url


def jwks_url(body: bytes, issuer: str, allow_http_loopback: bool = False) -> str:
    """The `jwks_uri` of metadata that calls itself `issuer`, to the letter.

    Raises VaultError bad_request.
    """
    try:
        document = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise VaultError("bad_request", "the issuer's metadata is no JSON object") from None
    named, url = document.get("issuer"), document.get("jwks_uri")
    if named != issuer:
        shown = display_safe(named, 200) if isinstance(named, str) else "nothing"
        raise VaultError("bad_request", f"the metadata found there calls its issuer {shown}")
    if not isinstance(url, str):
        raise VaultError("bad_request", "the issuer's metadata has no usable jwks_uri")
    return check_endpoint_url(url, "the issuer's jwks_uri", allow_http_loopback)
