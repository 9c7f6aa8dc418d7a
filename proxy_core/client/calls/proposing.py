"""Proposals: raised and followed by agents, reviewed and decided by operators."""

from collections.abc import Mapping

from proxy_core.client.calls.call import Call, given
from proxy_core.domain import wire

_ADMIN = "/v1/admin/proposals"


def create_proposal(request: wire.CreateProposal, vault: str = "") -> Call[wire.ProposalCreated]:
    """Raise a proposal; `vault` is needed with several."""
    path, query = "/v1/proposals", given(vault=vault)
    return Call("POST", path, wire.ProposalCreated, query, request)


def proposals(vault: str = "", status: str = "") -> Call[wire.ProposalList]:
    """A vault's proposals, newest first."""
    return Call("GET", "/v1/proposals", wire.ProposalList, given(vault=vault, status=status))


def proposal(number: int, vault: str = "", wait: int = 0) -> Call[wire.Proposal]:
    """One proposal; with `wait` as soon as it is decided, or after so many seconds."""
    query = given(vault=vault, wait=wait or None)
    return Call("GET", f"/v1/proposals/{number}", wire.Proposal, query)


def admin_proposals(vault: str = "default", status: str = "") -> Call[wire.ProposalInbox]:
    """As `proposals`, for operators."""
    return Call("GET", _ADMIN, wire.ProposalInbox, given(vault=vault, status=status))


def review_proposal(number: int, vault: str = "default") -> Call[wire.ReviewedProposal]:
    """One proposal with what it would change."""
    return Call("GET", f"{_ADMIN}/{number}", wire.ReviewedProposal, given(vault=vault))


def approve_proposal(
    number: int,
    values: Mapping[str, str] | None = None,
    vault: str = "default",
    digest: str = "",
) -> Call[wire.ProposalDecided]:
    """Carry a proposal out; `digest` is that of the review it was decided by."""
    body = wire.ApproveProposal(vault=vault, credentials=dict(values or {}), digest=digest)
    return Call("POST", f"{_ADMIN}/{number}/approve", wire.ProposalDecided, body=body)


def reject_proposal(
    number: int, reason: str = "", vault: str = "default"
) -> Call[wire.ProposalDecided]:
    """Refuse a proposal."""
    body = wire.RejectProposal(vault=vault, reason=reason)
    return Call("POST", f"{_ADMIN}/{number}/reject", wire.ProposalDecided, body=body)


def reveal_proposed(number: int, key: str, vault: str = "default") -> Call[wire.RevealedValue]:
    """A value that the agent supplied; announced."""
    body = wire.RevealProposed(key=key, vault=vault)
    return Call("POST", f"{_ADMIN}/{number}/reveal", wire.RevealedValue, body=body)
