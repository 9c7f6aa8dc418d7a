"""Pools: credentials of type `pool`, each with its accounts in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, delete, select

from proxy_core.base.errors import VaultError
from proxy_core.store.sources import check_writable
from proxy_core.store.tables import Credential, Pool, PoolMember
from proxy_core.store.touched import Scope, Touched

POOL = "pool"


def list_pools(session: Session) -> list[tuple[Credential, Pool]]:
    """Every pool with its credential."""
    query = (
        select(Credential, Pool)
        .join(Pool, col(Pool.credential_id) == Credential.id)
        .order_by(Credential.vault_id, Credential.key)
    )
    return list(session.exec(query))


def member_ids(session: Session, credential_id: str) -> list[str]:
    """A pool's accounts in its order."""
    query = (
        select(PoolMember.account_id)
        .where(PoolMember.credential_id == credential_id)
        .order_by(col(PoolMember.position), col(PoolMember.account_id))
    )
    return list(session.exec(query))


def add_pool(
    session: Session,
    credential: Credential,
    provider: str,
    strategy: str,
    settings: Mapping[str, Any],
) -> Pool:
    """Create a pool and its credential. Raises VaultError: conflict when the key is taken."""
    check_writable(session, credential.vault_id)
    taken = select(Credential).where(
        Credential.vault_id == credential.vault_id, Credential.key == credential.key
    )
    if session.exec(taken).first() is not None:
        raise VaultError("conflict", f"There is a credential {credential.key} already.")
    session.add(credential)
    session.flush()
    pool = Pool(
        credential_id=credential.id,
        provider=provider,
        strategy=strategy,
        settings=dict(settings),
    )
    session.add(pool)
    session.flush()
    return pool


def pool(session: Session, credential_id: str) -> tuple[Credential, Pool]:
    """Find a pool. Raises VaultError: not_found."""
    credential, found = session.get(Credential, credential_id), session.get(Pool, credential_id)
    if credential is None or found is None:
        raise VaultError("not_found", "There is no such pool.")
    return credential, found


def set_members(session: Session, credential_id: str, account_ids: Sequence[str]) -> None:
    """Let a pool have these accounts, in this order."""
    members = select(PoolMember).where(PoolMember.credential_id == credential_id)
    former = list(session.exec(members))
    session.exec(
        delete(PoolMember)
        .where(col(PoolMember.credential_id) == credential_id)
        .execution_options(touches=(Touched(Scope.POOL, credential_id),), audits=former)
    )
    for position, account_id in enumerate(account_ids):
        session.add(
            PoolMember(credential_id=credential_id, account_id=account_id, position=position)
        )
    session.flush()


def delete_pool(session: Session, credential_id: str) -> None:
    """Delete a pool with its credential."""
    credential = session.get(Credential, credential_id)
    if credential is not None:
        session.delete(credential)
        session.flush()
