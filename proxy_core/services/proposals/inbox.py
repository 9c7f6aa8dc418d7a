"""The operators' list of a vault's proposals: each row says how dangerous it is now."""

import asyncio
from collections.abc import Sequence

import msgspec

from proxy_core.domain import wire
from proxy_core.domain.proposals import Status, stored_proposal
from proxy_core.services.context import Context
from proxy_core.services.proposals import shown
from proxy_core.services.proposals.proposals import Proposals
from proxy_core.services.snapshot import VaultEntry
from proxy_core.store.tables import ProposalRow


class Inbox:
    """At most `MAX_PENDING` of a vault's proposals are reviewed for its list, in a thread."""

    def __init__(self, context: Context, proposals: Proposals) -> None:
        self._context = context
        self._proposals = proposals

    async def read(self, vault: str, status: str = "") -> wire.ProposalInbox:
        """Newest first; of one status when given.

        Raises VaultError: vault_not_found, bad_request.
        """
        entry, rows = await self._proposals.rows(vault, status)
        listed = await asyncio.to_thread(self._listed, entry, rows, self._context.clock.time())
        return wire.ProposalInbox(proposals=listed)

    def _listed(
        self, entry: VaultEntry, rows: Sequence[ProposalRow], now: float
    ) -> list[wire.InboxProposal]:
        return [self._one(entry, row, now) for row in rows]

    def _one(self, entry: VaultEntry, row: ProposalRow, now: float) -> wire.InboxProposal:
        summary = msgspec.structs.asdict(shown.summary(row, entry.name, now))
        asked = shown.asked_of(stored_proposal(row.document))
        found = wire.InboxProposal(**summary, reviewed_by=row.reviewed_by)
        found.services, found.credentials = asked["services"], asked["credentials"]
        if found.status == Status.PENDING:
            review = self._proposals.review(row, entry)
            found.level, found.applicable = review.level, not review.problem
        return found
