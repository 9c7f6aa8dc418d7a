"""Webhooks."""

from typing import Any

from sqlalchemy import JSON, Column, Double, Text
from sqlmodel import Field, SQLModel


class WebhookRow(SQLModel, table=True):
    """A webhook; `vault_id` None: it is told of all vaults, and of the worker.

    `sealed` is its address and secrets, for the place `webhooks.sealed_row_id` names: `version`
    grows whenever they change. `shown` is the address as it may be read. `former_until` is when
    the secret that was replaced no longer signs. `failing_since` is None while deliveries succeed.
    """

    __tablename__ = "webhook"

    id: str = Field(primary_key=True)
    vault_id: str | None = Field(default=None, foreign_key="vault.id", ondelete="CASCADE")
    format: str
    events: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    shown: str
    version: int
    sealed: bytes
    former_until: float | None = Field(default=None, sa_type=Double)
    enabled: bool
    created_at: float = Field(sa_type=Double)
    last_at: float | None = Field(default=None, sa_type=Double)
    last_error: str = Field(default="", sa_type=Text)
    failing_since: float | None = Field(default=None, sa_type=Double)
