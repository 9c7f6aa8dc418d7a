"""JWTs at the API and at the gateway of a whole worker, once an issuer has vouched for them."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.domain.exchange import ActorType
from proxy_core.domain.names import VaultRole
from proxy_core.services.snapshot import Bearer
from tests.worker.harness import ThreadedWorker

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


class Issuer:
    """Vouches for one JWT, for good."""

    def __init__(self, vault_id: str) -> None:
        self.asked = 0
        self._grants = {vault_id: VaultRole.PROXY}

    async def verify(self, token: str) -> Bearer:
        """Raises VaultError: unauthorized."""
        self.asked += 1
        if token != JWT:
            raise VaultError("unauthorized", "its issuer is none that is trusted")
        return Bearer(token_sha256(token), ActorType.AGENT, "1", "ada", self._grants)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker with a gateway to nowhere."""
    running = ThreadedWorker(tmp_path / "home").start()
    running.init()
    service = {"name": "api", "host": "api.test", "auth": {"type": "passthrough"}}
    running.client().send(calls.upsert_services([{**service, "gateway": {"prefix": "api"}}]))
    yield running
    running.stop()


def test_an_issuers_word_opens_api_and_gateway(worker: ThreadedWorker) -> None:
    """The issuer is asked once; another JWT is told why it is nobody's."""
    grant = wire.AgentVault(vault_name="default")
    worker.client().send(calls.create_agent("bot", vaults=[grant]))
    app = worker.running.app
    issuer = Issuer(app._context.vault("default").id)
    assert worker.ask("GET", "/discover", token=JWT).status == 401
    app.verdicts.verifier = issuer
    found = worker.ask("GET", "/discover", token=JWT)
    assert (found.status, found.json["services"]) == (200, [{"name": "api", "host": "api.test"}])
    refused = worker.ask("GET", "/discover", token=JWT + "x")
    assert refused.status == 401
    assert "none that is trusted" in refused.json["message"]
    assert gateway_code(worker, JWT) == "gateway_not_found"
    assert issuer.asked == 2
    assert gateway_code(worker, JWT + "x") == "unauthorized"


def gateway_code(worker: ThreadedWorker, token: str) -> str | None:
    """What the gateway says to a request for a prefix that nobody has."""
    connection = http.client.HTTPConnection(worker.running.facts.proxy, timeout=30)
    try:
        connection.request("GET", "/nowhere/", headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().headers["X-Vault-Proxy-Error"]
    finally:
        connection.close()
