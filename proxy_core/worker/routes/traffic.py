"""The request log."""

from litestar import get

from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.logs import LogQuery
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import fails, needs

_READ = needs(Permission.READ_LOGS, "path")


@get("/v1/vaults/{vault:str}/logs", opt=_READ, responses=fails(400, 401, 403, 404))
async def logs(
    app: Application,
    vault: str,
    status_bucket: str = "",
    service: str = "",
    agent: str = "",
    q: str = "",
    before: str = "",
    after: str = "",
    limit: int = 100,
) -> wire.LogPage:
    """A page, newest first; `q` is a filter expression, `before` and `after` are cursors."""
    query = LogQuery(status_bucket, service, agent, q, before, after, limit)
    return await app.logs.page(vault, query)


@get("/v1/vaults/{vault:str}/discovered-hosts", opt=_READ, responses=fails(401, 403, 404))
async def discovered_hosts(app: Application, vault: str) -> wire.DiscoveredHosts:
    """Hosts that agents reached without a service."""
    return await app.logs.discovered_hosts(vault)


HANDLERS = (logs, discovered_hosts)
