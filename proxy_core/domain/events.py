"""Typed events of the worker: what consoles and scripts follow live."""

from enum import StrEnum
from typing import Any

import msgspec


class EventType(StrEnum):
    """Names are public: `GET /v1/events` sends them as SSE event names."""

    REQUEST_STARTED = "request.started"
    REQUEST_FINISHED = "request.finished"
    CREDENTIAL_CHANGED = "credential.changed"
    CREDENTIAL_APPROVED = "credential.approved"
    CREDENTIAL_FAILED = "credential.failed"
    CREDENTIAL_DELETED = "credential.deleted"
    SERVICE_CHANGED = "service.changed"
    SERVICE_DELETED = "service.deleted"
    VAULT_CHANGED = "vault.changed"
    VAULT_DELETED = "vault.deleted"
    AGENT_CHANGED = "agent.changed"
    AGENT_REVOKED = "agent.revoked"
    SESSION_CREATED = "session.created"
    SESSION_CHANGED = "session.changed"
    SESSION_REVOKED = "session.revoked"
    USER_CHANGED = "user.changed"
    USER_REMOVED = "user.removed"
    USER_SIGNED_IN = "user.signed_in"
    USER_SIGNED_OUT = "user.signed_out"
    USER_REFUSED = "user.refused"
    SETTINGS_CHANGED = "settings.changed"
    OPERATOR_UNLOCKED = "operator.unlocked"
    OPERATOR_REFUSED = "operator.refused"
    CREDENTIAL_REVEALED = "credential.revealed"
    REQUEST_HELD = "request.held"
    HOLD_RESOLVED = "hold.resolved"
    GRANT_CREATED = "grant.created"
    GRANT_REVOKED = "grant.revoked"
    PROPOSAL_CREATED = "proposal.created"
    PROPOSAL_APPLIED = "proposal.applied"
    PROPOSAL_REJECTED = "proposal.rejected"
    PROPOSAL_EXPIRED = "proposal.expired"
    CONNECT_STARTED = "connect.started"
    CONNECT_ENDED = "connect.ended"
    REFRESH_STARTED = "refresh.started"
    REFRESH_SUCCEEDED = "refresh.succeeded"
    REFRESH_FAILED = "refresh.failed"
    REFRESH_RECONNECT = "refresh.reconnect"
    SOURCE_SYNCED = "source.synced"
    SOURCE_FAILED = "source.failed"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_SWITCHED = "account.switched"
    ACCOUNT_COOLING = "account.cooling"
    ACCOUNT_EXHAUSTED = "account.exhausted"
    POOL_CHANGED = "pool.changed"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_FAILED = "webhook.failed"
    WEBHOOK_DISABLED = "webhook.disabled"
    DEVICE_REQUESTED = "device.requested"
    DEVICE_RESOLVED = "device.resolved"
    DEVICE_CHANGED = "device.changed"
    ISSUER_CHANGED = "issuer.changed"
    WORKER_SEALED = "worker.sealed"
    WORKER_UNSEALED = "worker.unsealed"
    WORKER_STOPPING = "worker.stopping"
    WORKER_PROBLEM = "worker.problem"
    WORKER_CAUGHT_UP = "worker.caught_up"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """`seq` grows by one per event of a worker's life; `at` is epoch seconds.

    `data` is the record (requests) or `{"vault", "name", "by", …}`; never a secret.
    """

    seq: int
    type: str
    at: float
    data: Any
