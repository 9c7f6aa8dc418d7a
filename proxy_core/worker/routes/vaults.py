"""Vaults and their settings."""

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.uses import UseApp, UseCaller

_CHANGE = needs(Permission.CHANGE_VAULT, "path")


@get("/v1/vaults", opt=needs(Permission.LIST_VAULTS), responses=fails(401))
async def list_vaults(app: UseApp, caller: UseCaller) -> wire.VaultList:
    """The vaults that the caller may see."""
    return await app.vaults.list(caller.known())


@post("/v1/vaults", opt=needs(Permission.CREATE_VAULT), responses=change_fails(401, 409))
async def create_vault(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.VaultName]
) -> wire.Vault:
    """Create a vault; an agent that creates one becomes its admin."""
    return await app.vaults.create(data, caller.known())


@delete("/v1/vaults/{vault:str}", status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def delete_vault(app: UseApp, caller: UseCaller, vault: FromPath[str]) -> wire.VaultDeleted:
    """Delete a vault with all it holds; never `default`."""
    return await app.vaults.delete(vault, caller.known())


@post(
    "/v1/vaults/{vault:str}/rename",
    status_code=200,
    opt=_CHANGE,
    responses=change_fails(401, 404, 409),
)
async def rename_vault(
    app: UseApp, caller: UseCaller, vault: FromPath[str], data: JSONBody[wire.VaultName]
) -> wire.Vault:
    """Rename a vault."""
    return await app.vaults.rename(vault, data, caller.known())


@get(
    "/v1/vaults/{vault:str}/settings",
    opt=needs(Permission.READ_VAULT, "path"),
    responses=fails(401, 404),
)
async def vault_settings(app: UseApp, vault: FromPath[str]) -> wire.VaultSettings:
    """What the vault does with hosts that no service covers."""
    return await app.vaults.settings(vault)


@patch("/v1/vaults/{vault:str}/settings", opt=_CHANGE, responses=change_fails(401, 404))
async def change_vault_settings(
    app: UseApp, caller: UseCaller, vault: FromPath[str], data: JSONBody[wire.VaultSettings]
) -> wire.VaultSettings:
    """Counts at the next request."""
    return await app.vaults.change_settings(vault, data, caller.known())


HANDLERS = (
    list_vaults,
    create_vault,
    delete_vault,
    rename_vault,
    vault_settings,
    change_vault_settings,
)
