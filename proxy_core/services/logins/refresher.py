"""One refresh of a login, from the lock to the event.

    lock            one worker at a time
    read, judge     the row says whether it is still wanted (`verdict`)
    intent          committed, so that a crash from here on is seen
    ask             the token endpoint
    store           the new pair, durably; a database that is away is waited for
    remember        from now on requests get it

It runs in a task of its own: whoever asked for it may leave, what the provider has rotated is kept
all the same. Whoever comes while it runs gets its result.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import TokenError, TokenSet, parse_client, retry_wait
from proxy_core.seal import Encryptor
from proxy_core.services.context import Context
from proxy_core.services.keys import count_encryptions
from proxy_core.services.logins.announcements import Announcements
from proxy_core.services.logins.login import Login, remembered
from proxy_core.services.logins.memory import Memory
from proxy_core.services.logins.source import NoTokens, TokenSource, renew
from proxy_core.services.logins.tokens import (
    ENCRYPTIONS,
    opened_refresh,
    opened_secret,
    sealed_tokens,
)
from proxy_core.services.logins.verdict import Reason, Verdict, judge
from proxy_core.store import logins as store
from proxy_core.store.refresh_locks import RefreshLocks, owner_lives
from proxy_core.store.tables import OAuthLogin

AT_ONCE = 16
"""Refreshes that run at a time, whatever falls due after a pause."""

STOP_SECONDS = 40.0
"""What running refreshes get when the worker stops; longer than a request to a provider lasts."""

_LONGEST_PAUSE = 5.0
_LOST_TWICE = "interrupted: the worker ended twice while it was being refreshed"
_log = logging.getLogger(__name__)


class Refresher:
    """Carries out refreshes. `tokens` is attached by the worker."""

    def __init__(
        self,
        context: Context,
        memory: Memory,
        locks: RefreshLocks,
        announcements: Announcements,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.tokens: TokenSource = NoTokens()
        self._context = context
        self._memory = memory
        self._locks = locks
        self._announce = announcements
        self._jitter = jitter
        self._running: dict[str, asyncio.Task[None]] = {}
        self._on_end: Callable[[str], None] | None = None
        self._few = asyncio.Semaphore(AT_ONCE)

    def start(self, login_id: str, reason: Reason, by: str = "worker") -> asyncio.Task[None]:
        """Begin a refresh, or join the one that runs. What comes of it stands in the memory."""
        task = self._running.get(login_id)
        if task is None:
            task = asyncio.create_task(self._refresh(login_id, reason, by))
            self._running[login_id] = task
            task.add_done_callback(lambda _: self._ended(login_id))
        return task

    def runs(self, login_id: str) -> bool:
        """Whether the login is being refreshed."""
        return login_id in self._running

    def on_end(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the login's id when a refresh has ended, however it did."""
        self._on_end = listener

    async def refresh(self, login_id: str, reason: Reason, by: str = "worker") -> None:
        """Refresh, and wait until that has ended. Never raises for a refresh that failed."""
        await asyncio.shield(self.start(login_id, reason, by))

    async def settle(self, seconds: float | None = None) -> None:
        """Wait for the refreshes that run, at most `seconds`."""
        if self._running:
            await asyncio.wait(set(self._running.values()), timeout=seconds)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """No refresh runs meanwhile."""
        for _ in range(AT_ONCE):
            await self._few.acquire()
        try:
            yield
        finally:
            for _ in range(AT_ONCE):
                self._few.release()

    async def stop(self) -> None:
        """Let what runs come to its end; what does not is broken off."""
        await self.settle(STOP_SECONDS)
        for task in list(self._running.values()):
            _log.error("a refresh was broken off: its tokens may be lost")
            task.cancel()
        await self.settle()

    def load(self, session: Session, login_id: str) -> Login:
        """A login as it is stored. Raises VaultError: not_found."""
        return self.remembered(store.named_login(session, login_id))

    def remembered(self, named: store.NamedLogin) -> Login:
        """A stored login, as the worker remembers it."""
        return remembered(named, self._jitter())

    def _ended(self, login_id: str) -> None:
        self._running.pop(login_id, None)
        if self._on_end is not None:
            self._on_end(login_id)

    async def _refresh(self, login_id: str, reason: Reason, by: str) -> None:
        login = self._memory.get(login_id)
        if login is None or self._context.sealer.sealed:
            return
        if login.vault_id not in self._context.snapshot.by_id:
            self._memory.forget(login_id)  # the vault was deleted, its logins with it
            return
        try:
            async with self._few, self._locks.hold(login_id):
                await self._attempt(login, reason, by)
        except VaultError as error:
            self._put_off(login_id, error)
        except Exception as error:  # a fault of ours: its text could hold a secret
            _log.error("a refresh failed unexpectedly: %s", type(error).__name__)
            self._put_off(login_id, VaultError("internal", "unexpected failure"))

    async def _attempt(self, login: Login, reason: Reason, by: str) -> None:
        database, now = self._context.database, self._context.clock.time()
        named = await database.read(lambda session: store.named_login(session, login.id))
        me = self._locks.owner
        verdict = judge(named.row, login.generation, reason, now, me, owner_lives)
        if verdict is Verdict.ADOPT:
            self._memory.put(self.remembered(named))
        elif verdict is Verdict.WAIT:
            raise VaultError("conflict", "Another worker may still be storing what it was given.")
        elif verdict is Verdict.GIVE_UP:
            await self._end(named.row, TokenError(True, "interrupted", _LOST_TWICE), by)
        else:
            await self._ask(named.row, login, reason, by)

    async def _ask(self, row: OAuthLogin, login: Login, reason: Reason, by: str) -> None:
        sealer = self._context.sealer
        encryptor = sealer.encryptor(ENCRYPTIONS)  # what comes is stored, sealed vault or not
        try:
            client = parse_client(row.client, allow_http_loopback=True)
            secret, refresh_token = opened_secret(sealer, row), opened_refresh(sealer, row)
        except VaultError as error:
            if error.code == "sealed":
                raise
            await self._end(row, TokenError(True, error.code, str(error)), by)
            return
        now, generation = self._context.clock.time(), row.generation

        def begin(session: Session) -> None:
            if encryptor.key_version != sealer.key_version:  # what comes could not be stored
                raise VaultError("conflict", "The key was rotated meanwhile.")
            store.begin_refresh(session, login.id, generation, self._locks.owner, now)

        await self._context.database.run(begin)
        self._announce.started(login, by, reason.value)
        try:
            tokens = await renew(self.tokens, client, secret, refresh_token)
        except TokenError as error:
            await (self._end if error.final else self._fail)(row, error, by)
        except Exception as error:
            _log.error("a token endpoint's answer was not understood: %s", type(error).__name__)
            await self._fail(row, TokenError(False, "internal", "unexpected failure"), by)
        else:
            await self._keep_tokens(row, encryptor, tokens, by)

    async def _keep_tokens(
        self, row: OAuthLogin, encryptor: Encryptor, tokens: TokenSet, by: str
    ) -> None:
        """Store the new pair, whatever it takes, and only then let requests have it."""
        now, generation, sealer = self._context.clock.time(), row.generation, self._context.sealer
        sealed = sealed_tokens(
            encryptor, row.vault_id, row.id, generation + 1, tokens, now, row.scopes
        )

        def work(session: Session) -> Login:
            store.store_tokens(session, row.id, generation, sealed, refreshed=True)
            if not sealer.sealed:
                count_encryptions(session, sealer)
            return self.load(session, row.id)

        stored = await self._written(row.id, work)
        if stored is not None:
            self._memory.put(stored)
            self._announce.succeeded(stored, by)

    async def _fail(self, row: OAuthLogin, error: TokenError, by: str) -> None:
        now, generation = self._context.clock.time(), row.generation
        retry_at = now + retry_wait(row.failures + 1, error.retry_after, self._jitter())

        def work(session: Session) -> Login:
            store.fail_refresh(session, row.id, generation, str(error), retry_at)
            return self.load(session, row.id)

        stored = await self._written(row.id, work)
        if stored is not None:
            self._memory.put(stored)
            self._announce.failed(stored, by)

    async def _end(self, row: OAuthLogin, error: TokenError, by: str) -> None:
        generation = row.generation

        def work(session: Session) -> Login:
            store.end_refresh(session, row.id, generation, str(error))
            return self.load(session, row.id)

        stored = await self._written(row.id, work)
        if stored is not None:
            self._memory.put(stored)
            self._announce.reconnect(stored, by)

    async def _written(self, login_id: str, work: Callable[[Session], Login]) -> Login | None:
        """Write, and go on trying while the database is away.

        None: somebody has connected the login anew meanwhile, which counts, or deleted it.
        """
        pause = 0.1
        while True:
            try:
                return await self._context.database.run(work)
            except VaultError as error:
                if error.code == "conflict":
                    newer = await self._context.database.read(
                        lambda session: self.load(session, login_id)
                    )
                    self._memory.put(newer)
                    return None
                if error.code != "database_unavailable":
                    raise
                self._announce_database(login_id, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _announce_database(self, login_id: str, error: VaultError) -> None:
        login = self._memory.get(login_id)
        if login is not None:
            sentence = f"What became of the refresh of {login.name} can't be stored yet: {error}"
            self._announce.problem(login, sentence)

    def _put_off(self, login_id: str, error: VaultError) -> None:
        """Nothing could be asked or noted: try again later, from this worker's memory alone."""
        login = self._memory.get(login_id)
        if error.code == "not_found":
            self._memory.forget(login_id)
        elif login is not None and error.code != "sealed":
            failures = login.failures + 1
            wait = retry_wait(failures, None, self._jitter())
            retry_at = self._context.clock.time() + wait
            off = replace(login, failures=failures, retry_at=retry_at, last_error=str(error))
            self._memory.put(off)
            self._announce.failed(off, "worker")
