"""What operators allowed for a while: grants, by id."""

from collections.abc import Collection

from sqlmodel import Session, col, delete, select

from proxy_core.base.errors import VaultError
from proxy_core.store.audited import NO_ROWS
from proxy_core.store.tables import ApprovalGrant
from proxy_core.store.touched import NOTHING


def list_grants(session: Session) -> list[ApprovalGrant]:
    """Every vault's grants, oldest first, ended ones included."""
    return list(session.exec(select(ApprovalGrant).order_by(col(ApprovalGrant.id))))


def add_grant(session: Session, grant: ApprovalGrant) -> ApprovalGrant:
    """Store a new grant."""
    session.add(grant)
    session.flush()
    return grant


def delete_grant(session: Session, grant_id: str) -> None:
    """End a grant. Raises VaultError: not_found."""
    grant = session.get(ApprovalGrant, grant_id)
    if grant is None:
        raise VaultError("not_found", "No such grant.")
    session.delete(grant)
    session.flush()


def delete_grants(session: Session, ids: Collection[str]) -> None:
    """Delete those that have ended; ids that are gone already do not matter.

    Every worker sees by itself that they have.
    """
    session.exec(
        delete(ApprovalGrant)
        .where(col(ApprovalGrant.id).in_(ids))
        .execution_options(touches=NOTHING, audits=NO_ROWS)
    )
