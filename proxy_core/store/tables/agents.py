"""Agents, what they may use, and scoped sessions."""

from sqlalchemy import JSON, Column, Double, Index
from sqlmodel import Field, SQLModel


class Agent(SQLModel, table=True):
    """A named token; `expires_at` None: it does not expire.

    `account_id`: the one account that its requests use. `minters`: the ids of the agents that have
    minted the token, themselves minted or not.
    """

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    role: str
    token_sha256: bytes = Field(unique=True)
    created_at: float = Field(sa_type=Double)
    expires_at: float | None = Field(default=None, sa_type=Double)
    last_seen_at: float | None = Field(default=None, sa_type=Double)
    account_id: str | None = Field(default=None, foreign_key="account.id", ondelete="SET NULL")
    minters: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )


class AgentGrant(SQLModel, table=True):
    """The agent may use the vault with this role.

    `services`: the names of those that it may use, never empty; None: all of the vault's.
    """

    __tablename__ = "agent_grant"
    __table_args__ = (Index("ix_agent_grant_vault", "vault_id"),)

    agent_id: str = Field(foreign_key="agent.id", ondelete="CASCADE", primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE", primary_key=True)
    role: str
    services: list[str] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )


class ScopedSession(SQLModel, table=True):
    """A short-lived token of one vault; `run_pid` is the process it was made for, if any.

    `account_id`: the one account that its requests use. `minters`: as an agent's.
    """

    __tablename__ = "scoped_session"
    __table_args__ = (
        Index("ix_scoped_session_vault", "vault_id", "created_at"),
        Index("ix_scoped_session_expiry", "expires_at"),
    )

    id: str = Field(primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE")
    token_sha256: bytes = Field(unique=True)
    label: str
    created_by: str
    created_at: float = Field(sa_type=Double)
    expires_at: float = Field(sa_type=Double)
    last_used_at: float | None = Field(default=None, sa_type=Double)
    run_pid: int | None = None
    account_id: str | None = Field(default=None, foreign_key="account.id", ondelete="SET NULL")
    minters: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
