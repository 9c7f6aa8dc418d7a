"""Users, what they may do, and the sessions in which they are signed in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, select, update

from proxy_core.base.errors import VaultError
from proxy_core.domain.users import login_failed
from proxy_core.store.audited import NO_ROWS
from proxy_core.store.tables import UserGrant, UserRow, UserSessionRow
from proxy_core.store.touched import NOTHING, Scope, Touched

_USERS = (Touched(Scope.USERS),)


@dataclass(frozen=True, slots=True)
class SessionUse:
    """When a session was used last, and its end by that."""

    last_used_at: float
    expires_at: float


def list_users(session: Session) -> list[UserRow]:
    """All users by name."""
    return list(session.exec(select(UserRow).order_by(UserRow.email)))


def list_grants(session: Session) -> list[UserGrant]:
    """All grants."""
    return list(session.exec(select(UserGrant)))


def live_sessions(session: Session, now: float) -> list[UserSessionRow]:
    """All sessions that have not expired, newest first."""
    query = select(UserSessionRow).where(UserSessionRow.expires_at > now)
    return list(session.exec(query.order_by(col(UserSessionRow.created_at).desc())))


def user_by_email(session: Session, email: str) -> UserRow:
    """Find a user. Raises VaultError: not_found."""
    user = session.exec(select(UserRow).where(UserRow.email == email)).first()
    if user is None:
        raise VaultError("not_found", "No such user.")
    return user


def add_user(session: Session, user: UserRow) -> UserRow:
    """Store a new user. Raises VaultError: conflict."""
    if session.exec(select(UserRow.id).where(UserRow.email == user.email)).first() is not None:
        raise VaultError("conflict", "A user of this name exists already.")
    session.add(user)
    session.flush()
    return user


def lock_user(session: Session, user_id: str, digest: bytes) -> None:
    """Let nobody change the user before this transaction ends.

    Raises VaultError: login_failed, when there is no such user with that password's digest any
    more: it was changed since it was checked.
    """
    query = select(UserRow.password_digest).where(UserRow.id == user_id).with_for_update()
    if session.exec(query).first() != digest:
        raise login_failed()


def set_password(
    session: Session, user_id: str, kdf: Mapping[str, object], digest: bytes
) -> UserRow:
    """Replace the password's hash. Raises VaultError: not_found."""
    user = session.get(UserRow, user_id)
    if user is None:
        raise VaultError("not_found", "No such user.")
    user.password_kdf, user.password_digest = dict(kdf), digest
    session.flush()
    return user


def set_role(session: Session, email: str, role: str, owner: str) -> UserRow:
    """Change the instance role. Raises VaultError: not_found; conflict for the last `owner`."""
    user = user_by_email(session, email)
    if user.role == owner and role != owner:
        _check_not_last(session, owner)
    user.role = role
    session.flush()
    return user


def delete_user(session: Session, email: str, owner: str) -> UserRow:
    """Delete a user with grants and sessions; answers what it was. Raises as `set_role`."""
    user = user_by_email(session, email)
    if user.role == owner:
        _check_not_last(session, owner)
    session.delete(user)
    session.flush()
    return user


def set_grant(session: Session, user_id: str, vault_id: str, role: str) -> None:
    """Let a user use a vault, or change the role there."""
    session.merge(UserGrant(user_id=user_id, vault_id=vault_id, role=role))
    session.flush()


def get_grant(session: Session, user_id: str, vault_id: str) -> UserGrant:
    """Find a grant. Raises VaultError: not_found."""
    grant = session.get(UserGrant, (user_id, vault_id))
    if grant is None:
        raise VaultError("not_found", "The user has no role in this vault.")
    return grant


def remove_grant(session: Session, user_id: str, vault_id: str) -> None:
    """Take a vault from a user. Raises VaultError: not_found."""
    session.delete(get_grant(session, user_id, vault_id))
    session.flush()


def session_by_token(session: Session, sha256: bytes) -> UserSessionRow | None:
    """The session of a token, whether it has expired or not."""
    return session.exec(select(UserSessionRow).where(UserSessionRow.token_sha256 == sha256)).first()


def add_session(session: Session, signed_in: UserSessionRow) -> UserSessionRow:
    """Store a new session."""
    session.add(signed_in)
    session.flush()
    return signed_in


def prove_session(session: Session, session_id: str, now: float) -> UserSessionRow:
    """Note that the password was proved again. Raises VaultError: unauthorized (it has ended)."""
    row = session.get(UserSessionRow, session_id)
    if row is None:
        raise VaultError("unauthorized")
    row.proved_at = now
    session.flush()
    return row


def delete_sessions(session: Session, ids: Iterable[str]) -> None:
    """End sessions; those that have ended already are no matter."""
    _end(session, col(UserSessionRow.id).in_(list(ids)))


def delete_sessions_of(session: Session, user_id: str, keep: str = "") -> None:
    """End a user's sessions but one."""
    _end(session, col(UserSessionRow.user_id) == user_id, col(UserSessionRow.id) != keep)


def touch_sessions(session: Session, uses: Mapping[str, SessionUse]) -> None:
    """Store when sessions, by id, were last used. Other workers learn their new ends."""
    for session_id, use in uses.items():
        session.exec(
            update(UserSessionRow)
            .where(col(UserSessionRow.id) == session_id)
            .values(last_used_at=use.last_used_at, expires_at=use.expires_at)
            .execution_options(touches=_USERS, audits=NO_ROWS)
        )


def delete_expired(session: Session, now: float) -> None:
    """Delete sessions that have expired. Every worker sees that by itself."""
    session.exec(
        delete(UserSessionRow)
        .where(col(UserSessionRow.expires_at) <= now)
        .execution_options(touches=NOTHING, audits=NO_ROWS)
    )


def _end(session: Session, *which: ColumnElement[bool]) -> None:
    ended = list(session.exec(select(UserSessionRow).where(*which)))
    session.exec(
        delete(UserSessionRow).where(*which).execution_options(touches=_USERS, audits=ended)
    )


def _check_not_last(session: Session, owner: str) -> None:
    """Two owners that demote each other at once must not both succeed: their rows are locked."""
    owners = session.exec(select(UserRow.id).where(UserRow.role == owner).with_for_update()).all()
    if len(owners) < 2:
        raise VaultError("conflict", "The last owner cannot be removed or demoted.")
