"""Vaults that an external store backs."""

from typing import Any

from sqlalchemy import JSON, Column, Double, Text
from sqlmodel import Field, SQLModel


class VaultSource(SQLModel, table=True):
    """Where a vault's credentials come from. `shown` is that place as it may be read.

    `sealed` is all that a poll needs, address and secrets in one: who can only write to the
    database can't send the secrets elsewhere. `skipped` are names that can't be keys here.
    `next_poll_at` is taken and moved on by the one worker that polls.
    """

    __tablename__ = "vault_source"

    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE", primary_key=True)
    kind: str
    shown: str
    interval: int
    sealed: bytes
    created_at: float = Field(sa_type=Double)
    next_poll_at: float = Field(sa_type=Double)
    last_sync_at: float | None = Field(default=None, sa_type=Double)
    last_error: str = Field(default="", sa_type=Text)
    failures: int = 0
    skipped: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
