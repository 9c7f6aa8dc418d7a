"""OAuth credentials: tokens that are pasted, how refreshing goes."""

from proxy_core.domain.wire.base import Request, Response


class PasteTokens(Request):
    """`POST /v1/credentials/oauth/tokens`.

    `provider` is a preset's id; with it `token_url` and the rest may be left out. `scopes` is a
    list, or a text with blanks between. `expires_at`: RFC 3339 or epoch seconds.
    """

    key: str
    access_token: str
    vault: str = "default"
    token_url: str = ""
    provider: str = ""
    client_id: str = ""
    client_secret: str = ""
    token_auth_method: str = ""
    token_format: str = ""
    refresh_token: str = ""
    expires_in: float | None = None
    expires_at: float | str | None = None
    scopes: list[str] | str = ""
    scope_separator: str = ""


class OAuthConnected(Response):
    """Answer of PasteTokens."""

    connected: bool
    connected_at: str


class RefreshOAuth(Request):
    """`POST /v1/credentials/oauth/refresh`: refresh now."""

    key: str
    vault: str = "default"


class OAuthStatus(Response, omit_defaults=True):
    """`GET /v1/credentials/oauth/status?vault&key`. Times that aren't known are left out.

    `state`: `pending` (never connected), `connected`, or `reconnect` (refused for good).
    """

    connected: bool
    state: str
    refresh_count: int
    connected_at: str = ""
    expires_at: str = ""
    next_refresh_at: str = ""
    last_refresh_at: str = ""
    last_error: str = ""
