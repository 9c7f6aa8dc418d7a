"""The audit.

Nothing here refers to other tables: an entry outlives what it is about.
"""

from sqlalchemy import BigInteger, Column, Double, Index, Text
from sqlmodel import Field, SQLModel

from proxy_core.store.tables.columns import RowNumber


class AuditRow(SQLModel, table=True):
    """An entry: `domain.audit.Link`. The columns beside `entry` repeat what it says, to find it."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_vault", "vault_id", "seq"),
        Index("ix_audit_action", "action", "seq"),
        Index("ix_audit_actor", "actor_name", "seq"),
    )

    seq: int = Field(
        sa_column=Column(RowNumber, primary_key=True, autoincrement=False, nullable=False)
    )
    at: float = Field(sa_type=Double)
    vault_id: str
    vault: str
    actor_kind: str
    actor_name: str
    action: str
    entry: str = Field(sa_type=Text)
    hash: bytes
    seal: bytes


class AuditHead(SQLModel, table=True):
    """The one row that says where the chain begins and ends; who appends holds its lock.

    `start_seq` and `start_hash` are the last entry's that was pruned, vouched for by `start_seal`.
    `sealed_key` is the key of the seals, sealed by the DEK; None until a vault is first open.
    """

    __tablename__ = "audit_head"

    id: int = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    hash: bytes
    start_seq: int = Field(sa_type=BigInteger)
    start_hash: bytes
    start_seal: bytes
    sealed_key: bytes | None = None
