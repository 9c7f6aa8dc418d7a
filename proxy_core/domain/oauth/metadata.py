"""An issuer's metadata (RFC 8414, OpenID Connect Discovery 1.0): where it is, what it says."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.client import AuthMethod, OAuthClient
from proxy_core.domain.oauth.pkce import METHOD
from proxy_core.domain.oauth.urls import check_endpoint_url

_OPENID = "/.well-known/openid-configuration"
_OAUTH = "/.well-known/oauth-authorization-server"
# Asked for where the issuer offers them: who it is, and tokens that can be refreshed.
_WANTED_SCOPES = ("openid", "email", "offline_access")


def check_issuer(issuer: str, allow_http_loopback: bool) -> str:
    """An issuer identifier: an https URL without a query. Raises VaultError bad_request."""
    check_endpoint_url(issuer, "issuer", allow_http_loopback)
    if urlsplit(issuer).query:
        raise VaultError("bad_request", "issuer must hold no query")
    return issuer


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where to look, in order: OpenID Connect's place, RFC 8414's, and both mixed (its 5)."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    paths = dict.fromkeys((path + _OPENID, _OAUTH + path, _OPENID + path))
    return tuple(urlunsplit((parts.scheme, parts.netloc, each, "", "")) for each in paths)


def parse_metadata(
    body: bytes, issuer: str, *, confidential: bool, allow_http_loopback: bool = False
) -> OAuthClient:
    """A client configuration from metadata that calls itself `issuer` (RFC 8414 3.3).

    `confidential`: the client has a secret. A final slash may differ, as people leave it out; the
    metadata's own spelling is kept. Raises VaultError bad_request.
    """
    document = _object(body)
    scopes = _scopes(document)
    named = document.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != issuer.rstrip("/"):
        raise VaultError("bad_request", "the metadata found there belongs to another issuer")
    return OAuthClient(
        issuer=named,
        token_url=_endpoint(document, "token_endpoint", allow_http_loopback, required=True),
        authorization_url=_endpoint(document, "authorization_endpoint", allow_http_loopback),
        device_authorization_url=_endpoint(
            document, "device_authorization_endpoint", allow_http_loopback
        ),
        revocation_url=_endpoint(document, "revocation_endpoint", allow_http_loopback),
        auth_method=_auth_method(document) if confidential else AuthMethod.NONE,
        scopes=scopes,
        # Without it an OpenID provider must ignore offline_access (OpenID Connect Core 11).
        authorization_parameters={"prompt": "consent"} if "offline_access" in scopes else {},
        pkce=METHOD in _texts(document, "code_challenge_methods_supported", (METHOD,)),
    )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, Mapping):
        raise VaultError("bad_request", "the issuer's metadata is no JSON object")
    return document


def _endpoint(
    document: Mapping[str, Any], name: str, allow_http_loopback: bool, required: bool = False
) -> str:
    url = document.get(name)
    if url is None and not required:
        return ""
    if not isinstance(url, str):
        raise VaultError("bad_request", f"the issuer's metadata has no usable {name}")
    return check_endpoint_url(url, f"the issuer's {name}", allow_http_loopback)


def _auth_method(document: Mapping[str, Any]) -> AuthMethod:
    """The better of the methods offered; left out means basic (RFC 8414 2)."""
    offered = _texts(document, "token_endpoint_auth_methods_supported", (str(AuthMethod.BASIC),))
    for method in (AuthMethod.BASIC, AuthMethod.POST):
        if method in offered:
            return method
    raise VaultError("bad_request", "the issuer takes no client secret, neither basic nor post")


def _scopes(document: Mapping[str, Any]) -> tuple[str, ...]:
    offered = _texts(document, "scopes_supported", ())
    return tuple(scope for scope in _WANTED_SCOPES if scope in offered)


def _texts(document: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = document.get(name)
    if not isinstance(value, list):
        return default
    return tuple(item for item in value if isinstance(item, str))
