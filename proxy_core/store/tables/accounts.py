"""Logins and accounts.

A login is one refreshable OAuth grant: it belongs to a credential of type `oauth` or to an account.
A credential of type `pool` names accounts.
"""

from typing import Any

from sqlalchemy import JSON, Column, Double, Index, Text
from sqlmodel import Field, SQLModel


class OAuthLogin(SQLModel, table=True):
    """One grant: the client that it was given to, its sealed tokens, and how refreshing goes.

    `client` is `domain.oauth`'s document without secrets; `sealed_client` the client's secret or
    private key. `generation` grows with every pair of tokens that is stored and is part of the
    place that they are sealed for (`logins.token_row_id`). `state` is `pending` (never connected),
    `connected`, or `reconnect` (refused for good). `provider` is a preset's id, or empty.

    `intent_generation` stands, committed, while the token endpoint is asked with the refresh token
    of that generation: found there later, the answer may have been lost. `lease_owner` and
    `lease_until` are SQLite's lock (`refresh_locks`).
    """

    __tablename__ = "oauth_login"
    __table_args__ = (Index("ix_oauth_login_vault", "vault_id"),)

    id: str = Field(primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE")
    credential_id: str | None = Field(
        default=None, foreign_key="credential.id", ondelete="CASCADE", unique=True
    )
    provider: str
    client: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    sealed_client: bytes | None = None
    sealed_access: bytes | None = None
    sealed_refresh: bytes | None = None
    generation: int
    scopes: str = Field(sa_type=Text)
    obtained_at: float = Field(sa_type=Double)
    expires_at: float | None = Field(default=None, sa_type=Double)
    state: str
    connected_at: float | None = Field(default=None, sa_type=Double)
    refresh_count: int = 0
    last_refresh_at: float | None = Field(default=None, sa_type=Double)
    retry_at: float | None = Field(default=None, sa_type=Double)
    failures: int = 0
    last_error: str = Field(default="", sa_type=Text)
    intent_generation: int | None = None
    intent_at: float | None = Field(default=None, sa_type=Double)
    intent_retried: bool = False
    lease_owner: str = ""
    lease_until: float | None = Field(default=None, sa_type=Double)


class Account(SQLModel, table=True):
    """One login at a provider, with its quota (`domain.accounts` has the document of `quota`).

    `removed_at`: taken away, and can be brought back for a while. Among those that are not removed,
    `email` is unique in a vault and provider; the code keeps it so.
    """

    __table_args__ = (Index("ix_account_vault", "vault_id", "provider"),)

    id: str = Field(primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE")
    provider: str
    login_id: str = Field(foreign_key="oauth_login.id", ondelete="CASCADE", unique=True)
    email: str
    nickname: str
    tier: str = ""
    priority: int
    is_default: bool = False
    paused: bool = False
    created_at: float = Field(sa_type=Double)
    last_used_at: float | None = Field(default=None, sa_type=Double)
    removed_at: float | None = Field(default=None, sa_type=Double)
    cooling_until: float | None = Field(default=None, sa_type=Double)
    cooling_reason: str = ""
    quota: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class Pool(SQLModel, table=True):
    """How a credential of type `pool` chooses among its accounts."""

    credential_id: str = Field(foreign_key="credential.id", ondelete="CASCADE", primary_key=True)
    provider: str
    strategy: str
    settings: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class PoolMember(SQLModel, table=True):
    """An account of a pool; `position` is its place in the pool's order."""

    __tablename__ = "pool_member"
    __table_args__ = (Index("ix_pool_member_account", "account_id"),)

    credential_id: str = Field(
        foreign_key="pool.credential_id", ondelete="CASCADE", primary_key=True
    )
    account_id: str = Field(foreign_key="account.id", ondelete="CASCADE", primary_key=True)
    position: int
