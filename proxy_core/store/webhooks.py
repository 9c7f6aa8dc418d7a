"""Webhooks: rows, and their sealed addresses. Nothing here can decrypt."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import WebhookRow

TABLE, COLUMN = "webhook", "sealed"
"""For the sealer's additional authenticated data."""


def sealed_row_id(row: WebhookRow) -> str:
    """Name a version of the address and secrets in the sealer's additional authenticated data."""
    return f"{row.id}/{row.version}"


def list_webhooks(session: Session) -> list[WebhookRow]:
    """Every webhook, oldest first."""
    return list(session.exec(select(WebhookRow).order_by(col(WebhookRow.id))))


def add_webhook(session: Session, row: WebhookRow, limit: int) -> WebhookRow:
    """Store a new webhook. Raises VaultError: conflict when there are `limit` already."""
    if len(list_webhooks(session)) >= limit:
        raise VaultError("conflict", f"There are {limit} webhooks already, and no room for more.")
    session.add(row)
    session.flush()
    return row


def webhook(session: Session, webhook_id: str) -> WebhookRow:
    """Find a webhook, locked until the transaction ends. Raises VaultError: not_found."""
    row = session.get(WebhookRow, webhook_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise VaultError("not_found", "No such webhook.")
    return row


def change_webhook(session: Session, webhook_id: str, changes: Mapping[str, Any]) -> WebhookRow:
    """Store new values of columns. Raises VaultError: not_found."""
    row = webhook(session, webhook_id)
    for name, value in changes.items():
        setattr(row, name, value)
    session.flush()
    return row


def delete_webhook(session: Session, webhook_id: str) -> None:
    """Delete a webhook. Raises VaultError: not_found."""
    session.delete(webhook(session, webhook_id))
    session.flush()
