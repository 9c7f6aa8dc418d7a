"""What operators allowed for a while."""

from sqlalchemy import Double, Index, Text
from sqlmodel import Field, SQLModel


class ApprovalGrant(SQLModel, table=True):
    """An operator's leave for one agent's requests of one kind; see `domain.approval.Scope`.

    `token_sha256` empty: it holds for the agent or session whatever its token. `expires_at` None:
    it ends with the token.
    """

    __tablename__ = "approval_grant"
    __table_args__ = (Index("ix_approval_grant_vault", "vault_id"),)

    id: str = Field(primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE")
    actor_id: str
    actor_name: str
    token_sha256: bytes
    duration: str
    service: str
    scheme: str
    host: str
    port: int
    method: str
    path: str = Field(sa_type=Text)
    created_by: str
    created_at: float = Field(sa_type=Double)
    expires_at: float | None = Field(default=None, sa_type=Double)
