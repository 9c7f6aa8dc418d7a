"""Agents and sessions of the scripted worker."""

from typing import Any

from proxy_core.base.clock import FakeClock, rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.client.calls import Call
from proxy_core.domain import wire

TOKEN = "vt_agt_" + "0123456789abcdef" * 4


class FakeAgents:
    """`agents` and `sessions` are lists that a test may change."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.agents: list[wire.AgentInfo] = []
        self.sessions: list[wire.SessionInfo] = []

    # --- the test's side ----------------------------------------------------------------------

    def agent(self, name: str, *grants: wire.AgentVault, **changes: Any) -> wire.AgentInfo:
        """An agent; every field can be changed."""
        now = self.clock.time()
        values: dict[str, Any] = {
            "id": f"id-{name}", "name": name, "role": "no-access",
            "vaults": list(grants or (wire.AgentVault(vault_name="default"),)),
            "created_at": rfc3339(now - 86400 * 12), "expires_at": None,
            "last_seen_at": rfc3339(now - 7), "connections": 0, "requests_today": 0,
        }  # fmt: skip
        made = wire.AgentInfo(**{**values, **changes})
        self.agents.append(made)
        return made

    def session(self, label: str, **changes: Any) -> wire.SessionInfo:
        """A scoped session of the vault `default`."""
        now = self.clock.time()
        values: dict[str, Any] = {
            "id": f"id-{label}", "vault": "default", "label": label,
            "created_at": rfc3339(now - 600), "expires_at": rfc3339(now + 85800),
            "last_used_at": rfc3339(now - 2), "connections": 1, "requests_today": 14,
            "created_by": "operator ada",
        }  # fmt: skip
        made = wire.SessionInfo(**{**values, **changes})
        self.sessions.append(made)
        return made

    def furnish(self) -> None:
        """Agents in every state, one with a name from elsewhere, and a session."""
        now = self.clock.time()
        some = wire.AgentVault(vault_name="default", services=["github", "slack-bot"])
        work = wire.AgentVault(vault_name="staging", vault_role="member")
        self.agent("ci", some, connections=3, requests_today=1284, account_id="id-work")
        self.agent(
            "claude", wire.AgentVault(vault_name="default"), work, connections=1,
            requests_today=318, expires_at=rfc3339(now + 86400 * 29),
        )  # fmt: skip
        self.agent("old-bot", expires_at=rfc3339(now - 3600), status="expired", last_seen_at="")
        self.agent("spare", role="member", last_seen_at="").vaults = []
        self.session("run pytest")

    # --- answers ------------------------------------------------------------------------------

    @staticmethod
    def is_asked(parts: list[str]) -> bool:
        """Whether a path is about agents, sessions or their pins."""
        return (
            parts[1] in {"agents", "sessions"}
            or parts[3:4] == ["agents"]
            or parts[-1] in {"pin", "unpin"}
        )

    def answer(self, call: Call[Any], parts: list[str]) -> Any:
        """`/v1/agents…`, `/v1/sessions…` and `/v1/vaults/{v}/agents…`."""
        if parts[1] == "sessions":
            return self._session(call, parts)
        if parts[1] == "vaults":
            return self._grant(call, parts)
        if parts[1] == "accounts":
            return self._pin(call.body, parts[2] if parts[-1] == "pin" else "")
        if len(parts) == 2 and call.method == "GET":
            return wire.AgentList(agents=list(self.agents))
        if len(parts) == 2:
            return self._create(call.body)
        found = self._find(parts[2])
        if call.method == "DELETE":
            self.agents.remove(found)
            return wire.Deleted(name=found.name)
        return self._change(found, parts[3], call.body)

    def _find(self, name: str) -> wire.AgentInfo:
        for one in self.agents:
            if one.name == name:
                return one
        raise VaultError("not_found", "No such agent.")

    def _create(self, body: wire.CreateAgent) -> wire.AgentCreated:
        if any(one.name == body.name for one in self.agents):
            raise VaultError("conflict", "An agent of this name exists already.")
        made = self.agent(body.name, *body.vaults, role=body.role)
        return self._token_of(made)

    def _token_of(self, found: wire.AgentInfo) -> wire.AgentCreated:
        return wire.AgentCreated(
            av_agent_token=TOKEN,
            name=found.name,
            role=found.role,
            vaults=found.vaults,
            created_at=found.created_at,
        )

    def _change(self, found: wire.AgentInfo, verb: str, body: Any) -> Any:
        if verb == "rotate":
            return self._token_of(found)
        if verb == "role":
            former, found.role = found.role, body.role
            return wire.AgentRoleChanged(agent=found.name, old_role=former, new_role=body.role)
        found.name = body.name
        return found

    def _grant(self, call: Call[Any], parts: list[str]) -> Any:
        vault = parts[2]
        if call.method == "GET":
            return wire.VaultAgentList(vault=vault, agents=[])
        if call.method == "DELETE":
            found = self._find(parts[4])
            found.vaults = [one for one in found.vaults if one.vault_name != vault]
            text = f"agent {found.name} may not use vault {vault} any more"
            return wire.VaultAgentRemoved(message=text, vault=vault, name=found.name)
        found = self._find(call.body.name if len(parts) == 4 else parts[4])
        if "unknown" in (call.body.services or ()):
            raise VaultError("bad_request", f"Vault {vault} has no service unknown.")
        kept = [one for one in found.vaults if one.vault_name != vault]
        role, services = call.body.role, call.body.services or []
        made = wire.AgentVault(vault_name=vault, vault_role=role, services=services)
        found.vaults = [*kept, made]
        return wire.VaultAgentChanged(
            message=f"agent {found.name} may use vault {vault}", vault=vault, name=found.name,
            vault_role=role, services=services, old_role=role, new_role=role,
        )  # fmt: skip

    def _pin(self, body: wire.PinAccount, account_id: str) -> wire.Pinned:
        holders = [*self.agents, *self.sessions]
        wanted = body.session or self._find(body.agent).id
        found = next(one for one in holders if one.id == wanted)
        found.account_id = account_id
        name = account_id.removeprefix("id-")
        return wire.Pinned(account=name, agent=body.agent, session=body.session)

    def _session(self, call: Call[Any], parts: list[str]) -> Any:
        if call.method == "GET":
            return wire.SessionList(sessions=list(self.sessions))
        self.sessions = [one for one in self.sessions if one.id != parts[2]]
        return wire.Deleted(name=parts[2])
