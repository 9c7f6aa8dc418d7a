"""Scoped sessions and agents."""

from typing import Literal

import msgspec

from proxy_core.domain.wire.base import Request, Response


class CreateSession(Request):
    """`POST /v1/sessions`. `run_pid`: the process whose descendants the control socket refuses, and
    with which the session ends.

    `account`: the account that it is pinned to, by any of its names. `vault_role` is what older
    clients send, and `proxy` is all that it can be.
    """

    vault: str
    vault_role: Literal["proxy"] = "proxy"
    ttl_seconds: int = 86400
    label: str = ""
    run_pid: int | None = None
    account: str = ""


class SessionCreated(Response):
    """The token is shown this once."""

    id: str
    token: str
    expires_at: str
    av_addr: str


class SessionInfo(Response):
    """One scoped session. `account_id`: the account that it is pinned to.

    `connections` are open now; `requests_today`: ended since midnight, the worker's time.
    """

    id: str
    vault: str
    label: str
    created_at: str
    expires_at: str
    last_used_at: str
    account_id: str = ""
    connections: int = 0
    requests_today: int = 0
    created_by: str = ""


class SessionList(Response):
    """`GET /v1/sessions?vault`."""

    sessions: list[SessionInfo]


class AgentVault(Request):
    """A grant: the agent may use this vault with this role (proxy, member, admin).

    `services`: the names of those that it may use; empty: all of the vault's.
    """

    vault_name: str
    vault_role: str = "proxy"
    services: list[str] = msgspec.field(default_factory=list)


class CreateAgent(Request):
    """`POST /v1/agents`. No `ttl_seconds`: the token does not expire."""

    name: str
    role: str = "no-access"
    vaults: list[AgentVault] = msgspec.field(default_factory=list)
    ttl_seconds: int | None = None


class RotateAgent(Request):
    """`POST …/rotate`; the body may be missing. No `ttl_seconds`: the expiry stays as it is."""

    ttl_seconds: int | None = None


class AgentCreated(Response):
    """Also the answer of a rotation. The token is shown this once."""

    av_agent_token: str
    name: str
    role: str
    vaults: list[AgentVault]
    created_at: str
    expires_at: str | None = None


class AgentInfo(Response):
    """One agent. `status`: active or expired. `account_id`: the account that it is pinned to.

    `connections` are open now; `requests_today`: ended since midnight, the worker's time.
    """

    id: str
    name: str
    role: str
    vaults: list[AgentVault]
    created_at: str
    expires_at: str | None
    last_seen_at: str
    connections: int
    account_id: str = ""
    status: str = "active"
    requests_today: int = 0


class AgentList(Response):
    """`GET /v1/agents`."""

    agents: list[AgentInfo]


class AgentRole(Request):
    """`POST /v1/agents/{n}/role`: the instance role (no-access, member, owner)."""

    role: str


class AgentRoleChanged(Response):
    """Answer of AgentRole."""

    agent: str
    old_role: str
    new_role: str


class AgentAccount(Request):
    """`POST /v1/agents/{n}/account`: the account that it uses alone, by any of its names.

    `account` empty: any account again. `vault`: the account's.
    """

    account: str = ""
    vault: str = "default"


class AddVaultAgent(Request):
    """`POST /v1/vaults/{v}/agents`. `services` as AgentVault has them."""

    name: str
    role: str = "proxy"
    services: list[str] = msgspec.field(default_factory=list)


class ChangeVaultAgent(Request):
    """`POST /v1/vaults/{v}/agents/{a}/role`. What is left out stays; `services` []: all of them."""

    role: str = ""
    services: list[str] | None = None


class VaultAgent(Response):
    """An agent that may use a vault; `services` empty: all. `status`: active or expired."""

    name: str
    agent_id: str
    vault_role: str
    status: str
    services: list[str]


class VaultAgentList(Response):
    """`GET /v1/vaults/{v}/agents`."""

    vault: str
    agents: list[VaultAgent]


class VaultAgentChanged(Response):
    """Answer of a new or changed grant, which is as it says."""

    message: str
    vault: str
    name: str
    vault_role: str
    services: list[str]
    old_role: str
    new_role: str


class VaultAgentRemoved(Response):
    """Answer of a grant's end."""

    message: str
    vault: str
    name: str


class Rename(Request):
    """`POST …/rename`."""

    name: str


class Deleted(Response):
    """Answer of deletions that have nothing else to say."""

    name: str
    deleted: bool = True
