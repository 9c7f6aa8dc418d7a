"""The schema: one class a table. Times are epoch seconds; ids are made by the caller.

Tokens are kept as SHA-256 alone. Columns named `sealed…` and `wrapped_dek` hold ciphertext that
this floor never reads. A change here needs a migration and a place in
`audited`; tests compare them.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Double, Identity, Index, Integer, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from proxy_core.store.account_tables import Account as Account
from proxy_core.store.account_tables import OAuthLogin as OAuthLogin
from proxy_core.store.account_tables import Pool as Pool
from proxy_core.store.account_tables import PoolMember as PoolMember
from proxy_core.store.audit_tables import AuditHead as AuditHead
from proxy_core.store.audit_tables import AuditRow as AuditRow
from proxy_core.store.command_tables import CommandCredential as CommandCredential
from proxy_core.store.device_tables import ClaudeSettings as ClaudeSettings
from proxy_core.store.device_tables import DeviceRequestRow as DeviceRequestRow
from proxy_core.store.device_tables import DeviceRow as DeviceRow
from proxy_core.store.device_tables import DeviceToken as DeviceToken
from proxy_core.store.issuer_tables import IssuerRow as IssuerRow
from proxy_core.store.proposal_tables import ProposalRow as ProposalRow
from proxy_core.store.proposal_tables import ProposalValue as ProposalValue
from proxy_core.store.source_tables import VaultSource as VaultSource
from proxy_core.store.user_tables import UserGrant as UserGrant
from proxy_core.store.user_tables import UserInvite as UserInvite
from proxy_core.store.user_tables import UserRow as UserRow
from proxy_core.store.user_tables import UserSessionRow as UserSessionRow
from proxy_core.store.webhook_tables import WebhookRow as WebhookRow

# SQLite gives out row numbers only for INTEGER keys; PostgreSQL needs 64 bits for a log.
RowNumber = BigInteger().with_variant(Integer(), "sqlite")


class Meta(SQLModel, table=True):
    """Facts of the installation: that it is set up, the DEK's encryption count."""

    name: str = Field(primary_key=True)
    value: str


class Setting(SQLModel, table=True):
    """A setting that differs from its default; `value` is JSON."""

    name: str = Field(primary_key=True)
    value: Any = Field(sa_column=Column(JSON, nullable=False))
    updated_at: float = Field(sa_type=Double)


class KeySlot(SQLModel, table=True):
    """A wrapped DEK: `seal.SlotRecord`, field by field."""

    __tablename__ = "key_slot"

    id: str = Field(primary_key=True)
    kind: str
    label: str
    params: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    wrapped_dek: bytes
    key_version: int
    created_at: float = Field(sa_type=Double)


class CertificateAuthority(SQLModel, table=True):
    """The local CA: its certificate and its sealed private key."""

    __tablename__ = "certificate_authority"

    id: str = Field(primary_key=True)
    certificate_pem: str = Field(sa_type=Text)
    sealed: bytes
    created_at: float = Field(sa_type=Double)


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


class Agent(SQLModel, table=True):
    """A named token; `expires_at` None: it does not expire.

    `account_id`: the one account that its requests use. `minters`: the ids of the agents that have
    minted the token, themselves minted or not.
    """

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    role: str
    token_sha256: bytes = Field(unique=True)
    created_at: float = Field(sa_type=Double)
    expires_at: float | None = Field(default=None, sa_type=Double)
    last_seen_at: float | None = Field(default=None, sa_type=Double)
    account_id: str | None = Field(default=None, foreign_key="account.id", ondelete="SET NULL")
    minters: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )


class AgentGrant(SQLModel, table=True):
    """The agent may use the vault with this role.

    `services`: the names of those that it may use, never empty; None: all of the vault's.
    """

    __tablename__ = "agent_grant"
    __table_args__ = (Index("ix_agent_grant_vault", "vault_id"),)

    agent_id: str = Field(foreign_key="agent.id", ondelete="CASCADE", primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE", primary_key=True)
    role: str
    services: list[str] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )


class ScopedSession(SQLModel, table=True):
    """A short-lived token of one vault; `run_pid` is the process it was made for, if any.

    `account_id`: the one account that its requests use. `minters`: as an agent's.
    """

    __tablename__ = "scoped_session"
    __table_args__ = (
        Index("ix_scoped_session_vault", "vault_id", "created_at"),
        Index("ix_scoped_session_expiry", "expires_at"),
    )

    id: str = Field(primary_key=True)
    vault_id: str = Field(foreign_key="vault.id", ondelete="CASCADE")
    token_sha256: bytes = Field(unique=True)
    label: str
    created_by: str
    created_at: float = Field(sa_type=Double)
    expires_at: float = Field(sa_type=Double)
    last_used_at: float | None = Field(default=None, sa_type=Double)
    run_pid: int | None = None
    account_id: str | None = Field(default=None, foreign_key="account.id", ondelete="SET NULL")
    minters: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )


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


class Change(SQLModel, table=True):
    """What a worker has changed or announced, for others on the same SQLite file: see `changes`.

    Numbers are never used twice. PostgreSQL tells it without a table: there this one stays empty.
    """

    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: int | None = Field(
        default=None, sa_column=Column(RowNumber, Identity(), primary_key=True, nullable=False)
    )
    message: str = Field(sa_type=Text)


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
