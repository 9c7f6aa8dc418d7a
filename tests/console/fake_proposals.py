"""Proposals of the fake worker, judged by the real rules against its own services."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from proxy_core.base.clock import Clock, rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.proposals import (
    Authority,
    Facts,
    Proposal,
    assess,
    diff,
    digest,
    effect,
    parse_proposal,
)
from proxy_core.domain.service_document import parse_service
from proxy_core.services.proposals import shown

BY = "operator ada"
LIFE = 7 * 86400


class FakeProposals:
    """`authority` is what the vault allows now; `applied` are the values that were handed in."""

    def __init__(self, clock: Clock, authority: Callable[[], Authority]) -> None:
        self._clock, self._authority = clock, authority
        self.listed: list[wire.ReviewedProposal] = []
        self._parsed: dict[int, Proposal] = {}
        self.values: dict[str, str] = {}
        self.connected: set[str] = set()
        self.applied: list[dict[str, str]] = []
        self.reasons: list[str] = []

    def raise_one(self, ago: float = 180, by: str = "agent ci", **document: Any) -> int:
        """An agent proposes `document`."""
        number, now = len(self.listed) + 1, self._clock.time()
        parsed, values = parse_proposal(document, self._authority())
        self._parsed[number] = parsed
        self.values |= {key: value.decode() for key, value in values.items()}
        slots = [shown._slot(slot) for slot in parsed.slots]
        services = [shown._service(change) for change in parsed.services]
        found = wire.ReviewedProposal(
            id=number, status="pending", vault="default", services=services, credentials=slots,
            message=parsed.message, user_message=parsed.user_message, review_note="",
            reviewed_at="", created_at=rfc3339(now - ago), expires_at=rfc3339(now - ago + LIFE),
            created_by=by,
        )  # fmt: skip
        self.listed.append(found)
        return number

    def decide(self, number: int, status: str, by: str = BY, note: str = "") -> None:
        """Somebody decides."""
        found = self._one(number)
        found.status, found.reviewed_by, found.review_note = status, by, note
        found.reviewed_at, found.review = rfc3339(self._clock.time()), None

    @property
    def waiting(self) -> int:
        """How many are pending."""
        return sum(one.status == "pending" for one in self.listed)

    # --- answers ------------------------------------------------------------------------------

    def inbox(self) -> wire.ProposalInbox:
        """Newest first."""
        return wire.ProposalInbox(proposals=[self._row(one) for one in reversed(self.listed)])

    def get(self, number: int) -> wire.ReviewedProposal:
        """With its review while it waits."""
        found = self._one(number)
        if found.status == "pending":
            found.review = self._review(number)
        return found

    def answer(self, number: int, verb: str, body: Any) -> Any:
        """Approve, reject or reveal."""
        found = self._one(number)
        if verb == "reveal":
            return wire.RevealedValue(key=body.key, value=self.values[body.key])
        if found.status != "pending":
            raise VaultError(
                "conflict",
                f"Proposal {number} is {found.status} already by {found.reviewed_by}.",
                {"proposal_status": found.status, "reviewed_by": found.reviewed_by},
            )
        if verb == "reject":
            self.reasons.append(body.reason)
            self.decide(number, "rejected", note=body.reason)
        else:
            review = self._review(number)
            if body.digest != review.digest:
                raise VaultError(
                    "conflict", "Look at it again.", {"review": msgspec.to_builtins(review)}
                )
            self.applied.append(body.credentials)
            self.decide(number, "applied")
        return wire.ProposalDecided(id=number, status=found.status)

    def event(self, number: int) -> dict[str, Any]:
        """What the worker's events say of it."""
        found = self._one(number)
        return {
            "vault": found.vault, "name": f"#{number}", "id": number, "agent": found.created_by,
            "by": found.reviewed_by or found.created_by,
            "services": [one["name"] for one in found.services],
            "credentials": [slot.key for slot in found.credentials],
        }  # fmt: skip

    # --- within -------------------------------------------------------------------------------

    def _one(self, number: int) -> wire.ReviewedProposal:
        if not 0 < number <= len(self.listed):
            raise VaultError("not_found", f"No proposal {number} in this vault.")
        return self.listed[number - 1]

    def _row(self, found: wire.ReviewedProposal) -> wire.InboxProposal:
        review = self._review(found.id) if found.status == "pending" else None
        return wire.InboxProposal(
            id=found.id, status=found.status, message=found.message, created_at=found.created_at,
            vault=found.vault, created_by=found.created_by, expires_at=found.expires_at,
            services=[one["name"] for one in found.services],
            credentials=[slot.key for slot in found.credentials],
            level=review.level if review else "", reviewed_by=found.reviewed_by,
            applicable=review is None or not review.problem,
        )  # fmt: skip

    def _review(self, number: int) -> wire.ProposalReview:
        made, now = self._parsed[number], self._authority()
        try:
            after = effect(made, now)
        except VaultError as error:
            return wire.ProposalReview(
                level="low", risks=[], to_type=[], services=[], credentials=[], needs_value=[],
                needs_login=[], digest="", problem=error.detail,
            )  # fmt: skip
        change = diff(made, now, after)
        hosts = frozenset({"api.github.com", "api.stripe.com"})
        found = assess(Facts(made, now, after, change, hosts))
        slots = made.set_slots
        return wire.ProposalReview(
            level=found.level.name.lower(), risks=shown.risks(found), to_type=list(found.to_type),
            services=shown.service_changes(change), credentials=shown.credential_changes(change),
            needs_value=[
                s.key for s in slots
                if s.type == "static" and not s.has_value and s.key not in now.credentials
            ],
            needs_login=[s.key for s in slots if s.type == "oauth" and s.key not in self.connected],
            digest=digest(change),
        )  # fmt: skip


def authority_of(services: list[dict[str, Any]], types: Mapping[str, str]) -> Authority:
    """What a vault of these allows."""
    bare = [{k: v for k, v in one.items() if k not in {"hits", "last_hit_at"}} for one in services]
    return Authority(tuple(parse_service(one) for one in bare), types)
