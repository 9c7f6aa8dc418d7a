"""What anyone may read: health, status, the CA certificate, the catalog, the API's description."""

import asyncio
from typing import Annotated

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromQuery, HeaderParameter

from proxy_core.domain import catalog, wire
from proxy_core.services import slots
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import fails
from proxy_core.worker.uses import UseApp, UseCaller, UseFacts

_VAULT_HEADER = Annotated[str | None, HeaderParameter(name="X-Vault", required=False)]


@get("/health", responses=fails())
async def health() -> wire.Health:
    """Whether the worker serves at all."""
    return wire.Health(status="ok")


@get("/v1/status", responses=fails(401))
async def status(facts: UseFacts, caller: UseCaller) -> wire.Status:
    """The worker's state. Without a token over TCP: no process, socket or problems."""
    found = facts.status(caller)
    if found.initialized or caller.peer is None:
        return found
    trouble = await asyncio.to_thread(slots.keyring_trouble)
    return msgspec.structs.replace(found, keyring_problem=trouble)


@get("/v1/mitm/ca.pem", responses=fails(503), media_type="application/x-pem-file")
async def ca_pem(app: UseApp, facts: UseFacts) -> Response[str]:
    """The certificate of the local CA, for agents to trust; beside it how the proxy is reached."""
    headers = {"X-MITM-Port": facts.proxy.rpartition(":")[2]}
    if facts.tls:
        headers["X-MITM-TLS"] = "1"
    return Response(app.keys.ca_pem, media_type="application/x-pem-file", headers=headers)


@get("/v1/service-catalog", responses=fails())
async def service_catalog() -> wire.Catalog:
    """Ready-made service documents."""
    return wire.Catalog(templates=list(catalog.templates()))


@get("/discover", responses=fails(401, 404))
async def discover(
    app: UseApp,
    caller: UseCaller,
    x_vault: _VAULT_HEADER = None,
    vault: FromQuery[str | None] = None,
) -> wire.Discovery:
    """What an agent may know of a vault; X-Vault names it where the token has several."""
    principal, name = caller.known(), x_vault or vault
    if name is not None:
        caller.authorize(Permission.DISCOVER, name)
    return await app.discoveries.discover(principal, name)


@get("/openapi.json", responses=fails(), include_in_schema=False)
async def openapi(request: Request[object, object, State]) -> Response[bytes]:
    """This API's description, made from the types."""
    document: bytes = await request.app.state.description()
    return Response(document, media_type="application/json")


HANDLERS = (health, status, ca_pem, service_catalog, discover, openapi)
