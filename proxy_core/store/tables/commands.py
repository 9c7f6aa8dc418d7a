"""Credentials that are commands."""

from typing import Any

from sqlalchemy import JSON, Column, Double
from sqlmodel import Field, SQLModel


class CommandCredential(SQLModel, table=True):
    """A credential's command; `document` is `domain.commands.Command`.

    `executable` is the program's file as approved, empty before. `sealed_approval` is the digest
    of what was approved, for the place `commands.approval_row_id` names: who can only write to the
    database can approve nothing.
    """

    __tablename__ = "command_credential"

    credential_id: str = Field(foreign_key="credential.id", ondelete="CASCADE", primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE")
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    executable: str = ""
    sealed_approval: bytes | None = None
    approved_by: str = ""
    approved_at: float | None = Field(default=None, sa_type=Double)
