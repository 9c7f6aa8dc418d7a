"""The accounts and pools that are configured. A change makes a new roster and swaps it in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.account import Account, find_account
from proxy_core.domain.accounts.pool_settings import PoolSettings, parse_pool_settings
from proxy_core.domain.accounts.strategies import Strategy
from proxy_core.store import accounts as account_store
from proxy_core.store import pools as pool_store
from proxy_core.store import tables


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """A credential of type `pool`; `members` are account ids in the pool's order."""

    credential_id: str
    vault_id: str
    key: str
    provider: str
    strategy: Strategy
    settings: PoolSettings
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Roster:
    """Accounts by id, removed ones too; pools by credential id."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    pools: Mapping[str, PoolEntry] = field(default_factory=dict)

    def present(self, vault_id: str, provider: str = "") -> list[Account]:
        """A vault's accounts that are not removed, by provider, in order of priority."""
        found = [
            account
            for account in self.accounts.values()
            if account.vault_id == vault_id
            and account.removed_at is None
            and provider in ("", account.provider)
        ]
        return sorted(found, key=lambda one: (one.provider, one.priority, one.created_at, one.id))

    def find(self, vault_id: str, name: str, provider: str = "") -> Account:
        """An account by id, e-mail, nickname or unique prefix. VaultError: not_found, conflict."""
        return find_account(self.present(vault_id, provider), name)

    def find_removed(self, vault_id: str, name: str) -> Account:
        """One that was removed and can be brought back. VaultError: not_found, conflict."""
        removed = [
            account
            for account in self.accounts.values()
            if account.vault_id == vault_id and account.removed_at is not None
        ]
        return find_account(removed, name)

    def pool_named(self, vault_id: str, key: str) -> PoolEntry:
        """A pool by its credential's key. Raises VaultError: not_found."""
        for pool in self.pools.values():
            if pool.vault_id == vault_id and pool.key == key:
                return pool
        raise VaultError("not_found", f"There is no pool {key!r} in this vault.")

    def pools_of(self, vault_id: str) -> list[PoolEntry]:
        """A vault's pools by key."""
        found = [pool for pool in self.pools.values() if pool.vault_id == vault_id]
        return sorted(found, key=lambda pool: pool.key)

    def members(self, pool: PoolEntry) -> list[Account]:
        """A pool's accounts in its order, without those that are removed."""
        found = [self.accounts[one] for one in pool.members if one in self.accounts]
        return [account for account in found if account.removed_at is None]

    def with_accounts(self, changed: Iterable[Account]) -> "Roster":
        """Add accounts, or replace those of the same ids."""
        return replace(self, accounts={**self.accounts, **{one.id: one for one in changed}})

    def without_accounts(self, gone: Iterable[str]) -> "Roster":
        """Forget accounts."""
        ids = frozenset(gone)
        kept = {key: one for key, one in self.accounts.items() if key not in ids}
        return replace(self, accounts=kept)

    def with_pool(self, pool: PoolEntry) -> "Roster":
        """Add a pool, or replace the one of the same credential."""
        return replace(self, pools={**self.pools, pool.credential_id: pool})

    def without_pool(self, credential_id: str) -> "Roster":
        """Forget a pool."""
        kept = {key: one for key, one in self.pools.items() if key != credential_id}
        return replace(self, pools=kept)


def load_roster(session: Session) -> Roster:
    """Everything that is stored."""
    accounts = [account_of(row) for row in account_store.list_accounts(session)]
    pools = [load_pool(session, *found) for found in pool_store.list_pools(session)]
    return Roster(
        {account.id: account for account in accounts},
        {pool.credential_id: pool for pool in pools},
    )


def load_pool(session: Session, credential: tables.Credential, row: tables.Pool) -> PoolEntry:
    """One stored pool with its members."""
    return PoolEntry(
        credential_id=credential.id,
        vault_id=credential.vault_id,
        key=credential.key,
        provider=row.provider,
        strategy=Strategy(row.strategy),
        settings=parse_pool_settings(row.settings),
        members=tuple(pool_store.member_ids(session, credential.id)),
    )


def account_of(row: tables.Account) -> Account:
    """A stored account, without what is known of its quota."""
    return Account(
        id=row.id,
        vault_id=row.vault_id,
        provider=row.provider,
        login_id=row.login_id,
        email=row.email,
        nickname=row.nickname,
        tier=row.tier,
        priority=row.priority,
        is_default=row.is_default,
        paused=row.paused,
        created_at=row.created_at,
        removed_at=row.removed_at,
    )
