"""The audit."""

from proxy_core.client.calls.call import Call, given
from proxy_core.domain import wire


def audit(
    vault: str = "",
    *,
    actor: str = "",
    action: str = "",
    q: str = "",
    since: float | None = None,
    before: str = "",
    after: str = "",
    limit: int = 100,
) -> Call[wire.AuditPage]:
    """A page of the audit, newest first, of one vault or of all that the caller may read.

    `actor` is a kind, a name or both, `action` may end at its dot, `q` is looked for everywhere,
    `since` is epoch seconds.
    """
    query = given(
        vault=vault,
        actor=actor,
        action=action,
        q=q,
        since=None if since is None else f"{since:.6f}",
        before=before,
        after=after,
        limit=limit,
    )
    return Call("GET", "/v1/audit", wire.AuditPage, query)


def verify_audit(noted: str = "") -> Call[wire.AuditVerified]:
    """Walk the chain; `noted` is a head of earlier, NUMBER:HASH."""
    return Call("GET", "/v1/audit/verify", wire.AuditVerified, given(noted=noted))
