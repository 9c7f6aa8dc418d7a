"""Webhooks as the store keeps them, on both databases."""

from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.store import vaults, webhooks
from proxy_core.store.database import Database
from proxy_core.store.tables import WebhookRow
from tests.store.conftest import NOW


def add(database: Database, webhook_id: str, limit: int = 20, **more: Any) -> WebhookRow:
    """Store one."""
    values: dict[str, Any] = {
        "format": "json",
        "events": ["*"],
        "shown": "https://hooks.example/…",
        "version": 1,
        "sealed": webhook_id.encode(),
        "enabled": True,
        "created_at": NOW,
    }
    row = WebhookRow(id=webhook_id, **{**values, **more})
    return database.run_sync(lambda session: webhooks.add_webhook(session, row, limit))


def stored(database: Database) -> list[WebhookRow]:
    """All of them."""
    return database.run_sync(webhooks.list_webhooks)


def test_there_is_a_limit(database: Database) -> None:
    """One more than that is refused, and not stored."""
    add(database, "w1", limit=2)
    add(database, "w2", limit=2)
    with pytest.raises(VaultError) as caught:
        add(database, "w3", limit=2)
    assert caught.value.code == "conflict"
    assert [row.id for row in stored(database)] == ["w1", "w2"]


def test_it_goes_with_its_vault(database: Database) -> None:
    """Those of all vaults stay."""
    add(database, "w1", vault_id="v1")
    add(database, "w2")
    database.run_sync(lambda session: vaults.delete_vault(session, "default"))
    assert [row.id for row in stored(database)] == ["w2"]


def test_changes_and_removal(database: Database) -> None:
    """Of one that is there; another's is not found."""
    add(database, "w1")
    database.run_sync(lambda s: webhooks.change_webhook(s, "w1", {"failing_since": NOW}))
    assert stored(database)[0].failing_since == NOW
    database.run_sync(lambda session: webhooks.delete_webhook(session, "w1"))
    with pytest.raises(VaultError) as caught:
        database.run_sync(lambda session: webhooks.delete_webhook(session, "w1"))
    assert caught.value.code == "not_found"
