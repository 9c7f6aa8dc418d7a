"""Agents: named tokens with an instance role; `agent_grants` says what they may use."""

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import AGENT_PREFIX, new_id, new_token, token_sha256
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.names import check_agent_name, parse_instance_role
from proxy_core.services.agent_grants import new_grant
from proxy_core.services.context import Context
from proxy_core.services.lineage import lineage
from proxy_core.services.loading import NEVER, agent_bearer
from proxy_core.services.principal import Principal
from proxy_core.services.request_counts import RequestCounts
from proxy_core.services.snapshot import Bearer, Snapshot
from proxy_core.store import agents as store
from proxy_core.store import tables

MIN_TTL_SECONDS, MAX_TTL_SECONDS = 60, 10 * 365 * 86_400


class Agents:
    """Names are unique; a token is in the answer that made it and nowhere else."""

    def __init__(self, context: Context, counts: RequestCounts) -> None:
        self._context = context
        self._counts = counts

    async def create(self, request: wire.CreateAgent, by: Principal) -> wire.AgentCreated:
        """Raises VaultError: conflict, bad_request, vault_not_found."""
        token = new_token(AGENT_PREFIX)
        values = self._new_row(request, token, by).model_dump()

        def work(session: Session) -> tuple[tables.Agent, Bearer]:
            agent = store.add_agent(session, tables.Agent(**values))
            snapshot = self._context.snapshot
            grants = [new_grant(session, snapshot, agent.id, one) for one in request.vaults]
            return agent, agent_bearer(agent, grants)

        def then(result: tuple[tables.Agent, Bearer]) -> None:
            agent, bearer = result
            self._context.snapshot = self._context.snapshot.with_bearer(bearer)
            self._announce(EventType.AGENT_CHANGED, agent.name, by, change="created")

        agent, bearer = await self._context.change(work, then)
        return self._created(agent, bearer, token)

    async def list(self) -> wire.AgentList:
        """All agents."""
        rows = await self._context.database.read(store.list_agents)
        today = await self._counts.today()
        bearers: dict[str, Bearer] = {}
        tokens: dict[str, list[bytes]] = {}
        for held in self._context.snapshot.bearers.values():
            tokens.setdefault(held.actor_id, []).append(held.sha256)
            if held.is_agents_own:
                bearers[held.actor_id] = held
        known = [(row, bearers[row.id]) for row in rows if row.id in bearers]
        described = [
            self._described(row, bearer, tokens[row.id], today[row.id]) for row, bearer in known
        ]
        return wire.AgentList(agents=described)

    async def get(self, name: str) -> wire.AgentInfo:
        """Raises VaultError: not_found."""
        row = await self._context.database.read(lambda session: store.agent_by_name(session, name))
        today = await self._counts.today()
        bearer = self._bearer(row.id)
        devices = self._context.snapshot.devices_of(row.id)
        tokens = [held.sha256 for held in (bearer, *devices)]
        return self._described(row, bearer, tokens, today[row.id])

    async def rotate(
        self, name: str, by: Principal, ttl_seconds: int | None = None
    ) -> wire.AgentCreated:
        """A new token; the old one's connections end at once.

        The expiry stays unless `ttl_seconds` gives a new one. Raises VaultError: not_found;
        bad_request (ttl, or an agent that has expired and gets no new one).
        """
        token, now = new_token(AGENT_PREFIX), self._context.clock.time()
        fresh = _expiry(ttl_seconds, now)

        def work(session: Session) -> tuple[tables.Agent, bytes]:
            agent = store.agent_by_name(session, name)
            old, expires_at = agent.token_sha256, fresh or agent.expires_at
            if expires_at is not None and expires_at <= now:
                raise VaultError("bad_request", f"Agent {name} has expired: give ttl_seconds.")
            digest, minters = token_sha256(token), lineage(self._context, by)
            return store.replace_token(session, name, digest, expires_at, minters), old

        def then(result: tuple[tables.Agent, bytes]) -> None:
            agent, old = result
            bearer = replace(
                self._bearer(agent.id),
                sha256=agent.token_sha256,
                expires_at=NEVER if agent.expires_at is None else agent.expires_at,
                minters=tuple(agent.minters),
            )
            snapshot = self._context.snapshot.without_bearers((old,))
            self._context.snapshot = snapshot.with_bearer(bearer)
            self._context.tunnels.close_for_token(old)
            self._announce(EventType.AGENT_CHANGED, name, by, change="rotated")

        agent, _ = await self._context.change(work, then)
        return self._created(agent, self._bearer(agent.id), token)

    async def rename(self, name: str, request: wire.Rename, by: Principal) -> wire.AgentInfo:
        """Raises VaultError: not_found, conflict, bad_request."""
        new_name = check_agent_name(request.name)

        def then(agent: tables.Agent) -> None:
            self._swap(replace(self._bearer(agent.id), actor_name=new_name))
            self._announce(EventType.AGENT_CHANGED, new_name, by, change="renamed", old_name=name)

        await self._context.change(
            lambda session: store.rename_agent(session, name, new_name), then
        )
        return await self.get(new_name)

    async def change_role(self, name: str, role: str, by: Principal) -> wire.AgentRoleChanged:
        """The instance role. Raises VaultError: not_found, bad_request."""
        parsed = parse_instance_role(role)

        def work(session: Session) -> tuple[tables.Agent, str]:
            former = store.agent_by_name(session, name).role
            return store.set_agent_role(session, name, parsed.value), former

        def then(result: tuple[tables.Agent, str]) -> None:
            self._swap(replace(self._bearer(result[0].id), role=parsed))
            self._announce(EventType.AGENT_CHANGED, name, by, change="role", role=parsed.value)

        _, former = await self._context.change(work, then)
        return wire.AgentRoleChanged(agent=name, old_role=former, new_role=parsed.value)

    async def delete(self, name: str, by: Principal) -> wire.Deleted:
        """Its connections end at once. Raises VaultError: not_found."""

        def then(agent: tables.Agent) -> None:
            devices = self._context.snapshot.devices_of(agent.id)
            tokens = [agent.token_sha256, *(device.sha256 for device in devices)]
            self._context.snapshot = self._context.snapshot.without_bearers(tokens)
            for token in tokens:
                self._context.tunnels.close_for_token(token)
            self._context.usage.forget_actor(agent.id)
            self._announce(EventType.AGENT_REVOKED, name, by)

        await self._context.change(lambda session: store.delete_agent(session, name), then)
        return wire.Deleted(name=name)

    def _new_row(self, request: wire.CreateAgent, token: str, by: Principal) -> tables.Agent:
        now = self._context.clock.time()
        return tables.Agent(
            id=new_id(),
            name=check_agent_name(request.name),
            role=parse_instance_role(request.role).value,
            token_sha256=token_sha256(token),
            created_at=now,
            expires_at=_expiry(request.ttl_seconds, now),
            minters=lineage(self._context, by),
        )

    def _bearer(self, agent_id: str) -> Bearer:
        bearer = self._context.snapshot.agent(agent_id)
        if bearer is None:
            raise VaultError("not_found", "No such agent.")
        return bearer

    def _swap(self, bearer: Bearer) -> None:
        self._context.snapshot = self._context.snapshot.with_bearer(bearer)

    def _announce(self, type: EventType, name: str, by: Principal, **more: str) -> None:
        self._context.publish(type, by, name=name, **more)

    def _created(self, agent: tables.Agent, bearer: Bearer, token: str) -> wire.AgentCreated:
        return wire.AgentCreated(
            av_agent_token=token,
            name=agent.name,
            role=agent.role,
            vaults=_grants_of(bearer, self._context.snapshot),
            created_at=rfc3339(agent.created_at),
            expires_at=None if agent.expires_at is None else rfc3339(agent.expires_at),
        )

    def _described(
        self, row: tables.Agent, bearer: Bearer, tokens: Sequence[bytes], today: int
    ) -> wire.AgentInfo:
        """`tokens`: its own and its devices'."""
        seen_at = max(self._context.usage.seen.get(row.id, 0.0), row.last_seen_at or 0.0)
        return wire.AgentInfo(
            id=row.id,
            name=row.name,
            role=row.role,
            status="active" if bearer.expires_at > self._context.clock.time() else "expired",
            vaults=_grants_of(bearer, self._context.snapshot),
            created_at=rfc3339(row.created_at),
            expires_at=None if row.expires_at is None else rfc3339(row.expires_at),
            last_seen_at=rfc3339(seen_at) if seen_at else "",
            connections=sum(map(self._context.tunnels.connections_for_token, tokens)),
            account_id=bearer.account_id,
            requests_today=today,
        )


def _grants_of(bearer: Bearer, snapshot: Snapshot) -> list[wire.AgentVault]:
    grants = [
        wire.AgentVault(
            vault_name=snapshot.by_id[vault_id].name,
            vault_role=role.value,
            services=sorted(bearer.services.get(vault_id, ())),
        )
        for vault_id, role in bearer.grants.items()
        if vault_id in snapshot.by_id
    ]
    return sorted(grants, key=lambda grant: grant.vault_name)


def _expiry(ttl_seconds: int | None, now: float) -> float | None:
    if ttl_seconds is None:
        return None
    if not MIN_TTL_SECONDS <= ttl_seconds <= MAX_TTL_SECONDS:
        raise VaultError(
            "bad_request", f"ttl_seconds must be {MIN_TTL_SECONDS} to {MAX_TTL_SECONDS}"
        )
    return now + ttl_seconds
