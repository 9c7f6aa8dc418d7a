"""Invites: leave to become a user, once."""

from sqlmodel import Session, col, delete, select

from proxy_core.base.errors import VaultError
from proxy_core.store.audited import NO_ROWS
from proxy_core.store.tables import UserInvite


def list_invites(session: Session, now: float) -> list[UserInvite]:
    """Those that wait, newest first."""
    query = select(UserInvite).where(UserInvite.expires_at > now)
    return list(session.exec(query.order_by(col(UserInvite.created_at).desc())))


def add_invite(session: Session, invite: UserInvite, now: float, most: int) -> UserInvite:
    """Store an invite; those that have ended go. Raises VaultError: conflict (`most` wait)."""
    ended = delete(UserInvite).where(col(UserInvite.expires_at) <= now)
    session.exec(ended.execution_options(audits=NO_ROWS))
    if len(list_invites(session, now)) >= most:
        raise VaultError("conflict", f"{most} invites wait already: revoke some.")
    session.add(invite)
    session.flush()
    return invite


def invite_by_token(session: Session, token_sha256: bytes, now: float) -> UserInvite | None:
    """The invite of a token, unless it has ended."""
    found = session.exec(select(UserInvite).where(UserInvite.token_sha256 == token_sha256)).first()
    return found if found is not None and found.expires_at > now else None


def claim_invite(session: Session, invite_id: str) -> None:
    """Use an invite up. Raises VaultError: not_found, when it is used up or revoked already."""
    # The user that comes of it is told of.
    used = delete(UserInvite).where(col(UserInvite.id) == invite_id)
    result = session.exec(used.execution_options(audits=NO_ROWS))
    if not result.rowcount:
        raise VaultError("not_found", "This invite was accepted, revoked, or has ended.")


def revoke_invite(session: Session, named: str | bytes) -> UserInvite:
    """Delete an invite, named by its id or its token's SHA-256; answers what it was.

    Raises VaultError: not_found.
    """
    column = UserInvite.id if isinstance(named, str) else UserInvite.token_sha256
    invite = session.exec(select(UserInvite).where(column == named)).first()
    if invite is None:
        raise VaultError("not_found", "No such invite.")
    session.delete(invite)
    session.flush()
    return invite
