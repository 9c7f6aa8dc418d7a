"""What tests of the audit share: its entries as the API shows them."""

from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.audit.auditing import AuditQuery


async def entries(app: Application, **query: object) -> list[wire.AuditEntry]:
    """The newest entries, oldest first."""
    page = await app.auditing.page(AuditQuery(limit=200, **query))  # type: ignore[arg-type]
    return page.entries[::-1]


async def told(app: Application, **query: object) -> list[tuple[str, str]]:
    """What was done to what, oldest first."""
    return [(entry.action, entry.target) for entry in await entries(app, **query)]
