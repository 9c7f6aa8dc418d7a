"""The request log, and hosts that no service covered."""

from sqlalchemy import BigInteger, Column, Double, Identity, Index
from sqlmodel import Field, SQLModel

from proxy_core.store.tables.columns import RowNumber


class UnmatchedHost(SQLModel, table=True):
    """A host that was asked for without a service: kept by the log's writer as it goes."""

    __tablename__ = "unmatched_host"
    __table_args__ = (Index("ix_unmatched_host_seen", "vault_id", "last_seen_at"),)

    vault_id: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    port: int = Field(primary_key=True)
    requests: int = Field(sa_type=BigInteger)
    last_seen_at: float = Field(sa_type=Double)


class RequestLogRow(SQLModel, table=True):
    """A finished request: `domain.traffic.RequestRecord`, lists joined by commas.

    The vault stands by its id, so that its log follows a new name and not a new vault of the old
    name; empty when the request never got to a vault. Numbers are never used twice, so that a
    cursor stays valid while old rows are pruned.
    """

    __tablename__ = "request_log"
    __table_args__ = (
        Index("ix_request_log_vault", "vault_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowNumber, Identity(), primary_key=True, nullable=False)
    )
    request_id: str
    started_at: float = Field(sa_type=Double)
    vault_id: str
    ingress: str
    method: str
    scheme: str
    host: str
    port: int
    path: str
    actor_type: str
    actor_id: str
    actor_name: str
    matched_service: str
    credential_keys: str
    injected_headers: str
    decision: str
    reason: str
    status: int
    error_code: str
    latency_ms: float = Field(sa_type=Double)
    connect_ms: float = Field(sa_type=Double)
    tls_ms: float = Field(sa_type=Double)
    first_byte_ms: float = Field(sa_type=Double)
    bytes_up: int = Field(sa_type=BigInteger)
    bytes_down: int = Field(sa_type=BigInteger)
    streaming: bool
    websocket: bool
    reused_upstream: bool
    retries: int
    account: str
    account_reason: str
    held_ms: float = Field(sa_type=Double)
