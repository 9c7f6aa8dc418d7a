"""OAuth credentials, and logins at providers: start one, follow it, complete it."""

from proxy_core.client.calls.call import Call, given, segment
from proxy_core.domain import wire


def paste_tokens(tokens: wire.PasteTokens) -> Call[wire.OAuthConnected]:
    """Store tokens that were got elsewhere; a refresh token is proven by using it."""
    return Call("POST", "/v1/credentials/oauth/tokens", wire.OAuthConnected, body=tokens)


def oauth_status(key: str, vault: str = "default") -> Call[wire.OAuthStatus]:
    """How an OAuth credential's refreshing goes."""
    query = given(vault=vault, key=key)
    return Call("GET", "/v1/credentials/oauth/status", wire.OAuthStatus, query)


def refresh_oauth(key: str, vault: str = "default") -> Call[wire.OAuthStatus]:
    """Refresh an OAuth credential now."""
    body = wire.RefreshOAuth(key=key, vault=vault)
    return Call("POST", "/v1/credentials/oauth/refresh", wire.OAuthStatus, body=body)


def providers() -> Call[wire.OAuthProviderList]:
    """The presets that there are."""
    return Call("GET", "/v1/oauth/providers", wire.OAuthProviderList)


def discover_issuer(issuer: str, vault: str = "default") -> Call[wire.IssuerFound]:
    """An issuer's endpoints."""
    body = wire.DiscoverIssuer(issuer=issuer, vault=vault)
    return Call("POST", "/v1/oauth/discover", wire.IssuerFound, body=body)


def connect_oauth(request: wire.ConnectOAuth) -> Call[wire.OAuthFlow]:
    """Begin to connect an OAuth credential."""
    return Call("POST", "/v1/credentials/oauth/connect", wire.OAuthFlow, body=request)


def connect_account(request: wire.ConnectAccount) -> Call[wire.OAuthFlow]:
    """Begin to connect an account."""
    return Call("POST", "/v1/oauth/accounts/connect", wire.OAuthFlow, body=request)


def flow(flow_id: str, wait: int = 0) -> Call[wire.OAuthFlow]:
    """How a login stands; with `wait` as soon as it has ended, or after so many seconds."""
    path = f"/v1/oauth/flows/{segment(flow_id)}"
    return Call("GET", path, wire.OAuthFlow, given(wait=wait or None))


def complete_flow(flow_id: str, pasted: str) -> Call[wire.OAuthFlow]:
    """Complete a login with what the browser showed in the end."""
    path = f"/v1/oauth/flows/{segment(flow_id)}/complete"
    return Call("POST", path, wire.OAuthFlow, body=wire.CompleteOAuth(pasted=pasted))


def cancel_flow(flow_id: str) -> Call[wire.OAuthFlow]:
    """Give a login up; what was complete already stays."""
    return Call("DELETE", f"/v1/oauth/flows/{segment(flow_id)}", wire.OAuthFlow)
