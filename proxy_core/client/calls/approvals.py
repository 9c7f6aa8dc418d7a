"""Held requests and grants."""

from proxy_core.client.calls.call import Call, segment
from proxy_core.domain import wire


def holds() -> Call[wire.HoldList]:
    """The requests that wait for an operator."""
    return Call("GET", "/v1/holds", wire.HoldList)


def hold(hold_id: str) -> Call[wire.Hold]:
    """One held request."""
    return Call("GET", f"/v1/holds/{segment(hold_id)}", wire.Hold)


def approve_hold(hold_id: str, duration: str = "once") -> Call[wire.HoldResolved]:
    """Let a held request go on; `duration` is once, session, 15m, 1h or always."""
    path = f"/v1/holds/{segment(hold_id)}/approve"
    return Call("POST", path, wire.HoldResolved, body=wire.ApproveHold(duration=duration))


def deny_hold(hold_id: str, always: bool = False) -> Call[wire.HoldResolved]:
    """Refuse a held request, or with `always` all like it from now on."""
    path = f"/v1/holds/{segment(hold_id)}/deny"
    return Call("POST", path, wire.HoldResolved, body=wire.DenyHold(always=always))


def grants() -> Call[wire.GrantList]:
    """What operators allowed for a while."""
    return Call("GET", "/v1/grants", wire.GrantList)


def revoke_grant(grant_id: str) -> Call[wire.Deleted]:
    """End a grant."""
    return Call("DELETE", f"/v1/grants/{segment(grant_id)}", wire.Deleted)
