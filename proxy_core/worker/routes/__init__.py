"""The API's endpoints, by subject. They stay thin: identify, authorise, call the use case."""

from litestar.handlers import HTTPRouteHandler

from proxy_core.worker.routes import (
    accounts,
    agents,
    approvals,
    connecting,
    credentials,
    events,
    metrics,
    oauth,
    pools,
    proposals,
    public,
    seal,
    services,
    sessions,
    settings,
    skills,
    traffic,
    vault_agents,
    vaults,
    webhooks,
)

HANDLERS: tuple[HTTPRouteHandler, ...] = (
    *public.HANDLERS,
    *skills.HANDLERS,
    *metrics.HANDLERS,
    *seal.HANDLERS,
    *vaults.HANDLERS,
    *credentials.HANDLERS,
    *oauth.HANDLERS,
    *connecting.HANDLERS,
    *services.HANDLERS,
    *sessions.HANDLERS,
    *agents.HANDLERS,
    *vault_agents.HANDLERS,
    *accounts.HANDLERS,
    *pools.HANDLERS,
    *approvals.HANDLERS,
    *proposals.HANDLERS,
    *traffic.HANDLERS,
    *settings.HANDLERS,
    *webhooks.HANDLERS,
    *events.HANDLERS,
)
