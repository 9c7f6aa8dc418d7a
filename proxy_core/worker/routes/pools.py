"""Pools: credentials that are one of several accounts."""

from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from proxy_core.domain import wire
from proxy_core.domain.names import DEFAULT_VAULT
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

_READ = needs(Permission.READ_ACCOUNTS, "query")
_CHANGE = needs(Permission.CHANGE_ACCOUNTS, "query")
_CHANGE_BODY = needs(Permission.CHANGE_ACCOUNTS, "body")


@get("/v1/pools", opt=_READ, responses=fails(401, 404, 503))
async def list_pools(app: UseApp, vault: FromQuery[str] = DEFAULT_VAULT) -> wire.PoolList:
    """A vault's pools."""
    return app.accounts.pools.list(vault)


@post("/v1/pools", opt=_CHANGE_BODY, responses=change_fails(401, 404, 409))
async def create_pool(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.CreatePool]
) -> wire.PoolInfo:
    """Create a credential that is one of these accounts."""
    by = caller.authorize(Permission.CHANGE_ACCOUNTS, data.vault)
    return await app.accounts.pools.create(data, by)


@get("/v1/pools/{key:str}", opt=_READ, responses=fails(401, 404, 503))
async def get_pool(
    app: UseApp, key: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.PoolInfo:
    """One pool."""
    return app.accounts.pools.get(vault, key)


@patch("/v1/pools/{key:str}", opt=_CHANGE_BODY, responses=change_fails(401, 404))
async def change_pool(
    app: UseApp, caller: UseCaller, key: FromPath[str], data: JSONBody[wire.ChangePool]
) -> wire.PoolInfo:
    """Strategy and settings."""
    by = caller.authorize(Permission.CHANGE_ACCOUNTS, data.vault)
    return await app.accounts.pools.change(key, data, by)


@delete("/v1/pools/{key:str}", status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def delete_pool(
    app: UseApp, caller: UseCaller, key: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.Deleted:
    """Delete a pool with its credential; its accounts stay."""
    return await app.accounts.pools.delete(vault, key, caller.known())


@get("/v1/pools/{key:str}/choices", opt=_READ, responses=fails(401, 404, 503))
async def pool_choices(
    app: UseApp,
    key: FromPath[str],
    vault: FromQuery[str] = DEFAULT_VAULT,
    model: FromQuery[str] = "",
) -> wire.PoolChoices:
    """Which account it would choose for a new conversation, and the latest choices: why."""
    return app.accounts.pools.choices(vault, key, model)


@action("/v1/pools/{key:str}/accounts", _CHANGE_BODY, 401, 404, 409)
async def add_to_pool(
    app: UseApp, caller: UseCaller, key: FromPath[str], data: JSONBody[wire.PoolMembers]
) -> wire.PoolInfo:
    """Let accounts join at the end."""
    by = caller.authorize(Permission.CHANGE_ACCOUNTS, data.vault)
    return await app.accounts.pools.add(key, data, by)


@delete(
    "/v1/pools/{key:str}/accounts/{name:str}",
    status_code=200,
    opt=_CHANGE,
    responses=change_fails(401, 404, 409),
)
async def remove_from_pool(
    app: UseApp,
    caller: UseCaller,
    key: FromPath[str],
    name: FromPath[str],
    vault: FromQuery[str] = DEFAULT_VAULT,
) -> wire.PoolInfo:
    """Let an account leave; it stays an account."""
    return await app.accounts.pools.remove(vault, key, name, caller.known())


HANDLERS = (
    list_pools,
    create_pool,
    get_pool,
    change_pool,
    delete_pool,
    pool_choices,
    add_to_pool,
    remove_from_pool,
)
