"""What the tests of opening databases share."""

from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.store import vaults
from proxy_core.store.database import Database


def opening_fails(location: str | Path, code: str) -> str:
    """Try to open, expecting a VaultError of this code; answers its sentence."""
    with pytest.raises(VaultError) as raised:
        Database.open(location)
    assert raised.value.code == code
    assert raised.value.detail.endswith((".", "…"))
    return raised.value.detail


def names(database: Database) -> list[str]:
    """The vaults' names as another reader sees them."""
    return database.read_sync(lambda session: [row.name for row in vaults.list_vaults(session)])
