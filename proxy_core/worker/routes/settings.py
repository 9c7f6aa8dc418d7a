"""The worker's settings."""

from litestar import get, patch

from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.principal import Permission
from proxy_core.worker.access import Caller
from proxy_core.worker.guard import fails, needs


@get("/v1/admin/settings", opt=needs(Permission.READ_SETTINGS), responses=fails(401, 403))
async def list_settings(app: Application) -> wire.SettingList:
    """Every setting with its default and meaning."""
    return app.settings.list()


@patch(
    "/v1/admin/settings",
    opt=needs(Permission.CHANGE_SETTINGS),
    responses=fails(400, 401, 403),
)
async def change_settings(
    app: Application, caller: Caller, data: wire.SettingsChange
) -> wire.SettingList:
    """Change the settings named, all or none; null restores a default."""
    return await app.settings.change(data.settings, caller.known())


HANDLERS = (list_settings, change_settings)
