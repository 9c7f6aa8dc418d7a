"""Requests that wait for an operator, and what an operator allowed for a while."""

import msgspec

from proxy_core.domain.wire.base import Request, Response


class Hold(Response):
    """A request that waits for an operator. `url` and `body_preview` hold no secret we know of.

    `rule` says what asked: a rule's number within `service`, 0 for the vault's policy on hosts
    without a service. `seconds_left` is the time until it is refused.
    """

    id: str
    vault: str
    agent: str
    actor_type: str
    service: str
    rule: int
    reason: str
    method: str
    url: str
    body_preview: str
    credential_keys: list[str]
    created_at: str
    expires_at: str
    seconds_left: int


class HoldList(Response):
    """`GET /v1/holds`, oldest first."""

    holds: list[Hold]


class ApproveHold(Request):
    """`POST /v1/holds/{id}/approve`; `for` is once, session, 15m, 1h or always."""

    duration: str = msgspec.field(default="once", name="for")


class DenyHold(Request):
    """`POST /v1/holds/{id}/deny`; with `always` the service gets a rule that denies."""

    always: bool = False


class Grant(Response):
    """What an operator allowed for a while. `expires_at` null: it ends with the agent's token."""

    id: str
    vault: str
    agent: str
    service: str
    method: str
    url: str
    duration: str = msgspec.field(name="for")
    created_by: str
    created_at: str
    expires_at: str | None


class GrantList(Response):
    """`GET /v1/grants`, oldest first."""

    grants: list[Grant]


class HoldResolved(Response):
    """Answer of approve and deny. `released` counts the held requests that this decided.

    `service` is the one that got a rule, empty without.
    """

    id: str
    outcome: str
    released: int
    service: str = ""
    grant: Grant | None = None
