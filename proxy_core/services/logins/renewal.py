"""A request whose token has expired: it waits for a refresh, within limits."""

import asyncio
from collections.abc import Callable

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

ATTEMPTS = 8
"""Looks at a login that a request takes, whatever each of them brought."""

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

    async def valid(self, login: Login) -> Login:
        """The login with a valid token.

        Raises VaultError: oauth_not_connected, oauth_refresh_failed, sealed.
        """
        time = self._context.clock.time
        return await self._until(lambda found: found.valid(time()), login, Reason.DUE, PATIENCE)

    async def newer(self, login: Login) -> Login:
        """The login with another token than this one, which was refused. Raises as `valid`.

        At the end of a token's life an upstream's clock may be ahead of ours: then a failed refresh
        is worth waiting for, as it is when the token has expired.
        """
        known = login.generation
        ends = login.due_at is not None and login.due_at <= self._context.clock.time()
        patience = PATIENCE if ends else 0.0
        return await self._until(
            lambda found: found.generation > known, login, Reason.REFUSED, patience
        )

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

    async def _until(
        self, good: Callable[[Login], bool], login: Login, reason: Reason, patience: float
    ) -> Login:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await self._waited(good, login, reason, patience)
        except TimeoutError:
            raise self._announce.refusal(login) from None

    async def _waited(
        self, good: Callable[[Login], bool], login: Login, reason: Reason, patience: float
    ) -> Login:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        for _ in range(ATTEMPTS):
            if good(login):
                return login
            if self._context.sealer.sealed:
                raise VaultError("sealed")
            if login.state is not LoginState.CONNECTED:
                login = await self._mended(login)
                continue
            wait = login.backing_off(self._context.clock.time())
            if wait and loop.time() + wait > deadline:
                raise self._announce.refusal(login)
            await asyncio.sleep(wait)
            await self._refresher.refresh(login.id, reason)
            login = self._known(login.id)
        raise self._announce.refusal(login)

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
