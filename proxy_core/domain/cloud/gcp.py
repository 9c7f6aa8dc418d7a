"""Google Cloud's key files: what a token is asked for with.

    service_account     a private key signs an assertion (RFC 7523)
    authorized_user     what `gcloud auth application-default login` writes: a refresh token

https://cloud.google.com/docs/authentication/application-default-credentials
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.assertions import parse_service_account
from proxy_core.domain.oauth.client import AuthMethod, OAuthClient
from proxy_core.domain.oauth.replies import token_bytes

DEFAULT_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - a URL, no secret


@dataclass(frozen=True, slots=True)
class GcpKey:
    """A key file. `secret` is the PEM private key, or the client's secret where there is a
    `refresh_token`.
    """

    client: OAuthClient
    secret: bytes = field(repr=False)
    refresh_token: bytes | None = field(default=None, repr=False)


def parse_key(text: str, scope: str = "") -> GcpKey:
    """A key file; `scope` are scopes with blanks between them, empty: all of Google Cloud.

    Raises VaultError bad_request, and never shows a value of the file.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    kind = document.get("type") if isinstance(document, Mapping) else None
    scopes = tuple((scope or DEFAULT_SCOPE).split())
    if kind == "service_account":
        return GcpKey(*parse_service_account(text, scopes))
    if kind == "authorized_user" and isinstance(document, Mapping):
        return _user(document)
    raise VaultError(
        "bad_request", "that is no key file of type service_account or authorized_user"
    )


def _user(document: Mapping[str, object]) -> GcpKey:
    names = ("client_id", "client_secret", "refresh_token")
    client_id, secret, refresh_token = (token_bytes(document.get(name)) for name in names)
    if client_id is None or secret is None or refresh_token is None:
        raise VaultError(
            "bad_request", "the key file lacks a usable client_id, client_secret or refresh_token"
        )
    client = OAuthClient(
        provider="google",
        token_url=TOKEN_URL,
        client_id=client_id.decode("ascii"),
        auth_method=AuthMethod.POST,
    )
    return GcpKey(client, secret, refresh_token)
