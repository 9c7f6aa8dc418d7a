"""Why a decision about a proposal cannot be taken now, in one sentence. Pure."""

from proxy_core.domain import wire
from vault_tui.strings import common as strings
from vault_tui.strings import proposals as words
from vault_tui.strings import sources as strings_sources

DECISIONS = frozenset({"approve", "reject", "reveal", "connect"})


def why_no_decision(
    name: str, row: wire.InboxProposal, found: wire.ReviewedProposal | None, read_only: bool
) -> str | None:
    """None when it can. `row` is the list's, `found` what was read of it, if it was."""
    if row.status != "pending":
        sentence = words.WHY_DECIDED_BY if row.reviewed_by else words.WHY_DECIDED
        return sentence.format(status=row.status, by=row.reviewed_by)
    if found is None:
        return words.WHY_LOADING
    if name == "reject" or found.review is None:
        return None
    if name == "reveal":
        if read_only:
            return strings.WHY_READ_ONLY
        held = any(slot.has_value for slot in found.credentials)
        return None if held else words.WHY_NO_VALUE
    if name == "connect":
        return None if found.review.needs_login else words.WHY_NO_LOGIN
    return _why_not_approved(found.review)


def why_backed(name: str, found: wire.ReviewedProposal | None) -> str | None:
    """In a vault that an external store backs nobody gives values, nor signs in."""
    review = None if found is None else found.review
    if name not in {"approve", "connect"} or review is None:
        return None
    return strings_sources.WHY_BACKED if review.needs_value or review.needs_login else None


def _why_not_approved(review: wire.ProposalReview) -> str | None:
    if review.problem:
        return words.WHY_PROBLEM.format(why=review.problem)
    if review.needs_login:
        return words.WHY_LOGIN.format(keys=", ".join(review.needs_login))
    return None
