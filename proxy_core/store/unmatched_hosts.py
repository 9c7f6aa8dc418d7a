"""Hosts that were asked for and that no service covered.

The request log's writer counts them as it goes, so that listing them reads no log.
"""

from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from proxy_core.store.tables import UnmatchedHost


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host without a service; `last_seen_at` is epoch seconds."""

    host: str
    port: int
    requests: int
    last_seen_at: float


def unmatched_hosts(
    session: Session, vault_id: str, limit: int = 200
) -> tuple[list[HostSeen], int]:
    """The hosts seen last, newest first, and how many there are in all."""
    mine = UnmatchedHost.vault_id == vault_id
    seen_last = (
        select(UnmatchedHost)
        .where(mine)
        .order_by(col(UnmatchedHost.last_seen_at).desc())
        .limit(limit)
    )
    hosts = [
        HostSeen(row.host, row.port, row.requests, row.last_seen_at)
        for row in session.exec(seen_last)
    ]
    total = session.exec(select(func.count()).select_from(UnmatchedHost).where(mine)).one()
    return hosts, total
