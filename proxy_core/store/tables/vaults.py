"""Vaults, their credentials and services."""

from typing import Any

from sqlalchemy import JSON, Column, Double, Index
from sqlmodel import Field, SQLModel, UniqueConstraint


class Vault(SQLModel, table=True):
    """A vault; `unmatched_host_policy` is `passthrough`, `deny` or `ask`."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    unmatched_host_policy: str
    created_at: float = Field(sa_type=Double)


class Credential(SQLModel, table=True):
    """A credential's name and current version; the values stand in `CredentialVersion`."""

    __table_args__ = (UniqueConstraint("vault_id", "key"),)

    id: str = Field(primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE")
    key: str
    type: str
    current_version: int
    created_at: float = Field(sa_type=Double)
    updated_at: float = Field(sa_type=Double)


class CredentialVersion(SQLModel, table=True):
    """One value, sealed for its place (`credentials.version_row_id`). Never changed, only added."""

    __tablename__ = "credential_version"

    credential_id: str = Field(foreign_key="credential.id", ondelete="CASCADE", primary_key=True)
    version: int = Field(primary_key=True)
    sealed: bytes
    created_at: float = Field(sa_type=Double)


class ServiceRow(SQLModel, table=True):
    """A service document of a vault; `position` is its place in declaration order."""

    __tablename__ = "service"
    __table_args__ = (Index("ix_service_order", "vault_id", "position"),)

    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE", primary_key=True)
    name: str = Field(primary_key=True)
    position: int
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    updated_at: float = Field(sa_type=Double)
