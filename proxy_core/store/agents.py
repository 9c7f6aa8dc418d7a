"""Agents and their grants."""

from collections.abc import Collection, Mapping, Sequence

from sqlmodel import Session, col, select, update

from proxy_core.base.errors import VaultError
from proxy_core.store.audited import NO_ROWS
from proxy_core.store.tables import Agent, AgentGrant
from proxy_core.store.touched import NOTHING


def list_agents(session: Session, ids: Collection[str] | None = None) -> list[Agent]:
    """All agents by name; only those with these ids, when given."""
    query = select(Agent).order_by(Agent.name)
    return list(session.exec(query if ids is None else query.where(col(Agent.id).in_(ids))))


def agent_by_name(session: Session, name: str) -> Agent:
    """Find an agent. Raises VaultError: not_found."""
    agent = session.exec(select(Agent).where(Agent.name == name)).first()
    if agent is None:
        raise VaultError("not_found", "No such agent.")
    return agent


def add_agent(session: Session, agent: Agent) -> Agent:
    """Store a new agent. Raises VaultError: conflict."""
    _check_free(session, agent.name)
    session.add(agent)
    session.flush()
    return agent


def rename_agent(session: Session, name: str, new_name: str) -> Agent:
    """Give an agent another name. Raises VaultError: not_found, conflict."""
    agent = agent_by_name(session, name)
    if new_name != name:
        _check_free(session, new_name)
        agent.name = new_name
        session.flush()
    return agent


def replace_token(
    session: Session,
    name: str,
    token_sha256: bytes,
    expires_at: float | None,
    minters: Sequence[str] = (),
) -> Agent:
    """Rotate: the old token ends with this transaction. Raises VaultError: not_found."""
    agent = agent_by_name(session, name)
    agent.token_sha256 = token_sha256
    agent.minters = list(minters)
    agent.expires_at = expires_at
    session.flush()
    return agent


def set_agent_role(session: Session, name: str, role: str) -> Agent:
    """Change the instance role. Raises VaultError: not_found."""
    agent = agent_by_name(session, name)
    agent.role = role
    session.flush()
    return agent


def delete_agent(session: Session, name: str) -> Agent:
    """Delete an agent with its grants; answers what it was. Raises VaultError: not_found."""
    agent = agent_by_name(session, name)
    session.delete(agent)
    session.flush()
    return agent


def touch_agents(session: Session, seen_at: Mapping[str, float]) -> None:
    """Store when agents, by id, were last seen."""
    for agent_id, moment in seen_at.items():
        session.exec(
            update(Agent)
            .where(col(Agent.id) == agent_id)
            .values(last_seen_at=moment)
            .execution_options(touches=NOTHING, audits=NO_ROWS)
        )


def list_grants(session: Session, agents: Collection[str] | None = None) -> list[AgentGrant]:
    """All grants; only those of agents with these ids, when given."""
    query = select(AgentGrant)
    wanted = query if agents is None else query.where(col(AgentGrant.agent_id).in_(agents))
    return list(session.exec(wanted))


def add_grant(session: Session, grant: AgentGrant) -> AgentGrant:
    """Let an agent use a vault. Raises VaultError: conflict."""
    if session.get(AgentGrant, (grant.agent_id, grant.vault_id)) is not None:
        raise VaultError("conflict", "The agent has a grant for this vault already.")
    session.add(grant)
    session.flush()
    return grant


def find_grant(session: Session, agent_id: str, vault_id: str) -> AgentGrant:
    """An agent's grant for a vault, to be changed. Raises VaultError: not_found."""
    grant = session.get(AgentGrant, (agent_id, vault_id))
    if grant is None:
        raise VaultError("not_found", "The agent has no grant for this vault.")
    return grant


def remove_grant(session: Session, agent_id: str, vault_id: str) -> None:
    """Take a vault from an agent. Raises VaultError: not_found."""
    session.delete(find_grant(session, agent_id, vault_id))
    session.flush()


def _check_free(session: Session, name: str) -> None:
    if session.exec(select(Agent.id).where(Agent.name == name)).first() is not None:
        raise VaultError("conflict", "An agent of this name exists already.")
