"""The audit: who did what. For operators and owners; a vault's admins read of their vault."""

from litestar import get
from litestar.params import FromQuery

from proxy_core.domain import wire
from proxy_core.services.audit.auditing import AuditQuery
from proxy_core.services.principal import Permission
from proxy_core.worker.guard import fails, needs
from proxy_core.worker.uses import UseApp, UseCaller


@get("/v1/audit", opt=needs(Permission.READ_AUDIT, "any"), responses=fails(401, 404, 503))
async def audit(
    app: UseApp,
    caller: UseCaller,
    vault: FromQuery[str] = "",
    actor: FromQuery[str] = "",
    action: FromQuery[str] = "",
    q: FromQuery[str] = "",
    since: FromQuery[str] = "",
    before: FromQuery[str] = "",
    after: FromQuery[str] = "",
    limit: FromQuery[int] = 100,
) -> wire.AuditPage:
    """A page, newest first. `actor` is a kind, a name or both, `action` may end at its dot,
    `q` is looked for everywhere, `since` is epoch seconds, `before` and `after` are cursors.
    """
    allowed = caller.allowed_vaults(Permission.READ_AUDIT)
    if vault and allowed is not None:
        caller.authorize(Permission.READ_AUDIT, vault)
    query = AuditQuery(vault, actor, action, q, since, before, after, limit)
    return await app.auditing.page(query, allowed)


@get(
    "/v1/audit/verify",
    opt=needs(Permission.READ_WHOLE_AUDIT),
    responses=fails(401, 503),
)
async def verify_audit(app: UseApp, noted: FromQuery[str] = "") -> wire.AuditVerified:
    """Walk the whole chain; `noted` is a `head` of earlier that was written down elsewhere."""
    return await app.auditing.verify(noted)


HANDLERS = (audit, verify_audit)
