"""Scoped sessions and named agents."""

from collections.abc import Sequence

from proxy_core.client.calls.call import Call, given, in_vault, segment
from proxy_core.domain import wire


def create_session(
    vault: str,
    ttl_seconds: int = 86400,
    label: str = "",
    run_pid: int | None = None,
    account: str = "",
) -> Call[wire.SessionCreated]:
    """Mint a scoped session; `run_pid` marks the process tree that the socket refuses, `account`
    names the one account that it may use.
    """
    body = wire.CreateSession(
        vault=vault, ttl_seconds=ttl_seconds, label=label, run_pid=run_pid, account=account
    )
    return Call("POST", "/v1/sessions", wire.SessionCreated, body=body)


def sessions(vault: str = "default") -> Call[wire.SessionList]:
    """The live scoped sessions of a vault."""
    return Call("GET", "/v1/sessions", wire.SessionList, given(vault=vault))


def revoke_session(session_id: str, vault: str = "default") -> Call[wire.Deleted]:
    """Revoke a session; its tunnels end at once."""
    path = f"/v1/sessions/{segment(session_id)}"
    return Call("DELETE", path, wire.Deleted, given(vault=vault))


def create_agent(
    name: str,
    role: str = "no-access",
    vaults: Sequence[wire.AgentVault] = (),
    ttl_seconds: int | None = None,
) -> Call[wire.AgentCreated]:
    """Create a named agent; its token is in the answer and never again.

    Without `ttl_seconds` it does not expire.
    """
    body = wire.CreateAgent(name=name, role=role, vaults=list(vaults), ttl_seconds=ttl_seconds)
    return Call("POST", "/v1/agents", wire.AgentCreated, body=body)


def agents() -> Call[wire.AgentList]:
    """Every agent."""
    return Call("GET", "/v1/agents", wire.AgentList)


def agent(name: str) -> Call[wire.AgentInfo]:
    """One agent."""
    return Call("GET", f"/v1/agents/{segment(name)}", wire.AgentInfo)


def delete_agent(name: str) -> Call[wire.Deleted]:
    """Delete an agent; its tunnels end at once."""
    return Call("DELETE", f"/v1/agents/{segment(name)}", wire.Deleted)


def rotate_agent(name: str, ttl_seconds: int | None = None) -> Call[wire.AgentCreated]:
    """Give an agent a new token; the old one ends at once. The expiry stays without a new one."""
    body = None if ttl_seconds is None else wire.RotateAgent(ttl_seconds=ttl_seconds)
    return Call("POST", f"/v1/agents/{segment(name)}/rotate", wire.AgentCreated, body=body)


def rename_agent(name: str, new_name: str) -> Call[wire.AgentInfo]:
    """Rename an agent."""
    path = f"/v1/agents/{segment(name)}/rename"
    return Call("POST", path, wire.AgentInfo, body=wire.Rename(name=new_name))


def change_agent_role(name: str, role: str) -> Call[wire.AgentRoleChanged]:
    """Change an agent's instance role."""
    path = f"/v1/agents/{segment(name)}/role"
    return Call("POST", path, wire.AgentRoleChanged, body=wire.AgentRole(role=role))


def pin_agent(name: str, account: str, vault: str = "default") -> Call[wire.AgentInfo]:
    """Let an agent use one account alone, by any of its names; "": any account again."""
    path = f"/v1/agents/{segment(name)}/account"
    return Call("POST", path, wire.AgentInfo, body=wire.AgentAccount(account=account, vault=vault))


def vault_agents(vault: str = "default") -> Call[wire.VaultAgentList]:
    """The agents that may use a vault."""
    return Call("GET", in_vault(vault, "/agents"), wire.VaultAgentList)


def add_vault_agent(
    vault: str, name: str, role: str = "proxy", services: Sequence[str] = ()
) -> Call[wire.VaultAgentChanged]:
    """Let an agent use a vault, or some of its services (none named: all)."""
    body = wire.AddVaultAgent(name=name, role=role, services=list(services))
    return Call("POST", in_vault(vault, "/agents"), wire.VaultAgentChanged, body=body)


def change_vault_agent(
    vault: str, name: str, role: str = "", services: Sequence[str] | None = None
) -> Call[wire.VaultAgentChanged]:
    """Change an agent's role in a vault, or its services there; what is not given stays."""
    names = None if services is None else list(services)
    path = in_vault(vault, f"/agents/{segment(name)}/role")
    body = wire.ChangeVaultAgent(role=role, services=names)
    return Call("POST", path, wire.VaultAgentChanged, body=body)


def remove_vault_agent(vault: str, name: str) -> Call[wire.VaultAgentRemoved]:
    """Take a vault from an agent; its connections end at once."""
    return Call("DELETE", in_vault(vault, f"/agents/{segment(name)}"), wire.VaultAgentRemoved)
