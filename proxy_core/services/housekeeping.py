"""What is done now and then, off the hot path: pruning, remembering, sealing when idle."""

import asyncio
import logging

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.services.context import Context
from proxy_core.services.keys import Keys
from proxy_core.services.settings import Settings
from proxy_core.store import agents, sessions

INTERVAL_SECONDS = 15.0
_log = logging.getLogger(__name__)


class Housekeeping:
    """`tick` does everything once; `start` repeats it."""

    def __init__(self, context: Context, keys: Keys, settings: Settings) -> None:
        self._context = context
        self._keys = keys
        self._settings = settings
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Repeat in the background until `stop`."""
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """End the repetition, and store a last time what was seen."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._guarded_store()

    async def tick(self) -> None:
        """Seal when idle, end expired sessions, store who was seen."""
        await self._seal_when_idle()
        await self._guarded_store()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            await self.tick()

    async def _seal_when_idle(self) -> None:
        minutes = self._settings.value("auto_seal_minutes")
        idle = self._context.clock.monotonic() - self._context.active_at
        if minutes and idle >= minutes * 60 and not self._keys.sealed:
            await self._keys.seal("worker (idle)")

    async def _guarded_store(self) -> None:
        """A database that is away for a while costs a tick, nothing else."""
        try:
            await self._store()
        except VaultError as error:
            _log.warning("housekeeping: %s", error)

    async def _store(self) -> None:
        context, now = self._context, self._context.clock.time()
        expired = [
            bearer.sha256
            for bearer in context.snapshot.bearers.values()
            if bearer.expires_at <= now
        ]
        seen_agents, seen_sessions = context.usage.take_seen()
        if not (expired or seen_agents or seen_sessions):
            return

        def work(session: Session) -> None:
            agents.touch_agents(session, seen_agents)
            sessions.touch_sessions(session, seen_sessions)
            sessions.delete_expired(session, now)

        await context.database.run(work)
        for sha256 in expired:
            context.tunnels.close_for_token(sha256)
