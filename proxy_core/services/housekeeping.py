"""What is done now and then, off the hot path: pruning, remembering, sealing when idle."""

import logging
from math import inf

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import ActorType
from proxy_core.services.claude_gateway.requests import DeviceRequests
from proxy_core.services.context import Context
from proxy_core.services.grants import Grants
from proxy_core.services.keys import Keys
from proxy_core.services.proposals import Proposals
from proxy_core.services.settings import Settings
from proxy_core.services.users.sessions import UserSessions
from proxy_core.store import agents, devices, sessions

INTERVAL_SECONDS = 15.0
PRUNE_SECONDS = 3600.0
_DAY = 86_400.0
_log = logging.getLogger(__name__)


class Housekeeping:
    """`tick` does everything once; the worker repeats it, every INTERVAL_SECONDS."""

    def __init__(
        self,
        context: Context,
        keys: Keys,
        settings: Settings,
        grants: Grants,
        proposals: Proposals,
        users: UserSessions,
        devices: DeviceRequests,
    ) -> None:
        self._context = context
        self._keys = keys
        self._settings = settings
        self._grants = grants
        self._proposals = proposals
        self._users = users
        self._devices = devices
        self._cut: set[bytes] = set()
        self._pruned_at = -inf

    async def stop(self) -> None:
        """Store a last time what was seen; a database that is away shall not stop the stop."""
        try:
            await self._store()
            await self._users.store_uses()
        except VaultError as error:
            _log.warning("what was seen last is not stored: %s", error)

    async def tick(self) -> None:
        """Seal when idle, end expired sessions, grants, sign-ins and proposals, store who was seen;
        now and then delete proposals that ended long ago.

        Raises VaultError: database_unavailable; what was to be stored waits for the next time.
        """
        await self._seal_when_idle()
        await self._store()
        await self._users.store_uses()
        await self._devices.sweep()
        await self._grants.sweep()
        await self._proposals.sweep()
        await self._prune()

    async def _prune(self) -> None:
        now = self._context.clock.monotonic()
        if now - self._pruned_at >= PRUNE_SECONDS:
            await self._proposals.prune(self._settings.value("proposal_retention_days") * _DAY)
            self._pruned_at = now

    async def _seal_when_idle(self) -> None:
        minutes = self._settings.value("auto_seal_minutes")
        idle = self._context.clock.monotonic() - self._context.active_at
        if minutes and idle >= minutes * 60 and not self._keys.sealed:
            await self._keys.seal("worker (idle)")

    async def _store(self) -> None:
        context, now = self._context, self._context.clock.time()
        expired = [held for held in context.snapshot.bearers.values() if held.expires_at <= now]
        # An agent's row stays, to be rotated; a session or a device's token is of no more use.
        ended = [held for held in expired if not held.is_agents_own]
        seen_agents, seen_sessions = context.usage.take_seen()
        self._cut_off({held.sha256 for held in expired})
        if not (ended or seen_agents or seen_sessions):
            return

        def work(session: Session) -> None:
            agents.touch_agents(session, seen_agents)
            sessions.touch_sessions(session, seen_sessions)
            sessions.delete_expired(session, now)
            devices.delete_expired_tokens(session, now)

        def then(_: None) -> None:
            tokens = [held.sha256 for held in ended]
            context.snapshot = context.snapshot.without_bearers(tokens)
            for held in ended:
                if held.actor_type is ActorType.SESSION:
                    context.usage.forget_actor(held.actor_id)

        try:
            await context.change(work, then)
        except VaultError:
            context.usage.put_back(seen_agents, seen_sessions)
            raise

    def _cut_off(self, expired: set[bytes]) -> None:
        """End the connections of tokens that have expired since the last time."""
        for sha256 in expired - self._cut:
            self._context.tunnels.close_for_token(sha256)
        self._cut = expired
