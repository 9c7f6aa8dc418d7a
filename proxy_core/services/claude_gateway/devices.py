"""Devices that were approved: who they act as, and the tokens they have.

A device's tokens are a family. A refresh token is good once; when one comes again that was used a
while ago, somebody else has it, and the whole family ends.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import AGENT_PREFIX, new_id, new_token, token_sha256
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.domain.claude_gateway import OAuthRefusal
from proxy_core.domain.events import EventType
from proxy_core.domain.names import InstanceRole, check_agent_name
from proxy_core.services.agent_grants import new_grant
from proxy_core.services.claude_gateway.requests import DeviceRequest, DeviceRequests
from proxy_core.services.context import Context
from proxy_core.services.loading import agent_bearer
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Bearer
from proxy_core.store import agents, tables
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


class Devices:
    """`requests` are those that wait."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.requests = DeviceRequests(context)

    # --- operators -----------------------------------------------------------------------------

    async def approve(
        self, code: str, wanted: wire.ApproveDevice, by: Principal
    ) -> wire.DeviceResolved:
        """Let a device act as an agent in a vault.

        Raises VaultError: not_found, conflict, vault_not_found, vault_forbidden (the agent has no
        grant there), bad_request.
        """
        request = self.requests.waiting(code)
        email = protocol.check_email(wanted.email)
        name = check_agent_name(wanted.agent) if wanted.agent else ""
        vault_id = self._context.vault(wanted.vault).id
        row = tables.DeviceRow(
            id=new_id(),
            agent_id="",
            vault_id=vault_id,
            email=email,
            client=request.client,
            address=request.address,
            created_by=by.label,
            created_at=self._context.clock.time(),
        ).model_dump()

        def work(session: Session) -> tuple[tables.Agent, Bearer | None]:
            agent, bearer = self._agent(session, name, request, wanted)
            store.add_device(session, tables.DeviceRow(**{**row, "agent_id": agent.id}))
            return agent, bearer

        def then(result: tuple[tables.Agent, Bearer | None]) -> None:
            agent, bearer = result
            if bearer is not None:
                self._context.snapshot = self._context.snapshot.with_bearer(bearer)
                self._announce(EventType.AGENT_CHANGED, agent.name, by, change="created")
            self._announce(EventType.DEVICE_CHANGED, agent.name, by, change="approved")
            self.requests.approved(request, by.label, row["id"], agent.name)

        request.claimed = True
        try:
            agent, _ = await self._context.change(work, then)
        finally:
            request.claimed = False
        return wire.DeviceResolved(
            code=request.code, outcome="approved", agent=agent.name, device=row["id"]
        )

    async def deny(self, code: str, by: Principal) -> wire.DeviceResolved:
        """Raises VaultError: not_found, conflict."""
        request = self.requests.waiting(code)
        request.claimed = True
        try:
            asked = {"address": request.address, "code": request.code}
            await self._context.audit.record(Deed("device.denied", request.client, after=asked))
        finally:
            request.claimed = False
        self.requests.denied(request, by.label)
        return wire.DeviceResolved(code=request.code, outcome="denied")

    def waiting(self) -> wire.DeviceRequestList:
        """Those that wait."""
        found = [self.requests.described(one) for one in self.requests.list()]
        return wire.DeviceRequestList(requests=found)

    async def list(self) -> wire.DeviceList:
        """Those that were approved."""
        now = self._context.clock.time()

        def read(session: Session) -> list[tuple[tables.DeviceRow, bool]]:
            return [
                (row, any(token.expires_at > now for token in store.tokens_of(session, row.id)))
                for row in store.list_devices(session)
            ]

        found = await self._context.database.read(read)
        return wire.DeviceList(devices=[self._described(row, live) for row, live in found])

    async def revoke(self, device_id: str, by: Principal) -> wire.Deleted:
        """Its connections end at once. Raises VaultError: not_found."""
        await self._end(device_id, by)
        return wire.Deleted(name=device_id)

    # --- the device ----------------------------------------------------------------------------

    async def collect(self, request: DeviceRequest) -> Pair:
        """The first tokens of a device that was approved. Its code is used up.

        Raises OAuthRefusal: access_denied (revoked meanwhile).
        """

        def work(session: Session) -> tuple[Pair, Bearer]:
            device = session.get(tables.DeviceRow, request.device_id, with_for_update=True)
            if device is None:
                raise OAuthRefusal("access_denied", _ENDED)
            return self._issue(session, device)

        request.claimed = True
        try:
            pair = await self._context.change(work, self._put)
        except OAuthRefusal:
            self.requests.collected(request)
            raise
        finally:
            request.claimed = False
        self.requests.collected(request)
        return pair[0]

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

    # --- shared --------------------------------------------------------------------------------

    def _agent(
        self, session: Session, name: str, request: DeviceRequest, wanted: wire.ApproveDevice
    ) -> tuple[tables.Agent, Bearer | None]:
        """The agent that is named, or a new one with its holder.

        Raises VaultError: vault_forbidden, and what keeps a new one from being made.
        """
        known = {agent.name: agent for agent in agents.list_agents(session)}
        if name in known:
            vault_id = self._context.vault(wanted.vault).id
            if session.get(tables.AgentGrant, (known[name].id, vault_id)) is None:
                raise VaultError(
                    "vault_forbidden", f"Agent {name} may not use vault {wanted.vault}: grant it."
                )
            return known[name], None
        base = name or protocol.agent_name_for(wanted.email, request.address)
        agent = tables.Agent(
            id=new_id(),
            name=base if name else _free(base, known.__contains__),
            role=InstanceRole.NO_ACCESS.value,
            # Nobody knows it: only devices act as this agent, until its token is rotated.
            token_sha256=token_sha256(new_token(AGENT_PREFIX)),
            created_at=self._context.clock.time(),
        )
        agents.add_agent(session, agent)
        granted = wire.AgentVault(vault_name=wanted.vault, vault_role=wanted.vault_role)
        grant = new_grant(session, self._context.snapshot, agent.id, granted)
        return agent, agent_bearer(agent, [grant])

    def _issue(self, session: Session, device: tables.DeviceRow) -> tuple[Pair, Bearer]:
        """Store a new pair.

        Raises OAuthRefusal: invalid_grant, when its agent has expired; slow_down, when it has more
        tokens than programs can need: every one is kept in memory.
        """
        now = self._context.clock.time()
        agent = self._context.snapshot.agent(device.agent_id)
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
            await self._end(device_id, f"device ({why})")
        except VaultError as error:
            if error.code != "not_found":
                raise

    async def _end(self, device_id: str, by: Principal | str) -> None:
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
            self._announce(EventType.DEVICE_CHANGED, name, by, change="ended")

        await self._context.change(lambda session: store.delete_device(session, device_id), then)

    def _announce(self, type: EventType, name: str, by: Principal | str, change: str) -> None:
        self._context.publish(type, by, name=name, change=change)

    def _described(self, row: tables.DeviceRow, signed_in: bool) -> wire.DeviceInfo:
        agent = self._context.snapshot.agent(row.agent_id)
        vault = self._context.snapshot.by_id.get(row.vault_id)
        return wire.DeviceInfo(
            id=row.id,
            agent=agent.actor_name if agent else "",
            vault=vault.name if vault else "",
            email=row.email,
            client=row.client,
            address=row.address,
            created_at=rfc3339(row.created_at),
            created_by=row.created_by,
            signed_in=signed_in,
        )


def _invalid() -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", _ENDED, 401)


def _free(base: str, taken: Callable[[str], bool]) -> str:
    """The name itself, or with the first number that nobody has."""
    number, name = 1, base
    while taken(name):
        number += 1
        name = f"{base}-{number}"
    return name
