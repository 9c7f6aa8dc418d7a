"""Trusted issuers: rows."""

from sqlmodel import Session, col, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import IssuerRow


def list_issuers(session: Session) -> list[IssuerRow]:
    """Every issuer, by name."""
    return list(session.exec(select(IssuerRow).order_by(col(IssuerRow.name))))


def add_issuer(session: Session, row: IssuerRow, limit: int) -> IssuerRow:
    """Store a new one. Raises VaultError: conflict (name, URL, or there are `limit` already)."""
    others = list_issuers(session)
    if len(others) >= limit:
        raise VaultError("conflict", f"There are {limit} issuers already, and no room for more.")
    _check_unlike(row, others)
    session.add(row)
    session.flush()
    return row


def replace_issuer(session: Session, row: IssuerRow) -> IssuerRow:
    """Store a row in place of the one of its name; id and time of creation stay.

    Raises VaultError: not_found, conflict (URL).
    """
    stored = issuer_by_name(session, row.name)
    _check_unlike(row, [one for one in list_issuers(session) if one.id != stored.id])
    for name in ("url", "audiences", "algorithms", "jwks_url", "rules"):
        setattr(stored, name, getattr(row, name))
    session.flush()
    return stored


def issuer_by_name(session: Session, name: str) -> IssuerRow:
    """Raises VaultError: not_found."""
    row = session.exec(select(IssuerRow).where(IssuerRow.name == name)).first()
    if row is None:
        raise VaultError("not_found", "No such issuer.")
    return row


def delete_issuer(session: Session, name: str) -> IssuerRow:
    """Delete one. Raises VaultError: not_found."""
    row = issuer_by_name(session, name)
    session.delete(row)
    session.flush()
    return row


def _check_unlike(row: IssuerRow, others: list[IssuerRow]) -> None:
    if any(one.name == row.name for one in others):
        raise VaultError("conflict", f"There is an issuer {row.name} already.")
    if same := next((one for one in others if one.url == row.url), None):
        raise VaultError("conflict", f"Issuer {same.name} has this URL already.")
