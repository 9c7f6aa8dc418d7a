"""Users, who sign in over the network.

Passwords are kept as Argon2id digests with their parameters, tokens as SHA-256 alone.
"""

from typing import Any

from sqlalchemy import JSON, Column, Double, Index
from sqlmodel import Field, SQLModel


class UserRow(SQLModel, table=True):
    """A person; `email` is an e-mail address or a login name, as `domain.users` writes it.

    `password_kdf` and `password_digest` are `seal.PasswordHash`, field by field.
    """

    __tablename__ = "user_account"

    id: str = Field(primary_key=True)
    email: str = Field(unique=True)
    role: str
    password_kdf: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    password_digest: bytes
    created_at: float = Field(sa_type=Double)


class UserGrant(SQLModel, table=True):
    """The user may use the vault with this role."""

    __tablename__ = "user_grant"
    __table_args__ = (Index("ix_user_grant_vault", "vault_id"),)

    user_id: str = Field(foreign_key="user_account.id", ondelete="CASCADE", primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE", primary_key=True)
    role: str


class UserSessionRow(SQLModel, table=True):
    """A signed-in user's token; `proved_at` is when the password was proved last.

    `address` and `label` (the client's User-Agent) are there for people to tell sessions apart.
    """

    __tablename__ = "user_session"
    __table_args__ = (
        Index("ix_user_session_user", "user_id", "created_at"),
        Index("ix_user_session_expiry", "expires_at"),
    )

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="user_account.id", ondelete="CASCADE")
    token_sha256: bytes = Field(unique=True)
    address: str
    label: str
    created_at: float = Field(sa_type=Double)
    proved_at: float = Field(sa_type=Double)
    last_used_at: float = Field(sa_type=Double)
    expires_at: float = Field(sa_type=Double)


class UserInvite(SQLModel, table=True):
    """Leave to become a user, once; `email` empty: whoever has the token chooses the name.

    `vaults` maps vault ids to roles. An accepted invite is deleted.
    """

    __tablename__ = "user_invite"
    __table_args__ = (Index("ix_user_invite_expiry", "expires_at"),)

    id: str = Field(primary_key=True)
    token_sha256: bytes = Field(unique=True)
    email: str
    role: str
    vaults: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    created_by: str
    created_at: float = Field(sa_type=Double)
    expires_at: float = Field(sa_type=Double)
