"""Scoped sessions: short-lived tokens of one vault."""

from collections.abc import Collection, Mapping

from sqlmodel import Session, col, delete, select, update

from proxy_core.base.errors import VaultError
from proxy_core.store.audited import NO_ROWS
from proxy_core.store.tables import ScopedSession
from proxy_core.store.touched import NOTHING


def list_sessions(session: Session, vault_id: str, now: float) -> list[ScopedSession]:
    """A vault's sessions that have not expired, newest first."""
    query = (
        select(ScopedSession)
        .where(ScopedSession.vault_id == vault_id, ScopedSession.expires_at > now)
        .order_by(col(ScopedSession.created_at).desc())
    )
    return list(session.exec(query))


def live_sessions(
    session: Session, now: float, ids: Collection[str] | None = None
) -> list[ScopedSession]:
    """Every vault's sessions that have not expired; only those with these ids, when given."""
    query = select(ScopedSession).where(ScopedSession.expires_at > now)
    wanted = query if ids is None else query.where(col(ScopedSession.id).in_(ids))
    return list(session.exec(wanted))


def add_session(session: Session, scoped: ScopedSession) -> ScopedSession:
    """Store a new session."""
    session.add(scoped)
    session.flush()
    return scoped


def delete_session(session: Session, vault_id: str, session_id: str) -> ScopedSession:
    """End a session; answers what it was. Raises VaultError: not_found, for another vault's too."""
    scoped = session.get(ScopedSession, session_id)
    if scoped is None or scoped.vault_id != vault_id:
        raise VaultError("not_found", "No such session in this vault.")
    session.delete(scoped)
    session.flush()
    return scoped


def delete_expired(session: Session, now: float) -> int:
    """Delete sessions that have expired; answers how many. Every worker sees that by itself."""
    result = session.exec(
        delete(ScopedSession)
        .where(col(ScopedSession.expires_at) <= now)
        .execution_options(touches=NOTHING, audits=NO_ROWS)
    )
    return int(result.rowcount)


def touch_sessions(session: Session, used_at: Mapping[str, float]) -> None:
    """Store when sessions, by id, were last used."""
    for session_id, moment in used_at.items():
        session.exec(
            update(ScopedSession)
            .where(col(ScopedSession.id) == session_id)
            .values(last_used_at=moment)
            .execution_options(touches=NOTHING, audits=NO_ROWS)
        )
