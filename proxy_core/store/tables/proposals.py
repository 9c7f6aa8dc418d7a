"""Proposals."""

from typing import Any

from sqlalchemy import JSON, Column, Double, Index
from sqlmodel import Field, SQLModel, UniqueConstraint


class ProposalRow(SQLModel, table=True):
    """A proposal; `number` counts within its vault, and none is used twice.

    `document` (`domain.proposals.proposal_document`) and `review_note` hold what others wrote, as
    JSON because that can spell every character. Who raised it stands by name and by token;
    `minters` are the ids of the agents that minted that token.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        UniqueConstraint("vault_id", "number"),
        Index("ix_proposal_status", "status", "expires_at"),
    )

    id: str = Field(primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE")
    number: int
    status: str
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    actor_type: str
    actor_id: str
    actor_name: str
    token_sha256: bytes
    approval_sha256: bytes = Field(unique=True)
    created_at: float = Field(sa_type=Double)
    expires_at: float = Field(sa_type=Double)
    reviewed_at: float | None = Field(default=None, sa_type=Double)
    reviewed_by: str = ""
    review_note: str = Field(default="", sa_column=Column(JSON, nullable=False))
    minters: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )


class ProposalValue(SQLModel, table=True):
    """A value that the agent supplied, sealed for its place (`proposals.value_row_id`).

    It goes when the proposal is decided.
    """

    __tablename__ = "proposal_value"

    proposal_id: str = Field(foreign_key="proposal.id", ondelete="CASCADE", primary_key=True)
    key: str = Field(primary_key=True)
    sealed: bytes
