"""Devices that sign in at the gateway, and the managed settings that they are given."""

from litestar import delete, get, put
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

_READ, _DECIDE = needs(Permission.READ_DEVICES), needs(Permission.DECIDE_DEVICES)
_SETTINGS = "/v1/vaults/{vault:str}/claude-settings"
_CHANGE = needs(Permission.CHANGE_CLAUDE_SETTINGS, "path")


@get("/v1/devices/requests", opt=_READ, responses=fails(401))
async def list_device_requests(app: UseApp) -> wire.DeviceRequestList:
    """The devices that wait to be approved, oldest first."""
    return await app.claude_gateway.devices.requests.list()


@action("/v1/devices/requests/{code:str}/approve", _DECIDE, 401, 404, 409)
async def approve_device(
    app: UseApp,
    caller: UseCaller,
    code: FromPath[str],
    data: JSONBody[wire.ApproveDevice | None] = None,
) -> wire.DeviceResolved:
    """Let a device act as an agent, by the code that its screen shows."""
    wanted = data or wire.ApproveDevice()
    return await app.claude_gateway.devices.approve(code, wanted, caller.known())


@action("/v1/devices/requests/{code:str}/deny", _DECIDE, 401, 404)
async def deny_device(app: UseApp, caller: UseCaller, code: FromPath[str]) -> wire.DeviceResolved:
    """Let it not."""
    return await app.claude_gateway.devices.deny(code, caller.known())


@get("/v1/devices", opt=_READ, responses=fails(401))
async def list_devices(app: UseApp) -> wire.DeviceList:
    """The devices that were approved, newest first."""
    return await app.claude_gateway.devices.list()


@delete(
    "/v1/devices/{device_id:str}", status_code=200, opt=_DECIDE, responses=change_fails(401, 404)
)
async def revoke_device(app: UseApp, caller: UseCaller, device_id: FromPath[str]) -> wire.Deleted:
    """End a device's sign-in; its connections end at once."""
    return await app.claude_gateway.devices.revoke(device_id, caller.known())


@get(_SETTINGS, opt=needs(Permission.READ_VAULT, "path"), responses=fails(401, 404))
async def get_claude_settings(app: UseApp, vault: FromPath[str]) -> wire.ClaudeSettings:
    """The managed settings of the vault's users of Claude Code."""
    return await app.claude_gateway.managed.get(vault)


@put(_SETTINGS, opt=_CHANGE, responses=change_fails(401, 404))
async def put_claude_settings(
    app: UseApp, caller: UseCaller, vault: FromPath[str], data: JSONBody[wire.PutClaudeSettings]
) -> wire.ClaudeSettings:
    """Set them; devices that are signed in ask about once an hour."""
    return await app.claude_gateway.managed.put(vault, data.settings, caller.known())


@delete(_SETTINGS, status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def delete_claude_settings(
    app: UseApp, caller: UseCaller, vault: FromPath[str]
) -> wire.Deleted:
    """Have none any more."""
    return await app.claude_gateway.managed.clear(vault, caller.known())


HANDLERS = (
    list_device_requests,
    approve_device,
    deny_device,
    list_devices,
    revoke_device,
    get_claude_settings,
    put_claude_settings,
    delete_claude_settings,
)
