"""Loads what is stored of accounts, and stores what has changed: now and then, not per request."""

import logging

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.account import Account
from proxy_core.domain.events import EventType
from proxy_core.services.accounts.roster import Roster, load_roster
from proxy_core.services.accounts.state import AccountState
from proxy_core.store import accounts as store
from proxy_core.store import tables

KEPT_DAYS = 30
"""Days for which a removed account can be brought back."""
_DAY = 86_400.0
_log = logging.getLogger(__name__)


class Keeping:
    """`tick` stores; the worker repeats it."""

    def __init__(self, state: AccountState) -> None:
        self._state = state
        self._reconnects: set[str] = set()
        state.logins.on_change(self._login_changed)

    async def load(self) -> None:
        """Read everything."""

        def read(session: Session) -> tuple[Roster, list[tables.Account]]:
            return load_roster(session), store.list_accounts(session)

        self._state.roster, rows = await self._state.context.database.read(read)
        self._state.lives.remember(rows)

    async def tick(self) -> None:
        """Store what was learnt, and delete what was removed long ago.

        Raises VaultError: database_unavailable; what was to be stored waits for the next time.
        """
        state = self._state
        uses = state.lives.take_changed()
        before = state.now - KEPT_DAYS * _DAY
        old = any(
            account.removed_at is not None and account.removed_at < before
            for account in state.roster.accounts.values()
        )
        if not uses and not old:
            return

        def work(session: Session) -> list[tuple[str, str]]:
            store.store_uses(session, uses)
            return [(row.id, row.login_id) for row in store.purge_removed(session, before)]

        try:
            await state.context.change(work, self._purged)
        except VaultError:
            state.lives.put_back(uses)
            raise

    async def stop(self) -> None:
        """Store a last time; a database that is away shall not stop the stop."""
        try:
            await self.tick()
        except VaultError as error:
            _log.warning("what accounts were used for last is not stored: %s", error)

    def forget_vault(self, vault_id: str) -> None:
        """A vault was deleted, with all it held."""
        state = self._state
        gone = [one.id for one in state.roster.accounts.values() if one.vault_id == vault_id]
        for pool in state.roster.pools_of(vault_id):
            self.forget_pool(pool.credential_id)
        state.roster = state.roster.without_accounts(gone)
        state.lives.forget(gone)
        for login in state.logins.all():
            if login.vault_id == vault_id:
                state.logins.forget(login.id)

    def forget_pool(self, credential_id: str) -> None:
        """A pool's credential was deleted."""
        self._state.roster = self._state.roster.without_pool(credential_id)
        self._state.switches.forget(credential_id)

    def _purged(self, gone: list[tuple[str, str]]) -> None:
        ids = [account_id for account_id, _ in gone]
        self._state.roster = self._state.roster.without_accounts(ids)
        self._state.lives.forget(ids)
        for _, login_id in gone:
            self._state.logins.forget(login_id)

    def _login_changed(self, login_id: str) -> None:
        """Tell consoles when an account's login stops working, and when it works again."""
        account = self._account_of(login_id)
        if account is None or account.removed_at is not None:
            return
        connected = self._state.condition(account).connected
        if connected == (account.id not in self._reconnects):
            return
        (self._reconnects.discard if connected else self._reconnects.add)(account.id)
        if self._state.context.following:
            return  # the worker that saw it says so
        found = self._state.standing(account)
        self._state.announce(
            EventType.ACCOUNT_CHANGED, account, state=found.state, change="login", reason=found.why
        )

    def _account_of(self, login_id: str) -> Account | None:
        for account in self._state.roster.accounts.values():
            if account.login_id == login_id:
                return account
        return None
