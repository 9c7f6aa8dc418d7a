"""OAuth credentials: tokens pasted, their health, a refresh on demand."""

from litestar import get
from litestar.params import FromQuery, JSONBody

from proxy_core.domain import wire
from proxy_core.domain.names import DEFAULT_VAULT
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import fails, needs, required
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

_CHANGE = needs(Permission.CHANGE_CREDENTIALS, "body")


@action("/v1/credentials/oauth/tokens", _CHANGE, 401, 404, 409, 502)
async def paste_tokens(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.PasteTokens]
) -> wire.OAuthConnected:
    """Store tokens that were got elsewhere. A refresh token is used at once: on failure nothing is
    stored.
    """
    by = caller.authorize(Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.oauth.paste(data, by)


@get(
    "/v1/credentials/oauth/status",
    opt=needs(Permission.READ_VAULT, "query"),
    responses=fails(401, 404, 503),
)
async def oauth_status(
    app: UseApp, vault: FromQuery[str] = DEFAULT_VAULT, key: FromQuery[str] = ""
) -> wire.OAuthStatus:
    """Whether a credential is connected, and how refreshing it goes."""
    return app.oauth.status(vault, required(key, "key"))


@action("/v1/credentials/oauth/refresh", _CHANGE, 401, 404, 502)
async def refresh_oauth(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.RefreshOAuth]
) -> wire.OAuthStatus:
    """Refresh a credential's tokens now."""
    by = caller.authorize(Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.oauth.refresh(data, by)


HANDLERS = (paste_tokens, oauth_status, refresh_oauth)
