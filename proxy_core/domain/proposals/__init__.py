"""What an agent proposes for a vault: reading it, what it would change, and how dangerous that is.

    parse_proposal   a document becomes a Proposal, checked against what the vault holds now
    effect           what the vault would allow after it
    diff             before and after, service by service and credential by credential
    assess           the risks of that difference, in words

Nothing here sees a secret value: `parse_proposal` hands them back apart.
"""

from proxy_core.domain.proposals.assessment import Assessment, Facts, Level, Risk
from proxy_core.domain.proposals.authority import Authority, effect
from proxy_core.domain.proposals.diff import (
    AuthorityDiff,
    Change,
    CredentialDiff,
    ServiceDiff,
    diff,
    digest,
)
from proxy_core.domain.proposals.document import parse_proposal, proposal_document, stored_proposal
from proxy_core.domain.proposals.proposal import (
    CredentialSlot,
    ItemAction,
    Proposal,
    ServiceChange,
    Status,
)
from proxy_core.domain.proposals.risks import assess

__all__ = [
    "Assessment",
    "Authority",
    "AuthorityDiff",
    "Change",
    "CredentialDiff",
    "CredentialSlot",
    "Facts",
    "ItemAction",
    "Level",
    "Proposal",
    "Risk",
    "ServiceChange",
    "ServiceDiff",
    "Status",
    "assess",
    "diff",
    "digest",
    "effect",
    "parse_proposal",
    "proposal_document",
    "stored_proposal",
]
