"""The worker's settings."""

from litestar import get, patch
from litestar.params import JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.uses import UseApp, UseCaller


@get("/v1/admin/settings", opt=needs(Permission.READ_SETTINGS), responses=fails(401))
async def list_settings(app: UseApp) -> wire.SettingList:
    """Every setting with its default and meaning."""
    return app.settings.list()


@patch(
    "/v1/admin/settings",
    opt=needs(Permission.CHANGE_SETTINGS),
    responses=change_fails(401),
)
async def change_settings(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.SettingsChange]
) -> wire.SettingList:
    """Change the settings named, all or none; null restores a default."""
    return await app.settings.change(data.settings, caller.known())


HANDLERS = (list_settings, change_settings)
