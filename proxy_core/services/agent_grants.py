"""Which vaults an agent may use, in which role, and there which services.

A grant names services or means all of them. Names stay in it when their services go: to have
nothing left to use is not to be allowed everything. Only the proxy role can be limited so, for the
others may change services and read credentials.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.names import VaultRole, parse_vault_role
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Bearer, Snapshot, VaultEntry
from proxy_core.store import agents as store
from proxy_core.store import tables
from proxy_core.store import vaults as vault_store

MAX_SERVICES = 1_000
"""Named in one grant."""


@dataclass(frozen=True, slots=True)
class _Granted:
    """A grant as it is stored now, and the role that the agent had in the vault before."""

    agent: tables.Agent
    vault_id: str
    role: VaultRole
    services: frozenset[str] | None
    former: VaultRole

    def put_into(self, bearer: Bearer) -> Bearer:
        """The token's holder with this grant."""
        return bearer.with_grant(self.vault_id, self.role, self.services)


class AgentGrants:
    """Every method raises VaultError: vault_not_found, not_found (agent or grant)."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(self, vault: str) -> wire.VaultAgentList:
        """The agents that may use a vault, by name."""
        entry, now = self._context.vault(vault), self._context.clock.time()
        agents = [
            wire.VaultAgent(
                name=bearer.actor_name,
                agent_id=bearer.actor_id,
                vault_role=bearer.grants[entry.id].value,
                status="active" if bearer.expires_at > now else "expired",
                services=_names(bearer.services.get(entry.id)),
            )
            for bearer in self._context.snapshot.bearers.values()
            if bearer.is_agents_own and entry.id in bearer.grants
        ]
        return wire.VaultAgentList(vault=vault, agents=sorted(agents, key=lambda one: one.name))

    async def add(
        self, vault: str, request: wire.AddVaultAgent, by: Principal
    ) -> wire.VaultAgentChanged:
        """Raises VaultError: conflict (it has a grant already), bad_request (role, services)."""
        wanted = wire.AgentVault(
            vault_name=vault, vault_role=request.role, services=request.services
        )

        def work(session: Session) -> _Granted:
            agent = store.agent_by_name(session, request.name)
            row = new_grant(session, self._context.snapshot, agent.id, wanted)
            role = VaultRole(row.role)
            return _Granted(agent, row.vault_id, role, _stored(row), role)

        return await self._put(work, by, vault, "granted", "may use")

    async def change(
        self, vault: str, name: str, request: wire.ChangeVaultAgent, by: Principal
    ) -> wire.VaultAgentChanged:
        """Role and services; what is not named stays. Connections end when it may use less.

        Raises VaultError: bad_request.
        """
        if not request.role and request.services is None:
            raise VaultError("bad_request", "Name a role or services.")
        role = parse_vault_role(request.role) if request.role else None

        def work(session: Session) -> _Granted:
            agent = store.agent_by_name(session, name)
            vault_id = vault_store.vault_by_name(session, vault).id
            row = store.find_grant(session, agent.id, vault_id)
            former, before = VaultRole(row.role), _stored(row)
            row.role = (role or former).value
            if request.services is not None:
                entry = self._context.snapshot.by_id[vault_id]
                row.services = _checked(request.services, entry, before or ())
            _check_role(VaultRole(row.role), row.services)
            session.flush()
            return _Granted(agent, vault_id, VaultRole(row.role), _stored(row), former)

        return await self._put(work, by, vault, "grant changed", "may now use")

    async def remove(self, vault: str, name: str, by: Principal) -> wire.VaultAgentRemoved:
        """Its connections end at once."""

        def work(session: Session) -> tuple[tables.Agent, str]:
            agent = store.agent_by_name(session, name)
            vault_id = vault_store.vault_by_name(session, vault).id
            store.remove_grant(session, agent.id, vault_id)
            return agent, vault_id

        def then(result: tuple[tables.Agent, str]) -> None:
            agent, vault_id = result
            bearer = self._context.snapshot.agent(agent.id)
            if bearer is not None:
                put_bearer(self._context, bearer.without_grant(vault_id))
            self._announce(agent.name, by, vault, change="grant revoked")

        await self._context.change(work, then)
        return wire.VaultAgentRemoved(
            message=f"agent {name} may not use vault {vault} any more", vault=vault, name=name
        )

    async def _put(
        self,
        work: Callable[[Session], _Granted],
        by: Principal,
        vault: str,
        change: str,
        verb: str,
    ) -> wire.VaultAgentChanged:
        def then(found: _Granted) -> None:
            bearer = self._context.snapshot.agent(found.agent.id)
            if bearer is not None:
                put_bearer(self._context, found.put_into(bearer))
            more = {"change": change, "role": found.role.value}
            self._announce(found.agent.name, by, vault, **more, services=_names(found.services))

        found = await self._context.change(work, then)
        name, services = found.agent.name, _names(found.services)
        what = f"{', '.join(services)} of vault {vault}" if services else f"vault {vault}"
        return wire.VaultAgentChanged(
            message=f"agent {name} {verb} {what} with role {found.role.value}",
            vault=vault,
            name=name,
            vault_role=found.role.value,
            services=services,
            old_role=found.former.value,
            new_role=found.role.value,
        )

    def _announce(self, name: str, by: Principal, vault: str, **more: object) -> None:
        self._context.publish(EventType.AGENT_CHANGED, by, name=name, vault=vault, **more)


def new_grant(
    session: Session, snapshot: Snapshot, agent_id: str, wanted: wire.AgentVault
) -> tables.AgentGrant:
    """Store a grant. Raises VaultError: vault_not_found, conflict, bad_request (role, services)."""
    role = parse_vault_role(wanted.vault_role)
    vault_id = vault_store.vault_by_name(session, wanted.vault_name).id
    services = _checked(wanted.services, snapshot.by_id[vault_id])
    _check_role(role, services)
    row = tables.AgentGrant(
        agent_id=agent_id, vault_id=vault_id, role=role.value, services=services
    )
    return store.add_grant(session, row)


def widened(
    session: Session, agent_id: str, vault_id: str, services: Collection[str]
) -> frozenset[str] | None:
    """Add services to a grant that names some, and store it; None when there is nothing to add."""
    row = session.get(tables.AgentGrant, (agent_id, vault_id))
    before = None if row is None else _stored(row)
    if row is None or before is None or before.issuperset(services):
        return None
    row.services = sorted(before.union(services))
    session.flush()
    return frozenset(row.services)


def put_bearer(context: Context, bearer: Bearer) -> None:
    """Let an agent's holder be this one; connections end that may use less than before."""
    known = context.snapshot.bearers
    before = [known[bearer.sha256]] if bearer.sha256 in known else []
    before += context.snapshot.devices_of(bearer.actor_id)
    context.snapshot = context.snapshot.with_bearer(bearer)
    for held in before:
        if held.loses_by(context.snapshot.bearers[held.sha256]):
            context.tunnels.close_for_token(held.sha256)


def _checked(
    names: Sequence[str], entry: VaultEntry, known: Collection[str] = ()
) -> list[str] | None:
    """Names as they are stored; `known` ones may be without a service. VaultError: bad_request."""
    if len(names) > MAX_SERVICES:
        raise VaultError("bad_request", f"A grant names at most {MAX_SERVICES} services.")
    there = {service.name for service in entry.compiled.services}.union(known)
    if unknown := sorted(set(names) - there):
        shown = display_safe(", ".join(unknown), 200)
        raise VaultError("bad_request", f"Vault {entry.name} has no service {shown}.")
    return sorted(set(names)) or None


def _check_role(role: VaultRole, services: Collection[str] | None) -> None:
    if services is not None and role is not VaultRole.PROXY:
        raise VaultError(
            "bad_request",
            f"A grant for some services goes with the role proxy only: {role.value} may change "
            "services and read credentials.",
        )


def _stored(row: tables.AgentGrant) -> frozenset[str] | None:
    return None if row.services is None else frozenset(row.services)


def _names(services: Collection[str] | None) -> list[str]:
    return sorted(services or ())
