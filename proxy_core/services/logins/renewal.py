"""A request whose token has expired: it waits for a refresh, within limits."""

import asyncio

from proxy_core.base.errors import VaultError
from proxy_core.services.context import Context
from proxy_core.services.logins.announcements import Announcements
from proxy_core.services.logins.login import Login, LoginState
from proxy_core.services.logins.memory import Memory
from proxy_core.services.logins.refresher import Refresher
from proxy_core.services.logins.verdict import Reason
from proxy_core.store import logins as store

PATIENCE = 5.0
"""Seconds that a request waits for the next attempt after one has failed."""

WAIT_SECONDS = 60.0
"""Seconds that a request waits altogether."""

LOOK_SECONDS = 2.0
"""Between looks into the database whether another worker has mended a login."""


class Renewal:
    """Waits for what the refresher does; every refusal names the remedy."""

    def __init__(
        self, context: Context, memory: Memory, refresher: Refresher, announce: Announcements
    ) -> None:
        self._context = context
        self._memory = memory
        self._refresher = refresher
        self._announce = announce
        self._looked: dict[str, float] = {}

    async def renewed(self, login: Login) -> Login:
        """The login with a valid token.

        Raises VaultError: oauth_not_connected, oauth_refresh_failed, sealed.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await self._waited(login)
        except TimeoutError:
            raise self._announce.refusal(login) from None

    async def look(self, login_id: str) -> None:
        """Take in what other workers have done. A database that is away tells nothing."""
        since = self._memory.stamp
        try:
            named = await self._context.database.read(
                lambda session: store.named_login(session, login_id)
            )
        except VaultError as error:
            if error.code == "not_found":
                self._memory.forget(login_id)
            return
        if self._memory.unchanged(login_id, since):
            self._memory.put(self._refresher.remembered(named))

    async def _waited(self, login: Login) -> Login:
        time, loop = self._context.clock.time, asyncio.get_running_loop()
        patience = loop.time() + PATIENCE
        while not login.valid(time()):
            if self._context.sealer.sealed:
                raise VaultError("sealed")
            if login.state is not LoginState.CONNECTED:
                login = await self._mended(login)
                continue
            wait = login.backing_off(time())
            if loop.time() + wait > patience:
                raise self._announce.refusal(login)
            await asyncio.sleep(wait)
            await self._refresher.refresh(login.id, Reason.DUE)
            login = self._known(login.id)
        return login

    async def _mended(self, login: Login) -> Login:
        """The login, connected after all by another worker. Raises VaultError: it isn't."""
        now = self._context.clock.monotonic()
        if now - self._looked.get(login.id, -LOOK_SECONDS) >= LOOK_SECONDS:
            self._looked[login.id] = now
            await self.look(login.id)
            found = self._known(login.id)
            if found.state is LoginState.CONNECTED:
                return found
        raise self._announce.refusal(login)

    def _known(self, login_id: str) -> Login:
        login = self._memory.get(login_id)
        if login is None:
            raise VaultError("oauth_not_connected", "The login was deleted.")
        return login
