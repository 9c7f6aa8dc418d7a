"""Logins: access tokens for requests, refreshed ahead of time, exactly once, and never lost.

What a request asks is answered from memory; only one whose token has expired waits for a refresh.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import OAuthClient, TokenSet
from proxy_core.services.context import Context, Swap
from proxy_core.services.logins import writing
from proxy_core.services.logins.announcements import Announcements
from proxy_core.services.logins.login import (
    Login,
    LoginAccess,
    LoginState,
    LoginStatus,
    status_of,
)
from proxy_core.services.logins.memory import Memory, OnChange
from proxy_core.services.logins.refresher import Refresher
from proxy_core.services.logins.refusals import Refusals
from proxy_core.services.logins.renewal import Renewal
from proxy_core.services.logins.rereading import read_logins
from proxy_core.services.logins.source import TokenSource
from proxy_core.services.logins.timetable import Timetable
from proxy_core.services.logins.verdict import Reason
from proxy_core.services.principal import Principal
from proxy_core.store import logins as store
from proxy_core.store.refresh_locks import refresh_locks


class Logins:
    """The worker's logins, by id. Nothing that a valid token needs touches the database."""

    def __init__(
        self,
        context: Context,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._context = context
        self._memory = Memory()
        self._locks = refresh_locks(context.database, context.clock)
        self._announce = Announcements(context)
        self._refresher = Refresher(context, self._memory, self._locks, self._announce, jitter)
        self._refusals = Refusals(context.clock)
        self._renewal = Renewal(context, self._memory, self._refresher, self._announce)
        self._timetable = Timetable(context, self._memory, self._refresher)
        self._resuming: asyncio.Future[None] | None = None

    def attach(self, tokens: TokenSource) -> None:
        """Say where tokens come from."""
        self._refresher.tokens = tokens

    @property
    def refreshes(self) -> Mapping[str, int]:
        """This worker's refreshes by how they ended."""
        return self._announce.ended

    @property
    def source(self) -> TokenSource:
        """Where tokens come from."""
        return self._refresher.tokens

    async def reload(self) -> None:
        """Read all logins; also after unsealing, as other workers may have refreshed meanwhile."""
        since = self._memory.stamp
        named = await self._context.database.read(store.list_logins)
        self._memory.take_in([self._refresher.remembered(one) for one in named], since)
        self._timetable.renew()

    def read(self, session: Session, ids: Collection[str], vault_ids: Collection[str]) -> Swap:
        """Read what other workers have done with logins of these ids, and of these vaults.

        Runs in a store's thread; what is answered puts it in force.
        """
        return read_logins(session, self._memory, self._refresher.remembered, ids, vault_ids)

    def resume(self) -> None:
        """The vault was opened: take in what happened meanwhile, and go on refreshing."""
        self._resuming = asyncio.ensure_future(self._context.carry_through(self._resume()))

    def suspend(self) -> None:
        """The vault was sealed: nothing is refreshed. What is under way comes to its end."""
        self._timetable.clear()

    async def run(self) -> None:
        """Refresh what falls due until cancelled."""
        await self._timetable.run()

    def run_due(self) -> None:
        """Start the refreshes that are due now."""
        self._timetable.run_due()

    async def settle(self) -> None:
        """Wait for the refreshes that run."""
        await self._refresher.settle()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """No refresh runs meanwhile: for what seals all tokens anew."""
        async with self._refresher.paused():
            yield

    async def close(self) -> None:
        """Let running refreshes end, then release the locks."""
        await self._refresher.stop()
        await self._locks.close()

    # --- for requests --------------------------------------------------------------------------

    def get(self, login_id: str) -> Login | None:
        """What is remembered of a login."""
        return self._memory.get(login_id)

    def of_credential(self, credential_id: str) -> Login | None:
        """The login of a credential of type `oauth`."""
        return self._memory.of_credential(credential_id)

    async def access(self, login_id: str) -> LoginAccess:
        """A token for one request, at once while it is valid; an expired one is waited for.

        Raises VaultError: oauth_not_connected, oauth_refresh_failed, credential_unreadable, sealed.
        """
        login = self._known(login_id, "oauth_not_connected")
        now = self._context.clock.time()
        if not login.valid(now):
            login = await self._renewal.valid(login)
        elif login.due(now):
            self._refresher.start(login_id, Reason.DUE)
        sealed = login.access
        if sealed is None:
            raise self._announce.refusal(login)
        try:
            value = self._context.sealer.unseal(sealed.blob, sealed.aad)
        except VaultError as error:
            raise self._announce.unreadable(login, error) from None
        return LoginAccess(value, sealed, login.generation, login.expires_at)

    def accepted(self, login_id: str, generation: int) -> None:
        """An upstream has taken this generation's token. Never blocks."""
        self._refusals.accepted(login_id, generation)

    async def refused(self, login_id: str, generation: int) -> bool:
        """The upstream has answered 401 to this generation's token: refresh it, once for all.

        True: there is a newer generation now. Raises VaultError oauth_refresh_failed when only a
        person can connect it anew.
        """
        login = self._memory.get(login_id)
        if login is None or login.generation != generation:
            return login is not None and login.generation > generation
        worth = login.refreshable and not self._refusals.hopeless(login_id, generation)
        if not worth and login.state is LoginState.CONNECTED:
            return False
        try:
            newer = await self._renewal.newer(login)
        except VaultError:
            found = self._memory.get(login_id)
            if found is not None and found.state is LoginState.CONNECTED:
                return False
            raise
        self._refusals.forced(login_id, newer.generation)
        return True

    # --- for operators -------------------------------------------------------------------------

    def all(self) -> list[Login]:
        """Every login, in no order."""
        return list(self._memory)

    async def force(self, login_id: str, by: Principal | str) -> LoginStatus:
        """Refresh now, though it isn't due.

        Raises VaultError: oauth_not_connected, oauth_refresh_failed, sealed, not_found.
        """
        if self._context.sealer.sealed:
            raise VaultError("sealed")
        await self._renewal.look(login_id)
        login = self._known(login_id, "not_found")
        if not login.refreshable:
            raise self._announce.refusal(login)
        who = by if isinstance(by, str) else by.label
        await self._refresher.refresh(login_id, Reason.ASKED, who)
        after = self._known(login_id, "not_found")
        if after.generation == login.generation:
            raise self._announce.refusal(after)
        return status_of(after)

    def status(self, login_id: str) -> LoginStatus:
        """What its health is. Raises VaultError: not_found."""
        return status_of(self._known(login_id, "not_found"))

    def problems(self) -> list[str]:
        """One sentence for each login that a person has to connect anew, or whose refresh fails."""
        return [
            str(self._announce.refusal(login))
            for login in self._memory
            if self._announce.vault(login) and _is_troubled(login)
        ]

    # --- for the use cases that connect --------------------------------------------------------

    def create(
        self,
        session: Session,
        vault_id: str,
        client: OAuthClient,
        secret: bytes | None,
        tokens: TokenSet | None,
        *,
        credential_id: str | None = None,
    ) -> Login:
        """Store a login in the caller's transaction; pending without tokens.

        Once that is committed, `put` what this answers. Raises VaultError: sealed.
        """
        now, sealer = self._context.clock.time(), self._context.sealer
        row = writing.create(session, sealer, vault_id, client, secret, credential_id, now)
        if tokens is not None:
            writing.connect(session, sealer, row, tokens, now)
        return self.load(session, row.id)

    def replace_tokens(
        self,
        session: Session,
        login_id: str,
        tokens: TokenSet,
        *,
        client: OAuthClient | None = None,
        secret: bytes | None = None,
    ) -> Login:
        """Store the tokens of a new connection in the caller's transaction; with `client` its
        configuration and secret as well. Once that is committed, `put` what this answers.

        Raises VaultError: sealed, not_found.
        """
        now, sealer = self._context.clock.time(), self._context.sealer
        row = store.login(session, login_id)
        if client is not None:
            writing.configure(row, sealer, client, secret)
        writing.connect(session, sealer, row, tokens, now)
        return self.load(session, login_id)

    def load(self, session: Session, login_id: str) -> Login:
        """A login as it is stored, with its credential's or account's present name, to be `put`.

        Raises VaultError: not_found.
        """
        return self._refresher.load(session, login_id)

    def put(self, login: Login) -> None:
        """Take in what was committed: in force at once, scheduled, and announced to listeners."""
        self._memory.put(login)

    def forget(self, login_id: str) -> None:
        """A login was deleted."""
        self._memory.forget(login_id)

    def on_change(self, listener: OnChange) -> None:
        """Call `listener` after each change of a login's tokens or state."""
        self._memory.on_change(listener)

    # --- inside --------------------------------------------------------------------------------

    def _known(self, login_id: str, code: str) -> Login:
        login = self._memory.get(login_id)
        if login is None:
            raise VaultError(code, "The login was deleted.")
        return login

    async def _resume(self) -> None:
        try:
            await self.reload()
        except VaultError:  # what is remembered will do: each refresh reads its row
            self._timetable.renew()


def _is_troubled(login: Login) -> bool:
    return login.state is LoginState.RECONNECT or (
        login.state is LoginState.CONNECTED and login.failures > 0
    )
