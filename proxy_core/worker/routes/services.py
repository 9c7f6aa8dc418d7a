"""Services of a vault. `{name}` is a name or a host pattern, which may hold an encoded slash."""

from litestar import delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from proxy_core.domain import wire
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import change_fails, fails, needs, required
from proxy_core.worker.uses import UseApp, UseCaller

_SERVICES = "/v1/vaults/{vault:str}/services"
_READ = needs(Permission.READ_SERVICES, "path")
_CHANGE = needs(Permission.CHANGE_SERVICES, "path")


@get(_SERVICES, opt=_READ, responses=fails(401, 404))
async def list_services(app: UseApp, vault: FromPath[str]) -> wire.ServiceList:
    """The service documents."""
    return await app.services.list(vault)


@post(_SERVICES, status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def upsert_services(
    app: UseApp, caller: UseCaller, vault: FromPath[str], data: JSONBody[wire.ServicesRequest]
) -> wire.ServicesUpserted:
    """Add or replace by name, all or none."""
    return await app.services.upsert(vault, data, caller.known())


@put(_SERVICES, opt=_CHANGE, responses=change_fails(401, 404))
async def replace_services(
    app: UseApp, caller: UseCaller, vault: FromPath[str], data: JSONBody[wire.ServicesRequest]
) -> wire.ServicesReplaced:
    """Replace all services, in the order given."""
    return await app.services.replace(vault, data, caller.known())


@delete(_SERVICES, status_code=200, opt=_CHANGE, responses=change_fails(401, 404))
async def clear_services(
    app: UseApp, caller: UseCaller, vault: FromPath[str]
) -> wire.ServicesCleared:
    """Remove all services."""
    return await app.services.clear(vault, caller.known())


@patch(_SERVICES + "/{name:str}", opt=_CHANGE, responses=change_fails(401, 404, 409))
async def patch_service(
    app: UseApp,
    caller: UseCaller,
    vault: FromPath[str],
    name: FromPath[str],
    data: JSONBody[wire.ServicePatch],
) -> wire.ServicesUpserted:
    """Enable or disable a service."""
    return await app.services.patch(vault, name, data, caller.known())


@delete(
    _SERVICES + "/{name:str}",
    status_code=200,
    opt=_CHANGE,
    responses=change_fails(401, 404, 409),
)
async def remove_service(
    app: UseApp, caller: UseCaller, vault: FromPath[str], name: FromPath[str]
) -> wire.ServiceRemoved:
    """Remove a service."""
    return await app.services.remove(vault, name, caller.known())


@get(_SERVICES + "/credential-usage", opt=_READ, responses=fails(401, 404))
async def credential_usage(
    app: UseApp, vault: FromPath[str], key: FromQuery[str | None] = None
) -> wire.CredentialUsage:
    """The services that use the credential `key`."""
    return await app.services.credential_usage(vault, required(key, "key"))


@post(_SERVICES + "/test", status_code=200, opt=_READ, responses=change_fails(401, 404))
async def match_test(
    app: UseApp, vault: FromPath[str], data: JSONBody[wire.MatchTest]
) -> wire.MatchResult:
    """Which service would win for a request, and why; nothing is sent."""
    return await app.services.test(vault, data)


HANDLERS = (
    list_services,
    upsert_services,
    replace_services,
    clear_services,
    patch_service,
    remove_service,
    credential_usage,
    match_test,
)
