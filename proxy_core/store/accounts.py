"""Accounts: rows by vault; whoever removes one can bring it back for a while."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, delete, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import Account, Agent, OAuthLogin, ScopedSession
from proxy_core.store.touched import Scope, Touched


@dataclass(frozen=True, slots=True)
class AccountUse:
    """What is remembered of an account's use: written now and then, not per request."""

    quota: Mapping[str, Any] = field(default_factory=dict)
    last_used_at: float | None = None
    cooling_until: float | None = None
    cooling_reason: str = ""


def list_accounts(session: Session, vault_id: str | None = None) -> list[Account]:
    """All accounts, removed ones too, oldest first; of one vault when given."""
    query = select(Account).order_by(col(Account.created_at), col(Account.id))
    if vault_id is not None:
        query = query.where(Account.vault_id == vault_id)
    return list(session.exec(query))


def account(session: Session, account_id: str) -> Account:
    """Find an account. Raises VaultError: not_found."""
    row = session.get(Account, account_id)
    if row is None:
        raise VaultError("not_found", "There is no such account.")
    return row


def present(session: Session, vault_id: str, provider: str) -> list[Account]:
    """A vault's accounts at a provider that are not removed, in order of priority."""
    query = (
        select(Account)
        .where(Account.vault_id == vault_id, Account.provider == provider)
        .where(col(Account.removed_at).is_(None))
        .order_by(col(Account.priority), col(Account.created_at), col(Account.id))
    )
    return list(session.exec(query))


def add_account(session: Session, row: Account) -> Account:
    """Insert an account. Raises VaultError: conflict when the e-mail or nickname is taken."""
    _check_free(session, row)
    session.add(row)
    session.flush()
    return row


def change_account(session: Session, account_id: str, **changes: Any) -> Account:
    """Set columns. Raises VaultError: not_found, conflict (the nickname or e-mail is taken)."""
    row = account(session, account_id)
    for name, value in changes.items():
        setattr(row, name, value)
    _check_free(session, row)
    session.flush()
    return row


def make_default(session: Session, account_id: str) -> Account:
    """Let the account be its provider's default in its vault, and no other."""
    row = account(session, account_id)
    for other in present(session, row.vault_id, row.provider):
        other.is_default = other.id == account_id
    session.flush()
    return row


def remove_account(session: Session, account_id: str, now: float) -> Account:
    """Take an account away; the next one by priority is the default if this one was.

    Raises VaultError: not_found.
    """
    row = account(session, account_id)
    was_default, row.is_default, row.removed_at = row.is_default, False, now
    session.flush()
    others = present(session, row.vault_id, row.provider)
    if was_default and others:
        others[0].is_default = True
        session.flush()
    return row


def restore_account(session: Session, account_id: str) -> Account:
    """Bring an account back. Raises VaultError: not_found, conflict (its names are taken)."""
    row = account(session, account_id)
    _check_free(session, row)
    others = present(session, row.vault_id, row.provider)
    row.removed_at, row.is_default = None, not any(other.is_default for other in others)
    session.flush()
    return row


def store_uses(session: Session, uses: Mapping[str, AccountUse]) -> None:
    """Write what accounts were used for; those that are gone meanwhile are skipped."""
    for account_id, use in uses.items():
        row = session.get(Account, account_id)
        if row is not None:
            row.quota = dict(use.quota)
            row.last_used_at = use.last_used_at
            row.cooling_until, row.cooling_reason = use.cooling_until, use.cooling_reason
    session.flush()


def purge_removed(session: Session, before: float) -> list[Account]:
    """Delete accounts, with their logins, that were removed before; answers them."""
    query = select(Account).where(col(Account.removed_at) < before)
    gone = list(session.exec(query))
    logins = [row.login_id for row in gone]
    touches = {Touched(Scope.ACCOUNTS, row.vault_id) for row in gone}
    session.exec(
        delete(OAuthLogin)
        .where(col(OAuthLogin.id).in_(logins))
        .execution_options(touches=touches, audits=gone)
    )
    return gone


def pin_agent(session: Session, name: str, account_id: str | None) -> Agent:
    """Let an agent use this account alone, or any (None). Raises VaultError: not_found."""
    row = session.exec(select(Agent).where(Agent.name == name)).first()
    if row is None:
        raise VaultError("not_found", "There is no such agent.")
    row.account_id = account_id
    session.flush()
    return row


def pin_session(
    session: Session, vault_id: str, session_id: str, account_id: str | None
) -> ScopedSession:
    """Let a scoped session use this account alone. Raises VaultError: not_found."""
    row = session.get(ScopedSession, session_id)
    if row is None or row.vault_id != vault_id:
        raise VaultError("not_found", "There is no such session.")
    row.account_id = account_id
    session.flush()
    return row


def _check_free(session: Session, row: Account) -> None:
    for other in present(session, row.vault_id, row.provider):
        if other.id == row.id:
            continue
        if row.email and other.email.lower() == row.email.lower():
            raise VaultError("conflict", f"Account {other.nickname} has this e-mail already.")
        if other.nickname.lower() == row.nickname.lower():
            raise VaultError("conflict", f"The nickname {row.nickname} is taken.")
