"""The first step of a login in a browser: the URL to open, and what must come back."""

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.pkce import METHOD, challenge

STATE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """`url` is for the person's browser; `state` must come back within 10 minutes, and once."""

    url: str = field(repr=False)
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def authorization_request(client: OAuthClient, redirect_uri: str) -> AuthorizationRequest:
    """A fresh request with its own state and, unless the client forbids it, PKCE S256.

    Raises VaultError bad_request for a client without an authorization URL or client id.
    """
    if not client.authorization_url or not client.client_id:
        missing = "a client id" if client.authorization_url else "an authorization URL"
        raise VaultError("bad_request", f"connecting needs {missing}")
    state = secrets.token_urlsafe(32)
    verifier = secrets.token_urlsafe(64) if client.pkce else ""
    fields = {
        **client.authorization_parameters,
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    if client.scopes:
        fields["scope"] = client.scope
    if verifier:
        fields |= {"code_challenge": challenge(verifier), "code_challenge_method": METHOD}
    joint = "&" if "?" in client.authorization_url else "?"
    url = f"{client.authorization_url}{joint}{urlencode(fields)}"
    return AuthorizationRequest(url, redirect_uri, state, verifier)
