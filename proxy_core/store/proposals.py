"""Proposals of a vault, by number, and the sealed values that came with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, delete, func, select

from proxy_core.base.errors import VaultError
from proxy_core.store.audited import NO_ROWS
from proxy_core.store.tables import ProposalRow, ProposalValue
from proxy_core.store.touched import NOTHING

TABLE, COLUMN = "proposal_value", "sealed"
"""For the sealer's additional authenticated data."""
PENDING = "pending"
_LARGEST = 2**31 - 1
"""A number beyond it would be an error of PostgreSQL, not a proposal that is not there."""


@dataclass(frozen=True, slots=True)
class ProposedValue:
    """A sealed value and its place."""

    vault_id: str
    key: str
    row_id: str
    sealed: bytes = field(repr=False)


def value_row_id(proposal_id: str, key: str) -> str:
    """Name a value's row in the sealer's additional authenticated data."""
    return f"{proposal_id}/{key}"


def add_proposal(
    session: Session, row: ProposalRow, values: Mapping[str, bytes], limit: int
) -> ProposalRow:
    """Store a proposal under the vault's next number, with its sealed values.

    Raises VaultError: proposals_pending when `limit` of them wait already.
    """
    waiting = (
        select(func.count())
        .select_from(ProposalRow)
        .where(ProposalRow.vault_id == row.vault_id, ProposalRow.status == PENDING)
        .where(col(ProposalRow.expires_at) > row.created_at)
    )
    if session.exec(waiting).one() >= limit:
        raise VaultError("proposals_pending", f"{limit} proposals of this vault wait already.")
    last = select(func.max(ProposalRow.number)).where(ProposalRow.vault_id == row.vault_id)
    row.number = (session.exec(last).one() or 0) + 1
    session.add(row)
    session.flush()
    for key, sealed in values.items():
        session.add(ProposalValue(proposal_id=row.id, key=key, sealed=sealed))
    session.flush()
    return row


def list_proposals(session: Session, vault_id: str) -> list[ProposalRow]:
    """A vault's proposals, newest first."""
    query = (
        select(ProposalRow)
        .where(ProposalRow.vault_id == vault_id)
        .order_by(col(ProposalRow.number).desc())
    )
    return list(session.exec(query))


def pending_proposals(session: Session) -> list[ProposalRow]:
    """Every vault's proposals that wait, those whose time is over included."""
    return list(session.exec(select(ProposalRow).where(ProposalRow.status == PENDING)))


def proposal_by_number(session: Session, vault_id: str, number: int) -> ProposalRow:
    """Find a proposal. Raises VaultError: not_found."""
    query = select(ProposalRow).where(
        ProposalRow.vault_id == vault_id, ProposalRow.number == number
    )
    row = session.exec(query).first() if 0 < number <= _LARGEST else None
    if row is None:
        raise VaultError("not_found", f"No proposal {number} in this vault.")
    return row


def proposal_by_token(session: Session, approval_sha256: bytes) -> ProposalRow | None:
    """The proposal that an approval token belongs to."""
    query = select(ProposalRow).where(ProposalRow.approval_sha256 == approval_sha256)
    return session.exec(query).first()


def claim(session: Session, proposal_id: str) -> ProposalRow:
    """A proposal, locked until the transaction ends. Raises VaultError: not_found."""
    row = session.get(ProposalRow, proposal_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise VaultError("not_found", "The proposal was deleted with its vault.")
    return row


def conclude(session: Session, row: ProposalRow) -> None:
    """Store how a claimed proposal has ended; its values go."""
    session.add(row)
    session.exec(
        delete(ProposalValue)
        .where(col(ProposalValue.proposal_id) == row.id)
        .execution_options(touches=NOTHING)
    )
    session.flush()


def prune_proposals(session: Session, before: float) -> int:
    """Delete those that ended before that time; answers how many.

    A vault's newest one stays, whatever its age: its number is the one to count on from.
    """
    other = aliased(ProposalRow)
    newest = select(func.max(other.number)).where(other.vault_id == ProposalRow.vault_id)
    found = session.exec(
        delete(ProposalRow)
        .where(col(ProposalRow.status) != PENDING)
        .where(func.coalesce(ProposalRow.reviewed_at, ProposalRow.expires_at) < before)
        .where(col(ProposalRow.number) < newest.scalar_subquery())
        .execution_options(touches=NOTHING, audits=NO_ROWS)
    )
    return int(found.rowcount)


def proposed_values(session: Session, row: ProposalRow) -> dict[str, ProposedValue]:
    """The values that the agent supplied, by key."""
    query = select(ProposalValue).where(ProposalValue.proposal_id == row.id)
    return {
        value.key: ProposedValue(
            row.vault_id, value.key, value_row_id(row.id, value.key), value.sealed
        )
        for value in session.exec(query)
    }
