"""What operators do with devices: let one act as an agent or not, see them, end one."""

from collections.abc import Callable

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import AGENT_PREFIX, new_id, new_token, token_sha256
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.domain.events import EventType
from proxy_core.domain.names import InstanceRole, check_agent_name
from proxy_core.services.agent_grants import new_grant
from proxy_core.services.claude_gateway.requests import DeviceRequests
from proxy_core.services.claude_gateway.tokens import DeviceTokens
from proxy_core.services.context import Context
from proxy_core.services.loading import agent_bearer
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Bearer
from proxy_core.store import agents, tables
from proxy_core.store import device_requests as request_store
from proxy_core.store import devices as store
from proxy_core.store.device_requests import State
from proxy_core.store.tables import DeviceRequestRow

_Approved = tuple[DeviceRequestRow, tables.Agent, Bearer | None]


class Devices:
    """`requests` are those that wait, `tokens` those of who was approved."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.requests = DeviceRequests(context)
        self.tokens = DeviceTokens(context)

    async def approve(
        self, code: str, wanted: wire.ApproveDevice, by: Principal
    ) -> wire.DeviceResolved:
        """Let a device act as an agent in a vault, whichever worker it has asked.

        Raises VaultError: not_found, conflict, vault_not_found, vault_forbidden (the agent has no
        grant there), bad_request.
        """
        wanted_code = protocol.normal_code(code)
        email = protocol.check_email(wanted.email)
        name = check_agent_name(wanted.agent) if wanted.agent else ""
        vault_id = self._context.vault(wanted.vault).id
        device_id, now = new_id(), self._context.clock.time()

        def work(session: Session) -> _Approved:
            request = request_store.take_waiting(session, wanted_code, now)
            agent, bearer = self._agent(session, name, request, wanted)
            device = tables.DeviceRow(
                id=device_id,
                agent_id=agent.id,
                vault_id=vault_id,
                email=email,
                client=request.client,
                address=request.address,
                created_by=by.label,
                created_at=now,
            )
            store.add_device(session, device)
            request.state, request.device_id = State.APPROVED.value, device_id
            session.flush()
            return request, agent, bearer

        def then(result: _Approved) -> None:
            request, agent, bearer = result
            if bearer is not None:
                self._context.snapshot = self._context.snapshot.with_bearer(bearer)
                self._announce(EventType.AGENT_CHANGED, agent.name, by, change="created")
            self._announce(EventType.DEVICE_CHANGED, agent.name, by, change="approved")
            self.requests.resolved(request, by.label, agent=agent.name)

        request, agent, _ = await self._context.change(work, then)
        return wire.DeviceResolved(
            code=request.code, outcome=request.state, agent=agent.name, device=device_id
        )

    async def deny(self, code: str, by: Principal) -> wire.DeviceResolved:
        """Raises VaultError: not_found."""
        wanted_code, now = protocol.normal_code(code), self._context.clock.time()

        def work(session: Session) -> DeviceRequestRow:
            request = request_store.take_waiting(session, wanted_code, now)
            request.state = State.DENIED.value
            session.flush()
            asked = {"address": request.address, "code": request.code}
            deed = Deed("device.denied", request.client, after=asked)
            self._context.audit.say(session, deed)
            return request

        request = await self._context.change(
            work, lambda done: self.requests.resolved(done, by.label)
        )
        return wire.DeviceResolved(code=request.code, outcome=request.state)

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
        await self.tokens.end(device_id, by)
        return wire.Deleted(name=device_id)

    def _agent(
        self, session: Session, name: str, request: DeviceRequestRow, wanted: wire.ApproveDevice
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


def _free(base: str, taken: Callable[[str], bool]) -> str:
    """The name itself, or with the first number that nobody has."""
    number, name = 1, base
    while taken(name):
        number += 1
        name = f"{base}-{number}"
    return name
