"""Service documents of a vault, in declaration order. Their meaning is the domain's affair."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlmodel import Session, col, delete, func, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import Credential, ServiceRow
from proxy_core.store.touched import Scope, Touched

_NAMES_A_QUERY: Final = 500

Document = Mapping[str, Any]
"""A service document as JSON; its `name` identifies it within the vault."""


def list_documents(session: Session, vault_id: str) -> list[dict[str, Any]]:
    """All documents of a vault in declaration order."""
    query = (
        select(ServiceRow).where(ServiceRow.vault_id == vault_id).order_by(col(ServiceRow.position))
    )
    return [row.document for row in session.exec(query)]


def hold_still(session: Session, vault_id: str) -> None:
    """Until the transaction ends no other one changes the vault's services and credentials.

    What others are changing now is waited for. SQLite has one writer at a time anyway.
    """
    for table, name in ((ServiceRow, ServiceRow.name), (Credential, Credential.key)):
        # In the order of their names: two that wait for each other would both have to begin again.
        rows = select(name).where(table.vault_id == vault_id).order_by(col(name))
        session.exec(rows.with_for_update()).all()


def upsert_documents(
    session: Session, vault_id: str, documents: Sequence[Document], now: float
) -> None:
    """Replace documents of the same name in their place; append the others."""
    position = _next_position(session, vault_id)
    rows = _rows_by_name(session, vault_id, [document["name"] for document in documents])
    for document in documents:
        row = rows.get(document["name"])
        if row is None:
            row = rows[document["name"]] = _row(vault_id, position, document, now)
            session.add(row)
            position += 1
        else:
            row.document = dict(document)
            row.updated_at = now
    session.flush()


def replace_documents(
    session: Session, vault_id: str, documents: Sequence[Document], now: float
) -> None:
    """Make these the vault's only documents."""
    clear_documents(session, vault_id)
    for position, document in enumerate(documents):
        session.add(_row(vault_id, position, document, now))
    session.flush()


def remove_document(session: Session, vault_id: str, name: str) -> None:
    """Delete one document. Raises VaultError: not_found."""
    row = session.get(ServiceRow, (vault_id, name))
    if row is None:
        raise VaultError("not_found", "No such service in this vault.")
    session.delete(row)
    session.flush()


def clear_documents(session: Session, vault_id: str) -> None:
    """Delete all documents of a vault."""
    former = list(session.exec(select(ServiceRow).where(ServiceRow.vault_id == vault_id)))
    session.exec(
        delete(ServiceRow)
        .where(col(ServiceRow.vault_id) == vault_id)
        .execution_options(touches=(Touched(Scope.VAULT, vault_id),), audits=former)
    )


def _rows_by_name(session: Session, vault_id: str, names: Sequence[str]) -> dict[str, ServiceRow]:
    rows: dict[str, ServiceRow] = {}
    for start in range(0, len(names), _NAMES_A_QUERY):
        some = names[start : start + _NAMES_A_QUERY]
        query = (
            select(ServiceRow)
            .where(ServiceRow.vault_id == vault_id)
            .where(col(ServiceRow.name).in_(some))
        )
        rows.update((row.name, row) for row in session.exec(query))
    return rows


def _next_position(session: Session, vault_id: str) -> int:
    query = select(func.max(ServiceRow.position)).where(ServiceRow.vault_id == vault_id)
    last = session.exec(query).one()
    return 0 if last is None else last + 1


def _row(vault_id: str, position: int, document: Document, now: float) -> ServiceRow:
    return ServiceRow(
        vault_id=vault_id,
        name=document["name"],
        position=position,
        document=dict(document),
        updated_at=now,
    )
