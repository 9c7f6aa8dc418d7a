"""Proposals as agents raise and follow them, and as operators look at them.

A value that comes along is encrypted before it is stored; nothing but `reveal` shows it again.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import APPROVAL_PREFIX, new_id, new_token, token_sha256
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.domain.events import EventType
from proxy_core.domain.proposals import (
    Proposal,
    Status,
    parse_proposal,
    proposal_document,
    stored_proposal,
)
from proxy_core.domain.proposals.proposal import APPROVAL_SECONDS, LIFE_SECONDS, MAX_PENDING
from proxy_core.services.context import Context
from proxy_core.services.keys import count_encryptions
from proxy_core.services.lineage import lineage
from proxy_core.services.principal import Principal
from proxy_core.services.proposals import shown
from proxy_core.services.proposals.limited import check_within, sees
from proxy_core.services.proposals.reviewing import IsConnected, authority_of, review_stored
from proxy_core.services.proposals.values import seal_value, unseal_value
from proxy_core.services.proposals.waiting import Waiting, until_ended
from proxy_core.services.snapshot import VaultEntry
from proxy_core.store import proposals as store
from proxy_core.store.tables import ProposalRow

LONGEST_WAIT = 60


class Proposals:
    """Every method that names a vault raises VaultError vault_not_found for an unknown one."""

    def __init__(
        self, context: Context, is_connected: IsConnected, allow_http_loopback: bool = False
    ) -> None:
        self._context = context
        self._is_connected = is_connected
        self._allow_http_loopback = allow_http_loopback
        self.waiting = Waiting(context)

    @property
    def pending(self) -> int:
        """How many wait for an operator, in all vaults."""
        return self.waiting.count

    async def create(
        self, vault: str, request: wire.CreateProposal, by: Principal, base_url: str
    ) -> wire.ProposalCreated:
        """Raise a proposal. `base_url` is the API's.

        Raises VaultError: bad_request, proposals_pending, sealed (when a value comes along),
        service_not_granted (what a limited agent may not use).
        """
        entry = self._context.vault(vault)
        document, authority = msgspec.to_builtins(request), authority_of(entry)
        proposal, values = await asyncio.to_thread(
            parse_proposal, document, authority, self._allow_http_loopback
        )
        check_within(self._context, entry, authority, proposal, by)
        if values and self._context.sealer.sealed:
            raise VaultError("sealed")
        token = new_token(APPROVAL_PREFIX)
        fields = self._fields(entry, proposal, by, token)

        def work(session: Session) -> ProposalRow:
            row, sealer = ProposalRow(**fields), self._context.sealer
            sealed = {key: seal_value(sealer, row, key, value) for key, value in values.items()}
            if sealed:
                count_encryptions(session, sealer)
            return store.add_proposal(session, row, sealed, MAX_PENDING)

        def then(row: ProposalRow) -> None:
            self.waiting.add(row)
            self.announce(EventType.PROPOSAL_CREATED, row, by)

        row = await self._context.change(work, then)
        url = f"{base_url}/approve/{row.number}?token={token}"
        return wire.ProposalCreated(
            id=row.number,
            status=row.status,
            vault=entry.name,
            approval_url=url,
            message=f"Proposal {row.number} waits for an operator. GET /v1/proposals/"
            f"{row.number}?wait={LONGEST_WAIT} answers as soon as it is decided.",
        )

    async def list(
        self, vault: str, status: str = "", by: Principal | None = None
    ) -> wire.ProposalList:
        """Those that `by` may see, newest first. Raises VaultError: bad_request (status)."""
        entry, rows = await self.rows(vault, status)
        now = self._context.clock.time()
        seen = [row for row in rows if sees(self._context, entry, row, by)]
        return wire.ProposalList(proposals=[shown.summary(row, entry.name, now) for row in seen])

    async def get(
        self, vault: str, number: int, wait: int = 0, by: Principal | None = None
    ) -> wire.Proposal:
        """One proposal; with `wait` (seconds, at most 60) as soon as it is decided.

        Raises VaultError: not_found, bad_request.
        """
        if not 0 <= wait <= LONGEST_WAIT:
            raise VaultError("bad_request", f"wait must be 0 to {LONGEST_WAIT} seconds.")
        entry, after = self._context.vault(vault), self._context.bus.last_seq
        row = await self.row(entry.id, number)
        if not sees(self._context, entry, row, by):
            raise VaultError("not_found", "No such proposal of this token.")
        now = self._context.clock.time()
        if wait and shown.status_of(row, now) is Status.PENDING:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait, row.expires_at - now)):
                    await until_ended(self._context.bus, row.id, entry.name, after)
            row = await self.row(entry.id, number)
        return shown.described(row, entry.name, self._context.clock.time())

    async def reviewed(self, vault: str, number: int) -> wire.ReviewedProposal:
        """One proposal with what it would change. Raises VaultError: not_found."""
        entry = self._context.vault(vault)
        row = await self.row(entry.id, number)
        found = await self._reviewed(entry, row)
        found.reviewed_by = row.reviewed_by
        return found

    async def details(self, token: str, number: int) -> wire.ReviewedProposal:
        """What whoever holds the approval's address may read.

        Raises VaultError: unauthorized for a token that is unknown, another proposal's, or over.
        """
        sha256 = token_sha256(token)
        row = await self._context.database.read(
            lambda session: store.proposal_by_token(session, sha256)
        )
        entry = self._context.snapshot.by_id.get(row.vault_id) if row else None
        now = self._context.clock.time()
        if (
            row is None
            or entry is None
            or row.number != number
            or row.created_at + APPROVAL_SECONDS <= now
        ):
            raise VaultError("unauthorized", "This address of an approval is not valid any more.")
        return await self._reviewed(entry, row)

    async def reveal(
        self, number: int, request: wire.RevealProposed, by: Principal
    ) -> wire.RevealedValue:
        """A value that the agent supplied; announced. VaultError: sealed, not_found."""
        if self._context.sealer.sealed:
            raise VaultError("sealed")
        entry = self._context.vault(request.vault)
        row = await self.row(entry.id, number)
        values = await self._context.database.read(
            lambda session: store.proposed_values(session, row)
        )
        found = values.get(request.key)
        if found is None:
            raise VaultError("not_found", "The proposal holds no value of that name (any more).")
        value = unseal_value(self._context.sealer, found)
        revealed = Deed("proposal.value_revealed", f"#{number} {found.key}", entry.id, entry.name)
        await self._context.audit.record(revealed)
        self._context.publish(
            EventType.CREDENTIAL_REVEALED, by, vault=entry.name, name=found.key, proposal=number
        )
        return wire.RevealedValue(key=found.key, value=value.decode())

    async def sweep(self) -> None:
        """End those whose time is over. Raises VaultError: database_unavailable."""
        await self.waiting.load()
        due = self.waiting.due()
        if not due:
            return

        def work(session: Session) -> list[ProposalRow]:
            rows = [store.claim(session, name) for name in due]
            ended = [row for row in rows if row.status == Status.PENDING]
            for row in ended:
                row.status = Status.EXPIRED.value
                store.conclude(session, row)
            return ended

        def then(ended: list[ProposalRow]) -> None:
            for row in ended:
                self.ended(EventType.PROPOSAL_EXPIRED, row, "worker")

        await self._context.change(work, then)

    async def prune(self, seconds: float) -> None:
        """Delete those that ended longer ago than that. Raises VaultError: database_unavailable.

        Consoles and other workers read lists afresh: nothing is announced.
        """
        before = self._context.clock.time() - seconds
        await self._context.database.run(lambda session: store.prune_proposals(session, before))

    # --- for deciding --------------------------------------------------------------------------

    async def rows(self, vault: str, status: str = "") -> tuple[VaultEntry, Sequence[ProposalRow]]:
        """A vault's, newest first; of one status when given. Raises VaultError: bad_request."""
        if status and status not in tuple(Status):
            raise VaultError("bad_request", f"status must be one of {', '.join(Status)}.")
        entry, now = self._context.vault(vault), self._context.clock.time()
        rows = await self._context.database.read(
            lambda session: store.list_proposals(session, entry.id)
        )
        return entry, [row for row in rows if not status or shown.status_of(row, now) == status]

    async def row(self, vault_id: str, number: int) -> ProposalRow:
        """The stored proposal. Raises VaultError: not_found."""
        return await self._context.database.read(
            lambda session: store.proposal_by_number(session, vault_id, number)
        )

    def ended(self, type: EventType, row: ProposalRow, by: Principal | str) -> None:
        """In the loop, once it is committed: it waits no more."""
        self.waiting.remove(row)
        self.announce(type, row, by)

    def announce(self, type: EventType, row: ProposalRow, by: Principal | str) -> None:
        """Tell of a proposal: names alone."""
        entry = self._context.snapshot.by_id.get(row.vault_id)
        asked = shown.asked_of(stored_proposal(row.document))
        self._context.publish(
            type,
            by,
            vault=entry.name if entry else "",
            name=f"#{row.number}",
            id=row.number,
            proposal=row.id,
            agent=shown.raiser(row),
            **asked,
        )

    def review(self, row: ProposalRow, entry: VaultEntry) -> wire.ProposalReview:
        """What it would change now; slow in a large vault."""
        return review_stored(row, entry, self._context.snapshot, self._is_connected)

    # --- within --------------------------------------------------------------------------------

    def _fields(
        self, entry: VaultEntry, proposal: Proposal, by: Principal, token: str
    ) -> dict[str, Any]:
        now = self._context.clock.time()
        return {
            "id": new_id(),
            "vault_id": entry.id,
            "number": 0,
            "status": Status.PENDING.value,
            "document": proposal_document(proposal),
            "actor_type": by.kind.value,
            "actor_id": by.id,
            "actor_name": by.name,
            "token_sha256": by.token_sha256,
            "approval_sha256": token_sha256(token),
            "created_at": now,
            "expires_at": now + LIFE_SECONDS,
            "minters": lineage(self._context, by),
        }

    async def _reviewed(self, entry: VaultEntry, row: ProposalRow) -> wire.ReviewedProposal:
        described = shown.described(row, entry.name, self._context.clock.time())
        found = wire.ReviewedProposal(**msgspec.structs.asdict(described))
        if found.status == Status.PENDING:
            found.review = await asyncio.to_thread(self.review, row, entry)
        return found
