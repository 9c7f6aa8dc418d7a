"""The external store behind a vault. The worker reaches it: only operators choose it."""

from litestar import delete, get, put
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

_PATH = "/v1/vaults/{vault:str}/source"
_SET = needs(Permission.CHANGE_SOURCES)


@put(_PATH, opt=_SET, responses=change_fails(401, 404, 409))
async def set_source(
    app: UseApp, caller: UseCaller, vault: FromPath[str], data: JSONBody[wire.SetSource]
) -> wire.SourceInfo:
    """Let an empty vault be backed by a store, and read it once."""
    return await app.sources.set(vault, data, caller.authorize(Permission.CHANGE_SOURCES))


@get(_PATH, opt=needs(Permission.READ_VAULT, "path"), responses=fails(401, 404, 503))
async def show_source(app: UseApp, vault: FromPath[str]) -> wire.SourceInfo:
    """Where a vault's credentials come from, and how reading them goes."""
    return await app.sources.show(vault)


@action(f"{_PATH}/poll", _SET, 401, 404)
async def poll_source(app: UseApp, caller: UseCaller, vault: FromPath[str]) -> wire.SourceInfo:
    """Read the store now."""
    caller.authorize(Permission.CHANGE_SOURCES)
    return await app.sources.poll(vault)


@delete(_PATH, status_code=200, opt=_SET, responses=change_fails(401, 404))
async def remove_source(app: UseApp, caller: UseCaller, vault: FromPath[str]) -> wire.Deleted:
    """Read the store no more; the credentials stay as the vault's own."""
    return await app.sources.remove(vault, caller.authorize(Permission.CHANGE_SOURCES))


HANDLERS = (set_source, show_source, poll_source, remove_source)
