"""Credentials that a command tells. It runs code here: only operators set and approve it."""

from litestar import get, put
from litestar.params import FromPath, FromQuery, JSONBody

from proxy_core.domain import wire
from proxy_core.domain.names import DEFAULT_VAULT
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

_RUN = needs(Permission.RUN_COMMANDS)


@put(
    "/v1/credentials/{key:str}/command",
    opt=_RUN,
    responses=change_fails(401, 404, 409),
)
async def set_command(
    app: UseApp, caller: UseCaller, key: FromPath[str], data: JSONBody[wire.SetCommand]
) -> wire.CommandInfo:
    """Create or replace a command. It waits for an approval."""
    return await app.commands.set(key, data, caller.authorize(Permission.RUN_COMMANDS))


@get(
    "/v1/credentials/{key:str}/command",
    opt=needs(Permission.READ_VAULT, "query"),
    responses=fails(401, 404, 503),
)
async def show_command(
    app: UseApp, key: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.CommandInfo:
    """What would be run, and how it goes."""
    return await app.commands.show(vault, key)


@action("/v1/credentials/{key:str}/approve", _RUN, 401, 404, 409)
async def approve_command(
    app: UseApp, caller: UseCaller, key: FromPath[str], data: JSONBody[wire.ApproveCommand]
) -> wire.CommandInfo:
    """Let exactly the command that was shown run."""
    return await app.commands.approve(key, data, caller.authorize(Permission.RUN_COMMANDS))


@action("/v1/credentials/{key:str}/test", _RUN, 401, 404)
async def try_command(
    app: UseApp, key: FromPath[str], data: JSONBody[wire.TryCommand]
) -> wire.CommandTried:
    """Run an approved command now; its value is not shown."""
    return await app.commands.test(key, data.vault)


HANDLERS = (set_command, show_command, approve_command, try_command)
