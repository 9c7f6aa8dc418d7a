"""A fresh database of each kind, and records for its log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy_core.domain.traffic import RequestRecord
from proxy_core.store import vaults
from proxy_core.store.database import Database
from proxy_core.store.tables import Vault
from tests.schemas import copy_newest

NOW = 1_750_000_000.0
DIALECTS = ["sqlite", "postgresql"]


@pytest.fixture(params=DIALECTS)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database of each kind is: a file's path, then a server's URL."""
    if request.param == "sqlite":
        return str(copy_newest(tmp_path / "vault.db"))
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def database(location: str) -> Iterator[Database]:
    """An open database of each kind, with the vault `default` (id `v1`)."""
    opened = Database.open(location)
    opened.run_sync(lambda session: vaults.add_vault(session, vault("v1", "default")))
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """An open SQLite database, with the vault `default` (id `v1`)."""
    opened = Database.open(copy_newest(tmp_path / "vault.db"))
    opened.run_sync(lambda session: vaults.add_vault(session, vault("v1", "default")))
    yield opened
    opened.close()


def vault(vault_id: str, name: str) -> Vault:
    """A vault's row."""
    return Vault(id=vault_id, name=name, unmatched_host_policy="passthrough", created_at=NOW)


def make_record(number: int = 0, **fields: object) -> RequestRecord:
    """A finished request; `fields` override."""
    values: dict[str, object] = {
        "request_id": f"r{number}",
        "started_at": NOW + number,
        "vault": "default",
        "ingress": "connect",
        "method": "GET",
        "scheme": "https",
        "host": "api.example.com",
        "port": 443,
        "path": f"/items/{number}",
        "status": 200,
        "decision": "injected",
        "matched_service": "example",
    }
    return RequestRecord(**{**values, **fields})  # type: ignore[arg-type]
