"""Pools: credentials that are one of several accounts."""

from collections.abc import Callable, Sequence

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.accounts.account import Account
from proxy_core.domain.accounts.pool_settings import (
    PoolSettings,
    parse_pool_settings,
    pool_settings_document,
)
from proxy_core.domain.accounts.providers import Provider
from proxy_core.domain.accounts.strategies import Strategy, parse_strategy
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import BorrowedKind
from proxy_core.domain.names import check_credential_key
from proxy_core.services.accounts.keeping import Keeping
from proxy_core.services.accounts.roster import PoolEntry, load_pool
from proxy_core.services.accounts.shown import shown_choices, shown_pool
from proxy_core.services.accounts.state import AccountState
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Borrowed
from proxy_core.store import pools as store
from proxy_core.store import tables

MAX_MEMBERS = 100


class Pools:
    """Every method raises VaultError: vault_not_found, not_found, conflict (ambiguous names)."""

    def __init__(self, state: AccountState, keeping: Keeping) -> None:
        self._state = state
        self._keeping = keeping

    def list(self, vault: str) -> wire.PoolList:
        """A vault's pools."""
        pools = self._state.roster.pools_of(self._state.context.vault(vault).id)
        return wire.PoolList(pools=[shown_pool(self._state, pool) for pool in pools])

    def get(self, vault: str, key: str) -> wire.PoolInfo:
        """One pool."""
        return shown_pool(self._state, self._find(vault, key))

    def choices(self, vault: str, key: str, model: str = "") -> wire.PoolChoices:
        """Which account it would choose now, and the latest choices, with their reasons."""
        return shown_choices(self._state, self._find(vault, key), model)

    async def create(self, request: wire.CreatePool, by: Principal) -> wire.PoolInfo:
        """Raises VaultError: bad_request (names, settings, two providers), conflict (key taken)."""
        key = check_credential_key(request.key)
        strategy = parse_strategy(request.strategy)
        settings = parse_pool_settings(request.settings)
        vault_id = self._state.context.vault(request.vault).id
        members = self._accounts(vault_id, request.accounts)
        if not members:
            raise VaultError("bad_request", "A pool needs an account to begin with.")
        providers = {account.provider for account in members}
        if len(providers) > 1:
            raise VaultError("bad_request", "A pool's accounts have one provider.")
        ids = [account.id for account in members]

        def work(session: Session) -> PoolEntry:
            credential = _credential(vault_id, key, self._state.now)
            document = pool_settings_document(settings)
            row = store.add_pool(session, credential, providers.pop(), strategy, document)
            store.set_members(session, credential.id, ids)
            return load_pool(session, credential, row)

        pool = await self._state.context.change(work, lambda pool: self._created(pool, by))
        return shown_pool(self._state, pool)

    async def change(self, key: str, request: wire.ChangePool, by: Principal) -> wire.PoolInfo:
        """Strategy and settings; what is not named stays. Raises VaultError: bad_request."""
        pool = self._find(request.vault, key)
        document = {**pool_settings_document(pool.settings), **(request.settings or {})}
        parse_pool_settings(document)
        strategy = parse_strategy(request.strategy) if request.strategy else pool.strategy

        def work(session: Session) -> PoolEntry:
            credential, row = store.pool(session, pool.credential_id)
            row.strategy, row.settings = strategy.value, document
            session.flush()
            return load_pool(session, credential, row)

        return await self._change(work, by)

    async def add(self, key: str, request: wire.PoolMembers, by: Principal) -> wire.PoolInfo:
        """Let accounts join at the end. Raises VaultError: bad_request (another provider)."""
        pool = self._find(request.vault, key)
        members = self._accounts(pool.vault_id, request.accounts)
        if any(account.provider != pool.provider for account in members):
            raise VaultError("bad_request", f"The accounts of {key} are those of {pool.provider}.")
        ids = [account.id for account in members]
        return await self._change(lambda session: joined_pool(session, pool, ids), by)

    async def remove(self, vault: str, key: str, name: str, by: Principal) -> wire.PoolInfo:
        """Let an account leave; it stays an account. Raises VaultError: not_found."""
        pool = self._find(vault, key)
        account = self._state.roster.find(pool.vault_id, name, pool.provider)
        if account.id not in pool.members:
            raise VaultError("not_found", f"{account.name} is not in pool {key}.")

        def work(session: Session) -> PoolEntry:
            credential, row = store.pool(session, pool.credential_id)
            kept = [one for one in store.member_ids(session, credential.id) if one != account.id]
            store.set_members(session, credential.id, kept)
            return load_pool(session, credential, row)

        self._state.sticky.forget(account.id)
        return await self._change(work, by)

    async def delete(self, vault: str, key: str, by: Principal) -> wire.Deleted:
        """Its accounts stay."""
        pool = self._find(vault, key)

        def then(_: None) -> None:
            self._state.lend_from(pool, None)
            self._keeping.forget_pool(pool.credential_id)
            self._state.announce_pool(EventType.CREDENTIAL_DELETED, pool, by.label)

        await self._state.context.change(
            lambda session: store.delete_pool(session, pool.credential_id), then
        )
        return wire.Deleted(name=key)

    def _find(self, vault: str, key: str) -> PoolEntry:
        return self._state.roster.pool_named(self._state.context.vault(vault).id, key)

    def _accounts(self, vault_id: str, names: Sequence[str]) -> tuple[Account, ...]:
        if len(names) > MAX_MEMBERS:
            raise VaultError("bad_request", f"A pool has at most {MAX_MEMBERS} accounts.")
        accounts = [self._state.roster.find(vault_id, name) for name in names]
        return tuple({account.id: account for account in accounts}.values())

    def _created(self, pool: PoolEntry, by: Principal) -> None:
        self._state.roster = self._state.roster.with_pool(pool)
        self._state.lend_from(pool, Borrowed(BorrowedKind.POOL, pool.credential_id))
        self._state.announce_pool(EventType.CREDENTIAL_CHANGED, pool, by.label)

    async def _change(self, work: Callable[[Session], PoolEntry], by: Principal) -> wire.PoolInfo:
        def then(changed: PoolEntry) -> None:
            self._state.roster = self._state.roster.with_pool(changed)
            self._state.announce_pool(EventType.POOL_CHANGED, changed, by.label)

        return shown_pool(self._state, await self._state.context.change(work, then))


def created_pool(
    session: Session, vault_id: str, known: Provider, account_ids: Sequence[str], now: float
) -> PoolEntry:
    """A provider's own pool with these accounts, stored. Raises VaultError: conflict."""
    credential = _credential(vault_id, known.pool_key, now)
    document = pool_settings_document(PoolSettings())
    row = store.add_pool(session, credential, known.id, Strategy.DEFAULT_FIRST, document)
    store.set_members(session, credential.id, account_ids)
    return load_pool(session, credential, row)


def joined_pool(session: Session, pool: PoolEntry, account_ids: Sequence[str]) -> PoolEntry:
    """A pool with these accounts at its end, stored. Raises VaultError: not_found."""
    credential, row = store.pool(session, pool.credential_id)
    members = [*store.member_ids(session, credential.id), *account_ids]
    store.set_members(session, credential.id, list(dict.fromkeys(members)))
    return load_pool(session, credential, row)


def _credential(vault_id: str, key: str, now: float) -> tables.Credential:
    return tables.Credential(
        id=new_id(),
        vault_id=vault_id,
        key=key,
        type=store.POOL,
        current_version=0,
        created_at=now,
        updated_at=now,
    )
