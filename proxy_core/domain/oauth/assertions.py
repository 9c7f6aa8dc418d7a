"""JWT bearer assertions (RFC 7523) and the service-account files that describe them."""

import json
from collections.abc import Mapping
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.client import GrantKind, OAuthClient
from proxy_core.domain.oauth.urls import check_endpoint_url

LIFE_SECONDS = 3600
SKEW_SECONDS = 30


def assertion_claims(client: OAuthClient, now: float, jti: str) -> dict[str, Any]:
    """The claims of an assertion for `client` (RFC 7523 3); `now` in epoch seconds.

    Google wants the scopes in here, others in the request: they are in both.
    """
    issued = int(now) - SKEW_SECONDS
    issuer = client.assertion.get("issuer") or client.client_id
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": client.assertion.get("audience") or client.token_url,
        "iat": issued,
        "exp": issued + LIFE_SECONDS,
        "jti": jti,
    }
    # RFC 7523 demands a subject; Google takes its absence for the account itself.
    subject = client.assertion.get("subject")
    if subject or client.provider != "google":
        claims["sub"] = subject or issuer
    if client.scopes:
        claims["scope"] = client.scope
    return claims


def parse_service_account(text: str, scopes: tuple[str, ...] = ()) -> tuple[OAuthClient, bytes]:
    """The client and the PEM private key in a Google service account's key file.

    Raises VaultError bad_request, and never shows a value of the file.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, Mapping) or document.get("type") != "service_account":
        raise VaultError("bad_request", "that is no service account's key file")
    email, key, token_url = (
        _text(document, name) for name in ("client_email", "private_key", "token_uri")
    )
    client = OAuthClient(
        provider="google",
        token_url=check_endpoint_url(token_url, "token_uri"),
        client_id=email,
        scopes=scopes,
        grant=GrantKind.JWT_BEARER,
        assertion={"key_id": _text(document, "private_key_id")},
    )
    return client, key.encode("utf-8")


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise VaultError("bad_request", f"the key file has no {name}")
    return value
