"""The audit as the API shows it."""

from typing import Any

import msgspec

from proxy_core.domain.wire.base import Response


class AuditActor(msgspec.Struct, kw_only=True):
    """Who: `kind` is operator, peer, user, agent, session, worker, or nobody (proved nothing)."""

    kind: str
    name: str = ""
    id: str = ""


class AuditEntry(Response):
    """One deed. `before` and `after` hold no secret: of a new one they say `changed`.

    `source` is where the actor was: `uid`, `pid` and `tty` at the control socket, else `address`.
    `sealed` False: it was written while the vault was sealed.
    """

    seq: int
    at: str
    action: str
    actor: AuditActor
    source: dict[str, Any]
    route: str
    vault: str
    target: str
    before: dict[str, Any]
    after: dict[str, Any]
    hash: str
    sealed: bool


class AuditPage(Response):
    """`GET /v1/audit`: newest first. `next_cursor` goes on in the same direction."""

    entries: list[AuditEntry]
    next_cursor: str | None
    latest_seq: int


class AuditVerified(Response):
    """`GET /v1/audit/verify`. `summary` says it for people, `broken_at` is the first wrong entry.

    `head` is NUMBER:HASH of the last entry: noted elsewhere, it shows later whether the audit was
    cut short. `unsealed` counts the last entries, that no seal covers yet; `seals_checked` False:
    the vault is sealed, so the chain alone was looked at.
    """

    ok: bool
    summary: str
    first: int
    last: int
    count: int
    head: str
    unsealed: int
    seals_checked: bool
    broken_at: int | None = None
