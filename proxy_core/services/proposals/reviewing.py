"""What an approval would change in a vault as it is now, and what it still needs. No I/O."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from proxy_core.base.errors import VaultError
from proxy_core.domain import catalog, wire
from proxy_core.domain.patterns import parse_pattern
from proxy_core.domain.proposals import (
    Assessment,
    Authority,
    AuthorityDiff,
    CredentialSlot,
    Facts,
    Proposal,
    assess,
    diff,
    digest,
    effect,
    stored_proposal,
)
from proxy_core.services.proposals import shown
from proxy_core.services.proposals.limited import note_widening
from proxy_core.services.snapshot import Snapshot, VaultEntry
from proxy_core.store.tables import ProposalRow

IsConnected = Callable[[VaultEntry, str], bool]
"""Whether a vault's OAuth credential can be used."""
_STATIC, _OAUTH = "static", "oauth"


@dataclass(frozen=True, slots=True)
class Review:
    """A proposal against a vault as it is now."""

    before: Authority
    after: Authority
    diff: AuthorityDiff
    assessment: Assessment
    digest: str
    needs_value: tuple[str, ...]
    needs_login: tuple[str, ...]

    def described(self) -> wire.ProposalReview:
        """As the API shows it."""
        return wire.ProposalReview(
            level=self.assessment.level.name.lower(),
            risks=shown.risks(self.assessment),
            to_type=list(self.assessment.to_type),
            services=shown.service_changes(self.diff),
            credentials=shown.credential_changes(self.diff),
            needs_value=list(self.needs_value),
            needs_login=list(self.needs_login),
            digest=self.digest,
        )


def authority_of(entry: VaultEntry) -> Authority:
    """What a vault allows."""
    credentials = dict.fromkeys(entry.secrets, _STATIC)
    credentials |= {key: borrowed.kind.value for key, borrowed in entry.borrowed.items()}
    return Authority(entry.compiled.services, credentials)


def review(proposal: Proposal, entry: VaultEntry, is_connected: IsConnected) -> Review:
    """Raises VaultError: conflict when the proposal can't be applied to the vault (any more)."""
    before = authority_of(entry)
    try:
        after = effect(proposal, before)
    except VaultError as error:
        raise VaultError(
            "conflict", f"The vault was changed since this was proposed: {error.detail}"
        ) from None
    difference = diff(proposal, before, after)
    hosts = catalog_hosts().union(service.host for service in before.services)
    assessment = assess(Facts(proposal, before, after, difference, hosts))
    return Review(
        before,
        after,
        difference,
        assessment,
        digest(difference),
        _keys(proposal.set_slots, lambda slot: _lacks_value(slot, entry)),
        _keys(
            proposal.set_slots,
            lambda slot: slot.type == _OAUTH and not is_connected(entry, slot.key),
        ),
    )


def review_stored(
    row: ProposalRow, entry: VaultEntry, snapshot: Snapshot, is_connected: IsConnected
) -> wire.ProposalReview:
    """As the API shows it, with what it would add to its agent's grant."""
    proposal = stored_proposal(row.document)
    try:
        found = review(proposal, entry, is_connected).described()
    except VaultError as error:
        return unreviewable(error)
    note_widening(snapshot, row, proposal, found)
    return found


def unreviewable(error: VaultError) -> wire.ProposalReview:
    """What is shown of a proposal that can't be applied."""
    return wire.ProposalReview(
        level="low",
        risks=[],
        to_type=[],
        services=[],
        credentials=[],
        needs_value=[],
        needs_login=[],
        digest="",
        problem=error.detail,
    )


@cache
def catalog_hosts() -> frozenset[str]:
    """Hosts of well-known services; templates that want the operator's own name are left out."""
    hosts = (str(template.service["host"]) for template in catalog.templates())
    return frozenset(parse_pattern(host)[0] for host in hosts if "your-" not in host)


def _lacks_value(slot: CredentialSlot, entry: VaultEntry) -> bool:
    """A credential that exists may stay as it is."""
    return slot.type == _STATIC and not slot.has_value and slot.key not in entry.secrets


def _keys(
    slots: Iterable[CredentialSlot], wanted: Callable[[CredentialSlot], bool]
) -> tuple[str, ...]:
    return tuple(slot.key for slot in slots if wanted(slot))
