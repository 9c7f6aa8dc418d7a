"""The sessions of browsers that are signed in at the approval page.

They are users' sessions like all others, stored, listed and revoked as these are, so that every
worker of a database knows them. Their token is a browser's cookie: its prefix is that of no bearer
token, so the API takes it for nobody's. They go on by rules of
their own (`SessionRules.of_a_page`).
"""

from collections.abc import Callable

from sqlmodel import Session

from proxy_core.base.ids import PAGE_PREFIX, token_sha256
from proxy_core.services.context import Context, Swap
from proxy_core.services.principal import Principal
from proxy_core.services.users.directory import SignedIn, User
from proxy_core.services.users.lifetime import Rules
from proxy_core.services.users.sessions import UserSessions
from proxy_core.store import users as store


class PageSessions:
    """`read` reads all users and sessions anew."""

    def __init__(
        self,
        context: Context,
        rules: Rules,
        sessions: UserSessions,
        read: Callable[[Session], Swap],
    ) -> None:
        self._context = context
        self._rules = rules
        self._sessions = sessions
        self._read = read

    async def user(self, token: str) -> Principal | None:
        """The signed-in user of a page's token, who is using it now.

        Raises VaultError: database_unavailable.
        """
        found = await self._found(token) if token.startswith(PAGE_PREFIX) else None
        if found is None:
            return None
        user, session = found
        if self._sessions.slide(session, self._rules().of_a_page()):
            await self._sessions.store_uses()  # at once: another worker is asked next, perhaps
        return self._sessions.principal(user, session)

    async def _found(self, token: str) -> tuple[User, SignedIn] | None:
        """Whose session it is, though another worker may have made it a moment ago."""
        sha256, now = token_sha256(token), self._context.clock.time()
        known = self._context.users.signed_in(sha256, now)
        if known is not None:
            return known
        row = await self._context.database.read(
            lambda session: store.session_by_token(session, sha256)
        )
        if row is None or row.expires_at <= now:
            return None
        await self._context.take_in(lambda session: (self._read(session),))
        return self._context.users.signed_in(sha256, now)
