"""Credentials: names for agents, values for operators and members, on purpose only."""

from litestar import delete, get, post

from proxy_core.domain import wire
from proxy_core.domain.names import VaultRole
from proxy_core.services.application import Application
from proxy_core.services.principal import Permission, authorize
from proxy_core.worker.access import Caller
from proxy_core.worker.guard import DEFAULT_VAULT, fails, is_token, needs

_CHANGE = needs(Permission.CHANGE_CREDENTIALS, "body")


@get(
    "/v1/credentials",
    opt=needs(Permission.LIST_CREDENTIALS, "query"),
    responses=fails(400, 401, 403, 404, 503),
)
async def list_credentials(
    app: Application,
    caller: Caller,
    vault: str = DEFAULT_VAULT,
    reveal: bool = False,
    key: str = "",
) -> wire.CredentialList:
    """Names for the proxy role, metadata for others; with `reveal` the values, announced."""
    by = caller.known()
    if reveal:
        authorize(by, Permission.REVEAL_CREDENTIALS, vault)
        return await app.credentials.reveal(vault, by, key)
    if is_token(caller) and by.vaults.get(vault) is VaultRole.PROXY:
        return await app.credentials.names(vault)
    return await app.credentials.list(vault, key)


@post("/v1/credentials", status_code=200, opt=_CHANGE, responses=fails(400, 401, 403, 404, 503))
async def set_credentials(
    app: Application, caller: Caller, data: wire.SetCredentials
) -> wire.CredentialsSet:
    """Store values, all or none; older ones stay as versions."""
    authorize(caller.known(), Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.credentials.set(data, caller.known())


@delete("/v1/credentials", status_code=200, opt=_CHANGE, responses=fails(400, 401, 403, 404))
async def delete_credentials(
    app: Application, caller: Caller, data: wire.DeleteCredentials
) -> wire.CredentialsDeleted:
    """Delete credentials with their versions, all or none."""
    authorize(caller.known(), Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.credentials.delete(data, caller.known())


@get(
    "/v1/credentials/{key:str}/versions",
    opt=needs(Permission.READ_VAULT, "query"),
    responses=fails(401, 403, 404),
)
async def credential_versions(
    app: Application, key: str, vault: str = DEFAULT_VAULT
) -> wire.CredentialHistory:
    """The versions that are kept, newest first; no values."""
    return await app.credentials.history(vault, key)


@post(
    "/v1/credentials/{key:str}/restore",
    status_code=200,
    opt=_CHANGE,
    responses=fails(400, 401, 403, 404, 503),
)
async def restore_credential(
    app: Application, caller: Caller, key: str, data: wire.RestoreCredential
) -> wire.CredentialsSet:
    """An old value becomes the newest version."""
    authorize(caller.known(), Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.credentials.restore(key, data, caller.known())


HANDLERS = (
    list_credentials,
    set_credentials,
    delete_credentials,
    credential_versions,
    restore_credential,
)
