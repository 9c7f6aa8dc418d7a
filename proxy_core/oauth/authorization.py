"""The first step of a login in a browser: the URL to open, and what must come back."""

from dataclasses import dataclass, field

from proxy_core.domain.oauth import OAuthClient

STATE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """`url` is for the person's browser; `state` must come back within 10 minutes, and once."""

    url: str
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def authorization_request(client: OAuthClient, redirect_uri: str) -> AuthorizationRequest:
    """A fresh request with its own state and, unless the client forbids it, PKCE S256.

    Raises VaultError bad_request for a client without an authorization URL or client id.
    """
    raise NotImplementedError
