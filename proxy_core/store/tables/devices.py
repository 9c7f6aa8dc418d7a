"""Claude Code's sign-ins at the gateway.

Tokens are kept as SHA-256 alone.
"""

from typing import Any

from sqlalchemy import JSON, Column, Double, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class DeviceRequestRow(SQLModel, table=True):
    """A device that waits to be approved, or for what became of it (`state`).

    `sha256` is of the code that it polls with, `code` what its screen shows. `device_id` is set
    once it is approved.
    """

    __tablename__ = "device_request"
    __table_args__ = (
        UniqueConstraint("code", name="uq_device_request_code"),
        Index("ix_device_request_expiry", "expires_at"),
    )

    sha256: bytes = Field(primary_key=True)
    code: str
    client: str
    address: str
    state: str
    device_id: str = ""
    created_at: float = Field(sa_type=Double)
    expires_at: float = Field(sa_type=Double)


class DeviceRow(SQLModel, table=True):
    """A device that acts as an agent in one vault. It ends with either of them.

    `client` and `address` are what it said and where it came from when it asked.
    """

    __tablename__ = "device"
    __table_args__ = (Index("ix_device_agent", "agent_id"),)

    id: str = Field(primary_key=True)
    agent_id: str = Field(foreign_key="agent.id", ondelete="CASCADE")
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE")
    email: str
    client: str
    address: str
    created_by: str
    created_at: float = Field(sa_type=Double)


class DeviceToken(SQLModel, table=True):
    """A device's access or refresh token (`kind`).

    A refresh token that was used stays until it expires: to come again is to have been stolen.
    """

    __tablename__ = "device_token"
    __table_args__ = (
        Index("ix_device_token_device", "device_id"),
        Index("ix_device_token_expiry", "expires_at"),
    )

    sha256: bytes = Field(primary_key=True)
    device_id: str = Field(foreign_key="device.id", ondelete="CASCADE")
    agent_id: str
    kind: str
    expires_at: float = Field(sa_type=Double)
    used_at: float | None = Field(default=None, sa_type=Double)


class ClaudeSettings(SQLModel, table=True):
    """The managed settings of a vault's users of Claude Code; `uuid` is new with each change."""

    __tablename__ = "claude_settings"

    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE", primary_key=True)
    uuid: str
    settings: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    updated_at: float = Field(sa_type=Double)
