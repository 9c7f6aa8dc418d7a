"""The request log."""

from litestar import get
from litestar.params import FromPath, FromQuery

from proxy_core.domain import wire
from proxy_core.services.logs import LogQuery
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import fails, needs
from proxy_core.worker.uses import UseApp

_READ = needs(Permission.READ_LOGS, "path")


@get("/v1/vaults/{vault:str}/logs", opt=_READ, responses=fails(401, 404, 503))
async def logs(
    app: UseApp,
    vault: FromPath[str],
    status_bucket: FromQuery[str] = "",
    service: FromQuery[str] = "",
    agent: FromQuery[str] = "",
    q: FromQuery[str] = "",
    before: FromQuery[str] = "",
    after: FromQuery[str] = "",
    limit: FromQuery[int] = 100,
) -> wire.LogPage:
    """A page, newest first; `q` is a filter expression, `before` and `after` are cursors."""
    query = LogQuery(status_bucket, service, agent, q, before, after, limit)
    return await app.logs.page(vault, query)


@get("/v1/vaults/{vault:str}/discovered-hosts", opt=_READ, responses=fails(401, 404, 503))
async def discovered_hosts(app: UseApp, vault: FromPath[str]) -> wire.DiscoveredHosts:
    """Hosts that agents reached without a service."""
    return await app.logs.discovered_hosts(vault)


HANDLERS = (logs, discovered_hosts)
