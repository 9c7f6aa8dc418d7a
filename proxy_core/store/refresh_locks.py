"""One refresh of a login at a time, among all workers that share the database.

PostgreSQL   a session's advisory lock, on a connection that is kept for nothing else: the server
             drops it with the connection
SQLite       a lease in the login's row, void at once when its owner's process has ended; a process
             that can't be seen from here (another container) holds it for LEASE_SECONDS, renewed

Within a process the caller sees to it that there is one holder for a login.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from proxy_core.base.clock import Clock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.base.processes import lives, own_mark
from proxy_core.store.database import Database
from proxy_core.store.failures import translated
from proxy_core.store.logins import login
from proxy_core.store.tables import OAuthLogin

LEASE_SECONDS: Final = 30.0
WAIT_SECONDS: Final = 90.0
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.25

T = TypeVar("T")


class RefreshLocks(Protocol):
    """A worker's locks. `owner` names it in rows, for others to tell whether it lives."""

    @property
    def owner(self) -> str:
        """Who holds the locks; unique among workers, also of one process."""

    def hold(self, login_id: str) -> AbstractAsyncContextManager[None]:
        """Have the login to oneself. Raises VaultError: conflict when others keep it for longer
        than WAIT_SECONDS, not_found, database_unavailable.
        """

    async def close(self) -> None:
        """Release everything."""


def refresh_locks(database: Database, clock: Clock) -> RefreshLocks:
    """The locks for this kind of database."""
    if database.dialect == "sqlite":
        return LeaseLocks(database, clock)
    return AdvisoryLocks(database)


def owner_lives(owner: str) -> bool | None:
    """Whether the worker that wrote `owner` lives; None: that can't be told from here."""
    return lives(owner.rpartition("#")[0])


class LeaseLocks:
    """Leases in the logins' rows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._time = clock.time
        self.owner = _new_owner()

    @asynccontextmanager
    async def hold(self, login_id: str) -> AsyncIterator[None]:
        """As the protocol says."""
        await _until(lambda: self._database.run(lambda session: self._take(session, login_id)))
        renewing = asyncio.create_task(self._renew(login_id))
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(VaultError):  # a lease that can't be released ends by itself
                await self._database.run(lambda session: self._release(session, login_id))

    async def close(self) -> None:
        """Nothing is kept."""

    def _take(self, session: Session, login_id: str) -> bool:
        row = login(session, login_id)
        if self._is_taken(row):
            return False
        row.lease_owner, row.lease_until = self.owner, self._time() + LEASE_SECONDS
        return True

    def _is_taken(self, row: OAuthLogin) -> bool:
        if row.lease_until is None or row.lease_owner == self.owner:
            return False
        alive = owner_lives(row.lease_owner)
        if alive is None:  # a clock that was put back must not make a lease last
            return 0 < row.lease_until - self._time() <= LEASE_SECONDS
        return alive

    async def _renew(self, login_id: str) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            with suppress(VaultError):
                await self._database.run(lambda session: self._take(session, login_id))

    def _release(self, session: Session, login_id: str) -> None:
        row = session.get(OAuthLogin, login_id)
        if row is not None and row.lease_owner == self.owner:
            row.lease_until = None


class AdvisoryLocks:
    """Advisory locks of one PostgreSQL session, which a thread of its own serves."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engines.write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-locks")
        self._connection: Connection | None = None
        self.owner = _new_owner()

    @asynccontextmanager
    async def hold(self, login_id: str) -> AsyncIterator[None]:
        """As the protocol says."""
        key = _key(login_id)
        await _until(lambda: self._in_thread(lambda: self._take(key)))
        try:
            yield
        finally:
            with suppress(VaultError):  # the lock ends with its connection
                await self._in_thread(lambda: self._release(key))

    async def close(self) -> None:
        """End the session, and with it every lock."""
        await self._in_thread(self._drop)
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _take(self, key: int) -> bool:
        return bool(self._ask("SELECT pg_try_advisory_lock(:key)", key))

    def _release(self, key: int) -> bool:
        return bool(self._ask("SELECT pg_advisory_unlock(:key)", key))

    def _ask(self, statement: str, key: int) -> object:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
                self._connection.execution_options(isolation_level="AUTOCOMMIT")
                self._connection.detach()
            return self._connection.execute(text(statement), {"key": key}).scalar()
        except (DBAPIError, PoolTimeout) as error:
            self._drop()
            raise translated(error) from None

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None


async def _until(attempt: Callable[[], Awaitable[bool]]) -> None:
    """Try again until the lock is had. Others hold it for the time of a request to a provider."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + WAIT_SECONDS, _FIRST_PAUSE
    while not await attempt():
        if loop.time() >= deadline:
            raise VaultError("conflict", "Another worker keeps this login to itself.")
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _new_owner() -> str:
    return f"{own_mark()}#{new_id()}"


def _key(login_id: str) -> int:
    """A login's number among the server's advisory locks."""
    digest = hashlib.sha256(b"vault-tui refresh " + login_id.encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
