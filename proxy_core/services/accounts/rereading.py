"""Accounts and pools that other workers have changed, and what they learnt of quotas."""

from collections.abc import Collection

from sqlmodel import Session

from proxy_core.domain.accounts.account import Account
from proxy_core.services.accounts.keeping import Keeping
from proxy_core.services.accounts.roster import PoolEntry, account_of, load_pool
from proxy_core.services.accounts.state import AccountState
from proxy_core.services.context import Swap
from proxy_core.store import accounts as store
from proxy_core.store import pools as pool_store
from proxy_core.store import tables


class Rereading:
    """By vault."""

    def __init__(self, state: AccountState, keeping: Keeping) -> None:
        self._state = state
        self._keeping = keeping

    def read(self, session: Session, vault_ids: Collection[str]) -> Swap:
        """Accounts and pools of these vaults. Runs in a store's thread."""
        rows = [row for one in vault_ids for row in store.list_accounts(session, one)]
        pools = [
            load_pool(session, *found)
            for found in pool_store.list_pools(session)
            if found[0].vault_id in vault_ids
        ]
        return lambda: self._put(vault_ids, rows, pools)

    def read_use(self, session: Session, vault_ids: Collection[str]) -> Swap:
        """The quotas of these vaults' accounts alone. Runs in a store's thread."""
        rows = [row for one in vault_ids for row in store.list_accounts(session, one)]
        return lambda: self._state.lives.take_in(rows)

    def _put(
        self,
        vault_ids: Collection[str],
        rows: Collection[tables.Account],
        pools: Collection[PoolEntry],
    ) -> None:
        state = self._state
        accounts, kept = [account_of(row) for row in rows], {row.id for row in rows}
        before = [one for one in state.roster.accounts.values() if one.vault_id in vault_ids]
        gone = [account for account in before if account.id not in kept]
        for vault_id in vault_ids:
            for pool in state.roster.pools_of(vault_id):
                if all(pool.credential_id != one.credential_id for one in pools):
                    self._keeping.forget_pool(pool.credential_id)
        state.roster = state.roster.without_accounts([one.id for one in gone])
        state.roster = state.roster.with_accounts(accounts)
        for pool in pools:
            state.roster = state.roster.with_pool(pool)
        state.lives.forget([account.id for account in gone])
        state.lives.take_in(rows)
        for account in gone:
            state.logins.forget(account.login_id)
        for account in (*gone, *(one for one in accounts if _is_out(one))):
            state.sticky.forget(account.id)


def _is_out(account: Account) -> bool:
    return account.paused or account.removed_at is not None
