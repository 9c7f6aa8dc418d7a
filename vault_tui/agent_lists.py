"""Reading the agents and sessions that whoever looks may see."""

from collections.abc import Awaitable, Callable
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.domain import wire

Send = Callable[[Call[Any]], Awaitable[Any]]
_REFUSALS = frozenset(("role_forbidden", "vault_forbidden"))


async def read_agents(
    send: Send, vault: str
) -> tuple[list[wire.AgentInfo], list[wire.SessionInfo]]:
    """Every agent, or for a vault's member those that may use it; and the vault's sessions.

    Raises VaultError: whatever is no matter of roles.
    """
    try:
        agents: list[wire.AgentInfo] = (await send(calls.agents())).agents
    except VaultError as error:
        if error.code not in _REFUSALS:
            raise
        agents = await _agents_of_vault(send, vault)
    try:
        sessions: list[wire.SessionInfo] = (await send(calls.sessions(vault))).sessions
    except VaultError as error:
        if error.code not in _REFUSALS:
            raise
        sessions = []
    return agents, sessions


async def _agents_of_vault(send: Send, vault: str) -> list[wire.AgentInfo]:
    try:
        found: list[wire.VaultAgent] = (await send(calls.vault_agents(vault))).agents
    except VaultError as error:
        if error.code not in _REFUSALS:
            raise
        return []
    return [
        wire.AgentInfo(
            id=one.agent_id,
            name=one.name,
            role="",
            vaults=[
                wire.AgentVault(vault_name=vault, vault_role=one.vault_role, services=one.services)
            ],
            created_at="",
            expires_at=None,
            last_seen_at="",
            connections=0,
            status=one.status,
        )
        for one in found
    ]
