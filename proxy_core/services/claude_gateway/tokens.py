"""The tokens of devices that were approved.

A device's tokens are a family. A refresh token is good once; when one comes again that was used a
while ago, somebody else has it, and the whole family ends.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import AGENT_PREFIX, new_token, token_sha256
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain.claude_gateway import OAuthRefusal
from proxy_core.domain.events import EventType
from proxy_core.services.claude_gateway.requests import expired
from proxy_core.services.context import Context
from proxy_core.services.loading import load_agents
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Bearer
from proxy_core.store import device_requests, tables
from proxy_core.store import devices as store

REFRESH_PREFIX = "vt_rfr_"
_ENDED = "The sign-in has ended: sign in again."
_STOLEN = "a refresh token was used twice"
_LAST_WORDS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token with what comes along. `seconds`: how long it is good."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    seconds: int
    email: str


class DeviceTokens:
    """Every method raises VaultError: database_unavailable."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def collect(self, request: tables.DeviceRequestRow) -> Pair:
        """The first tokens of a device that was approved. Its code is used up.

        Raises OAuthRefusal: expired_token (another worker gave them out), access_denied (revoked
        meanwhile), invalid_grant.
        """

        def work(session: Session) -> tuple[Pair, Bearer] | OAuthRefusal:
            taken = device_requests.take_out(session, request.sha256)
            if taken is None:
                return expired()
            device = session.get(tables.DeviceRow, taken.device_id, with_for_update=True)
            if device is None:
                return OAuthRefusal("access_denied", _ENDED)
            return self._issue(session, device)

        def then(result: tuple[Pair, Bearer] | OAuthRefusal) -> None:
            if not isinstance(result, OAuthRefusal):
                self._put(result)

        result = await self._context.change(work, then)
        if isinstance(result, OAuthRefusal):
            raise result
        return result[0]

    async def refresh(self, token: str) -> Pair:
        """A new pair for a refresh token.

        Raises OAuthRefusal: invalid_grant (401), slow_down (429; it stays good).
        """
        now, sha256 = self._context.clock.time(), token_sha256(token)

        def work(session: Session) -> tuple[Pair, Bearer] | str:
            found = store.find_token(session, sha256)
            if found is None or found.kind != store.REFRESH or found.expires_at <= now:
                raise _invalid()
            if found.used_at is not None and found.used_at + protocol.REPEAT_SECONDS < now:
                return found.device_id
            if found.used_at is None:
                found.used_at = now
            device = session.get(tables.DeviceRow, found.device_id)
            assert device is not None
            return self._issue(session, device)

        def then(result: tuple[Pair, Bearer] | str) -> None:
            if not isinstance(result, str):
                self._put(result)

        result = await self._context.change(work, then)
        if isinstance(result, str):
            await self._end_quietly(result, _STOLEN)
            raise _invalid()
        return result[0]

    async def end_by_token(self, token: str) -> None:
        """End the device that has this access or refresh token; unknown ones are no error."""
        sha256 = token_sha256(token)
        found = await self._context.database.read(
            lambda session: session.get(tables.DeviceToken, sha256)
        )
        if found is not None:
            await self._end_quietly(found.device_id, "signed out")

    async def end(self, device_id: str, by: Principal | str) -> None:
        """Take a device's tokens away; its connections end. Raises VaultError: not_found."""

        def close(tokens: Sequence[bytes]) -> None:
            for token in tokens:
                self._context.tunnels.close_for_token(token)

        def then(result: tuple[tables.DeviceRow, list[bytes]]) -> None:
            row, tokens = result
            agent = self._context.snapshot.agent(row.agent_id)
            self._context.snapshot = self._context.snapshot.without_bearers(tokens)
            if isinstance(by, Principal):
                close(tokens)
            else:  # the device itself: its answer may go out on one of these connections
                asyncio.get_running_loop().call_later(_LAST_WORDS_SECONDS, close, tokens)
            name = agent.actor_name if agent else row.client
            self._context.publish(EventType.DEVICE_CHANGED, by, name=name, change="ended")

        await self._context.change(lambda session: store.delete_device(session, device_id), then)

    def _issue(self, session: Session, device: tables.DeviceRow) -> tuple[Pair, Bearer]:
        """Store a new pair.

        Raises OAuthRefusal: invalid_grant, when its agent has expired; slow_down, when it has more
        tokens than programs can need: every one is kept in memory.
        """
        now = self._context.clock.time()
        # As it is stored: another worker may have made it a moment ago.
        found = load_agents(session, {device.agent_id})
        agent = next((one for one in found if one.is_agents_own), None)
        if agent is None or agent.expires_at <= now:
            raise _invalid()
        if store.count_live(session, device.id, now) >= protocol.MOST_ACCESS:
            raise OAuthRefusal("slow_down", "This sign-in was refreshed too often.", 429)
        ends = min(now + protocol.ACCESS_SECONDS, agent.expires_at)
        access, refresh = new_token(AGENT_PREFIX), new_token(REFRESH_PREFIX)
        made = [
            tables.DeviceToken(
                sha256=token_sha256(token),
                device_id=device.id,
                agent_id=device.agent_id,
                kind=kind,
                expires_at=expires_at,
            )
            for token, kind, expires_at in (
                (access, store.ACCESS, ends),
                (refresh, store.REFRESH, now + protocol.REFRESH_SECONDS),
            )
        ]
        store.add_tokens(session, made, now)
        bearer = agent.for_device(made[0].sha256, ends, device.vault_id)
        return Pair(access, refresh, max(1, int(ends - now)), device.email), bearer

    def _put(self, result: tuple[Pair, Bearer]) -> None:
        """Let the new access token be known."""
        self._context.snapshot = self._context.snapshot.with_bearer(result[1])

    async def _end_quietly(self, device_id: str, why: str) -> None:
        try:
            await self.end(device_id, f"device ({why})")
        except VaultError as error:
            if error.code != "not_found":
                raise


def _invalid() -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", _ENDED, 401)
