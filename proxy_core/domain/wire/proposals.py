"""What agents propose, and what operators decide about it."""

from typing import Any

import msgspec

from proxy_core.domain.wire.base import Request, Response


class ProposedOAuth(Request, omit_defaults=True):
    """How an `oauth` slot is obtained; an operator connects it before approving."""

    token_url: str
    authorization_url: str = ""
    scopes: list[str] | str = ""
    scope_separator: str = ""
    client_id: str = ""
    token_auth_method: str = ""
    disable_pkce: bool = False


class ProposedCredential(Request, omit_defaults=True):
    """A slot: a credential to be set or deleted. `value` is the agent's own, if it has one."""

    key: str
    action: str = msgspec.field(default="set")
    type: str = ""
    description: str = ""
    obtain: str = ""
    obtain_instructions: str = ""
    value: str | None = None
    oauth: ProposedOAuth | None = None


class CreateProposal(Request, omit_defaults=True):
    """`POST /v1/proposals`. Services are documents with an `action`, set or delete."""

    services: list[dict[str, Any]] = msgspec.field(default_factory=list)
    credentials: list[ProposedCredential] = msgspec.field(default_factory=list)
    message: str = ""
    user_message: str = ""


class ProposalCreated(Response):
    """Answer of CreateProposal. `approval_url` is for the person who is to decide."""

    id: int
    status: str
    vault: str
    approval_url: str
    message: str


class ProposalSummary(Response):
    """One row of a list. `created_by` names the agent or session."""

    id: int
    status: str
    message: str
    created_at: str
    vault: str
    created_by: str
    expires_at: str
    reviewed_at: str = ""
    services_count: int = 0
    credentials_count: int = 0


class ProposalList(Response):
    """`GET /v1/proposals`, newest first."""

    proposals: list[ProposalSummary]


class InboxProposal(ProposalSummary):
    """A row of the operators' list: names of what is asked for, and who decided.

    `level` is that of the worst risk while it is pending, else empty. `applicable`: False when
    the vault has changed so that it can't be carried out.
    """

    services: list[str] = msgspec.field(default_factory=list)
    credentials: list[str] = msgspec.field(default_factory=list)
    level: str = ""
    applicable: bool = True
    reviewed_by: str = ""


class ProposalInbox(Response):
    """`GET /v1/admin/proposals`, newest first."""

    proposals: list[InboxProposal]


class ProposedSlot(Response, omit_defaults=True):
    """A slot as it is shown: `has_value` instead of a value."""

    action: str
    key: str
    type: str
    has_value: bool = msgspec.field(default=False)
    description: str = ""
    obtain: str = ""
    obtain_instructions: str = ""
    oauth: dict[str, Any] | None = None


class Proposal(Response):
    """`GET /v1/proposals/{id}`. `reviewed_at` and `review_note` are empty until it is decided."""

    id: int
    status: str
    vault: str
    services: list[dict[str, Any]]
    credentials: list[ProposedSlot]
    message: str
    user_message: str
    review_note: str
    reviewed_at: str
    created_at: str
    expires_at: str
    created_by: str


class ProposalRisk(Response):
    """`level` is low, medium or high; `about` a service's name or a credential's key."""

    level: str
    code: str
    about: str
    text: str


class FieldChange(Response):
    """A field of a service document, before and after; null where there is none."""

    field: str
    before: Any
    after: Any


class ServiceChange(Response):
    """A service before and after; `change` is added, changed, removed or unchanged."""

    name: str
    change: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: list[FieldChange]


class CredentialChange(Response):
    """A credential, and the hosts that it goes to before and after, as service patterns."""

    key: str
    change: str
    type: str
    hosts_before: list[str]
    hosts_after: list[str]


class ProposalReview(Response):
    """What a proposal would change now, and its risks, the worst first.

    `to_type`: the names that the person who approves should type. `needs_value`: keys that an
    operator has to give values for; `needs_login`: keys of OAuth credentials that have to be
    connected before. `problem`: why it can't be applied to the vault as it is now, else empty.
    `grants`: services that the agent's grant, which is for some only, would be widened by.
    `digest` stands for what is shown here: sent along with the approval, it makes sure of it.
    """

    level: str
    risks: list[ProposalRisk]
    to_type: list[str]
    services: list[ServiceChange]
    credentials: list[CredentialChange]
    needs_value: list[str]
    needs_login: list[str]
    digest: str
    problem: str = ""
    grants: list[str] = msgspec.field(default_factory=list)


class ReviewedProposal(Proposal):
    """`GET /v1/admin/proposals/{id}`: the proposal, and while it is pending its review.

    `reviewed_by`: who decided it, for operators alone.
    """

    review: ProposalReview | None = None
    reviewed_by: str = ""


class ApproveProposal(Request):
    """`POST /v1/admin/proposals/{id}/approve`. `credentials`: values of slots, by key.

    `digest`: of the review that was shown; the approval is refused when it is another by now.
    """

    vault: str = "default"
    credentials: dict[str, str] = msgspec.field(default_factory=dict)
    digest: str = ""


class RejectProposal(Request):
    """`POST /v1/admin/proposals/{id}/reject`; the agent gets to read the reason."""

    vault: str = "default"
    reason: str = ""


class RevealProposed(Request):
    """`POST /v1/admin/proposals/{id}/reveal`: a value that the agent supplied."""

    key: str
    vault: str = "default"


class RevealedValue(Response):
    """Answer of RevealProposed."""

    key: str
    value: str


class ProposalDecided(Response, omit_defaults=True):
    """Answer of approve and reject. `already`: the same person had decided so before."""

    id: int
    status: str
    already: bool = msgspec.field(default=False)
