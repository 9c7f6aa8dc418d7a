"""Approving and rejecting: whole or not at all, once, and never by whoever raised it.

Everything is looked at again within the change that carries it out, so neither another
administrator nor a change of the vault can come between what was checked and what is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.proposals import (
    ItemAction,
    Proposal,
    ServiceChange,
    Status,
    stored_proposal,
)
from proxy_core.domain.proposals.proposal import MAX_REASON
from proxy_core.domain.service_document import service_document
from proxy_core.services.agent_grants import put_bearer, widened
from proxy_core.services.context import Context
from proxy_core.services.credentials import Credentials, checked_values
from proxy_core.services.lineage import are_related, lineage
from proxy_core.services.loading import load_vault
from proxy_core.services.principal import Principal, PrincipalKind
from proxy_core.services.proposals import shown
from proxy_core.services.proposals.limited import widening
from proxy_core.services.proposals.proposals import Proposals
from proxy_core.services.proposals.reviewing import IsConnected, Review, review
from proxy_core.services.proposals.values import unseal_value
from proxy_core.services.service_admin import ServiceAdmin
from proxy_core.services.snapshot import (
    CompiledServices,
    SealedSecret,
    VaultEntry,
    compile_services,
)
from proxy_core.store import credentials as credential_store
from proxy_core.store import proposals as store
from proxy_core.store import services as service_store
from proxy_core.store.tables import ProposalRow, Vault

_NAMED = frozenset((PrincipalKind.AGENT, PrincipalKind.SESSION, PrincipalKind.USER))


@dataclass(frozen=True, slots=True)
class _Applied:
    """What an approval has stored. `done` False: it had been decided before."""

    row: ProposalRow
    done: bool = False
    services: tuple[ServiceChange, ...] = ()
    compiled: CompiledServices | None = None
    secrets: Mapping[str, SealedSecret] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    granted: frozenset[str] | None = None
    """The services of its agent's grant, where it was for some and got more."""


