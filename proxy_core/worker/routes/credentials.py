"""Credentials: names for agents, values for operators and members, on purpose only."""

from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from proxy_core.domain import wire
from proxy_core.domain.names import DEFAULT_VAULT, VaultRole
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import (
    change_fails,
    default_vault,
    fails,
    is_token,
    needs,
)
from proxy_core.worker.uses import UseApp, UseCaller

_CHANGE = needs(Permission.CHANGE_CREDENTIALS, "body")


@get(
    "/v1/credentials",
    opt=needs(Permission.LIST_CREDENTIALS, "query"),
    responses=fails(401, 404, 503),
)
async def list_credentials(
    app: UseApp,
    caller: UseCaller,
    vault: FromQuery[str | None] = None,
    reveal: FromQuery[bool] = False,
    key: FromQuery[str] = "",
) -> wire.CredentialList:
    """Names for the proxy role, metadata for others; with `reveal` the values, announced."""
    vault = vault or default_vault(caller)
    if reveal:
        by = caller.authorize(Permission.REVEAL_CREDENTIALS, vault)
        return await app.credentials.reveal(vault, by, key)
    if is_token(caller) and caller.known().vaults.get(vault) is VaultRole.PROXY:
        return await app.credentials.names(vault, caller.known())
    return await app.credentials.list(vault, key)


@post("/v1/credentials", status_code=200, opt=_CHANGE, responses=change_fails(401, 404, 409))
async def set_credentials(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.SetCredentials]
) -> wire.CredentialsSet:
    """Store values, all or none; older ones stay as versions."""
    by = caller.authorize(Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.credentials.set(data, by)


@delete("/v1/credentials", status_code=200, opt=_CHANGE, responses=change_fails(401, 404, 409))
async def delete_credentials(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.DeleteCredentials]
) -> wire.CredentialsDeleted:
    """Delete credentials with their versions, all or none."""
    by = caller.authorize(Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.credentials.delete(data, by)


@get(
    "/v1/credentials/{key:str}/versions",
    opt=needs(Permission.READ_VAULT, "query"),
    responses=fails(401, 404, 503),
)
async def credential_versions(
    app: UseApp, key: FromPath[str], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.CredentialHistory:
    """The versions that are kept, newest first; no values."""
    return await app.credentials.history(vault, key)


@post(
    "/v1/credentials/{key:str}/restore",
    status_code=200,
    opt=_CHANGE,
    responses=change_fails(401, 404, 409),
)
async def restore_credential(
    app: UseApp, caller: UseCaller, key: FromPath[str], data: JSONBody[wire.RestoreCredential]
) -> wire.CredentialsSet:
    """An old value becomes the newest version."""
    by = caller.authorize(Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.credentials.restore(key, data, by)


HANDLERS = (
    list_credentials,
    set_credentials,
    delete_credentials,
    credential_versions,
    restore_credential,
)