class Deciding:
    """Every method raises VaultError: vault_not_found, not_found; role_forbidden for whoever
    raised the proposal; conflict when it was decided otherwise, or by another.
    """

    def __init__(
        self,
        context: Context,
        proposals: Proposals,
        credentials: Credentials,
        services: ServiceAdmin,
        is_connected: IsConnected,
    ) -> None:
        self._context = context
        self._proposals = proposals
        self._credentials = credentials
        self._services = services
        self._is_connected = is_connected

    async def approve(
        self, number: int, request: wire.ApproveProposal, by: Principal
    ) -> wire.ProposalDecided:
        """Services and credentials in one transaction.

        Raises VaultError also: bad_request (a value is missing, with `missing`; or is for no slot),
        sealed, conflict (the vault changed, a login is not connected; with `review` when the digest
        is not that of what would be changed now).
        """
        row = await self._own(request.vault, number, by)
        given = checked_values(request.credentials) if request.credentials else {}
        if self._context.sealer.sealed:
            raise VaultError("sealed")

        def work(session: Session) -> _Applied:
            claimed = store.claim(session, row.id)
            if self._status(claimed) is not Status.PENDING:
                return _Applied(claimed)
            return self._apply(session, claimed, given, request.digest, by)

        applied = await self._context.change(work, lambda found: self._in_force(found, by))
        return self._answer(applied.row, Status.APPLIED, applied.done, by)

    async def reject(
        self, number: int, request: wire.RejectProposal, by: Principal
    ) -> wire.ProposalDecided:
        """The agent gets to read the reason. Raises VaultError also: bad_request."""
        if len(request.reason) > MAX_REASON:
            raise VaultError("bad_request", f"reason has at most {MAX_REASON} characters.")
        row = await self._own(request.vault, number, by)

        def work(session: Session) -> tuple[ProposalRow, bool]:
            claimed = store.claim(session, row.id)
            if self._status(claimed) is not Status.PENDING:
                return claimed, False
            self._conclude(session, claimed, Status.REJECTED, by, request.reason)
            return claimed, True

        def then(result: tuple[ProposalRow, bool]) -> None:
            if result[1]:
                self._proposals.ended(EventType.PROPOSAL_REJECTED, result[0], by)

        claimed, done = await self._context.change(work, then)
        return self._answer(claimed, Status.REJECTED, done, by)

    # --- in the transaction --------------------------------------------------------------------

    def _apply(
        self,
        session: Session,
        row: ProposalRow,
        given: Mapping[str, bytes],
        digest: str,
        by: Principal,
    ) -> _Applied:
        entry = self._as_stored(session, row.vault_id)
        proposal = stored_proposal(row.document)
        found = review(proposal, entry, self._is_connected)
        if digest and digest != found.digest:
            raise VaultError(
                "conflict",
                "The vault was changed since this was reviewed: look at it again.",
                {"review": msgspec.to_builtins(found.described())},
            )
        values = self._values(session, row, proposal, entry, found, given)
        secrets = self._credentials.store(session, entry.id, values) if values else {}
        gone = tuple(slot.key for slot in proposal.slots if slot.action is ItemAction.DELETE)
        credential_store.delete_credentials(session, entry.id, gone)
        self._store_services(session, entry.id, found)
        self._conclude(session, row, Status.APPLIED, by, "")
        compiled = compile_services(found.after.services) if proposal.services else None
        new = widening(self._context.snapshot, row, proposal)
        granted = widened(session, row.actor_id, row.vault_id, new)
        return _Applied(row, True, proposal.services, compiled, secrets, gone, granted)

    def _as_stored(self, session: Session, vault_id: str) -> VaultEntry:
        """The vault as it is in this transaction: another worker may have changed it just now."""
        known = self._context.snapshot.by_id.get(vault_id)
        stored = session.get(Vault, vault_id)
        if known is None or stored is None:
            raise VaultError("vault_not_found", "The vault was deleted.")
        service_store.hold_still(session, vault_id)
        return load_vault(session, stored, known)

    def _values(
        self,
        session: Session,
        row: ProposalRow,
        proposal: Proposal,
        entry: VaultEntry,
        found: Review,
        given: Mapping[str, bytes],
    ) -> dict[str, bytes]:
        """The operator's value before the agent's. Raises VaultError: bad_request, conflict."""
        wanted = {slot.key for slot in proposal.set_slots if slot.type == "static"}
        if stray := sorted(given.keys() - wanted):
            raise VaultError("bad_request", f"The proposal has no slot for {', '.join(stray)}.")
        if found.needs_login:
            raise VaultError(
                "conflict",
                f"Connect {', '.join(found.needs_login)} first: "
                f"`vault-tui credential oauth connect KEY --vault {entry.name}`.",
                {"needs_login": list(found.needs_login)},
            )
        if missing := [key for key in found.needs_value if key not in given]:
            raise VaultError(
                "bad_request", f"A value is missing for {', '.join(missing)}.", {"missing": missing}
            )
        supplied = store.proposed_values(session, row)
        agents = {
            key: unseal_value(self._context.sealer, value)
            for key, value in supplied.items()
            if key in wanted and key not in given
        }
        return {**agents, **given}

    def _store_services(self, session: Session, vault_id: str, found: Review) -> None:
        for one in found.diff.services:
            if one.after is None:
                service_store.remove_document(session, vault_id, one.name)
        documents = [service_document(one.after) for one in found.diff.services if one.after]
        if documents:
            now = self._context.clock.time()
            service_store.upsert_documents(session, vault_id, documents, now)

    def _conclude(
        self, session: Session, row: ProposalRow, status: Status, by: Principal, note: str
    ) -> None:
        row.status, row.review_note = status.value, note
        row.reviewed_by, row.reviewed_at = by.label, self._context.clock.time()
        store.conclude(session, row)

    # --- in the loop ---------------------------------------------------------------------------

    def _in_force(self, applied: _Applied, by: Principal) -> None:
        """All of it at once for requests: nothing here waits."""
        if not applied.done:
            return
        vault_id = applied.row.vault_id
        if applied.secrets:
            self._credentials.stored((vault_id, dict(applied.secrets)), by)
        if applied.compiled is not None:
            self._services.swap(vault_id, applied.compiled)
        if applied.deleted:
            self._credentials.deleted(vault_id, applied.deleted, by)
        vault = self._context.snapshot.by_id[vault_id].name
        if applied.granted is not None:
            self._widen(applied.row, applied.granted, vault, by)
        for change in applied.services:
            is_set = change.action is ItemAction.SET
            type = EventType.SERVICE_CHANGED if is_set else EventType.SERVICE_DELETED
            self._context.publish(type, by, vault=vault, name=change.name)
        self._proposals.ended(EventType.PROPOSAL_APPLIED, applied.row, by)

    def _widen(self, row: ProposalRow, services: frozenset[str], vault: str, by: Principal) -> None:
        bearer = self._context.snapshot.agent(row.actor_id)
        if bearer is None or row.vault_id not in bearer.grants:
            return
        role = bearer.grants[row.vault_id]
        put_bearer(self._context, bearer.with_grant(row.vault_id, role, services))
        self._context.publish(
            EventType.AGENT_CHANGED,
            by,
            vault=vault,
            name=bearer.actor_name,
            change="grant changed",
            role=role.value,
            services=sorted(services),
        )

    # --- within --------------------------------------------------------------------------------

    async def _own(self, vault: str, number: int, by: Principal) -> ProposalRow:
        """The proposal, unless `by` raised it, or has minted the token that did, or has it."""
        row = await self._proposals.row(self._context.vault(vault).id, number)
        same = by.id == row.actor_id or by.token_sha256 == row.token_sha256
        same = same or are_related(lineage(self._context, by), (row.actor_id, *row.minters))
        if by.kind in _NAMED and same:
            raise VaultError("role_forbidden", "Whoever raised a proposal may not decide it.")
        return row

    def _status(self, row: ProposalRow) -> Status:
        return shown.status_of(row, self._context.clock.time())

    def _answer(
        self, row: ProposalRow, wanted: Status, done: bool, by: Principal
    ) -> wire.ProposalDecided:
        """The same answer again for the same decision of the same person; others are told."""
        status = self._status(row)
        if done or (status is wanted and row.reviewed_by == by.label):
            return wire.ProposalDecided(id=row.number, status=status.value, already=not done)
        when = (
            "" if row.reviewed_at is None else f" by {row.reviewed_by}, {rfc3339(row.reviewed_at)}"
        )
        raise VaultError(
            "conflict",
            f"Proposal {row.number} is {status.value} already{when}.",
            {"proposal_status": status.value, "reviewed_by": row.reviewed_by},
        )
