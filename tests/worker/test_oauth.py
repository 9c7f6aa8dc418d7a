"""OAuth credentials through whole workers: the API, the proxy, several workers on one database."""

import base64
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain import wire
from tests.worker.harness import PASSWORD, ThreadedWorker, WorkerProcess
from tests.worker.oauth_provider import LiveProvider

AGENTS = 50
FLAGS = ("--allow-private", "--allow-http", "--allow-http-token-urls")


@pytest.fixture
def provider() -> Iterator[LiveProvider]:
    """A provider, and an API that takes its tokens."""
    with LiveProvider() as running:
        yield running


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker that is set up, whose token endpoints may be on this machine."""
    options: dict[str, Any] = {
        "allow_private": True,
        "allow_http": True,
        "allow_http_token_urls": True,
    }
    running = ThreadedWorker(tmp_path / "home", **options).start()
    running.init()
    yield running
    running.stop()


def pasted(provider: LiveProvider, **fields: object) -> dict[str, object]:
    """A body for the API: tokens of a new login."""
    access, refresh = provider.seed()
    return {
        "vault": "default",
        "key": "TOKEN",
        "token_url": f"http://127.0.0.1:{provider.port}/token",
        "client_id": "cli",
        "access_token": access.decode(),
        "refresh_token": refresh.decode(),
        "expires_in": provider.expires_in,
        **fields,
    }


def set_up(client: SyncClient, provider: LiveProvider) -> str:
    """A credential, a service that uses it, and an agent, whose token is answered."""
    client.send(calls.paste_tokens(wire.PasteTokens(**pasted(provider))))  # type: ignore[arg-type]
    document = {
        "name": "resource",
        "host": f"127.0.0.1:{provider.port}",
        "auth": {"type": "bearer", "token": "TOKEN"},
    }
    client.send(calls.upsert_services([document]))
    grant = [wire.AgentVault(vault_name="default")]
    return client.send(calls.create_agent("bot", vaults=grant)).av_agent_token


def request(proxy: str, token: str, provider: LiveProvider, body: bytes = b"") -> tuple[int, str]:
    """One POST of an agent through the proxy."""
    connection = http.client.HTTPConnection(proxy, timeout=30)
    login = base64.b64encode(f"{token}:default".encode()).decode()
    url = f"http://127.0.0.1:{provider.port}/resource"
    try:
        connection.request("POST", url, body, {"Proxy-Authorization": f"Basic {login}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


# --- the API --------------------------------------------------------------------------------


def test_the_api_in_the_contracts_shapes(worker: ThreadedWorker, provider: LiveProvider) -> None:
    """Paste, status, refresh, and the list; no answer holds a token."""
    client = worker.client()
    path = "/v1/credentials/oauth"
    operator = worker.in_loop(worker.running.app.operators.open, None, "eve").token
    ask: Callable[..., Any] = lambda *a, **k: worker.ask(*a, token=operator, **k)  # noqa: E731 - short
    done = ask("POST", f"{path}/tokens", body=pasted(provider))
    assert (done.status, set(done.json), done.json["connected"]) == (
        200,
        {"connected", "connected_at"},
        True,
    )
    status = ask("GET", f"{path}/status?vault=default&key=TOKEN")
    assert status.json["connected"] is True
    assert status.json["connected_at"] == done.json["connected_at"]
    assert {"expires_at", "state", "next_refresh_at", "refresh_count"} <= set(status.json)
    refreshed = ask("POST", f"{path}/refresh", body={"vault": "default", "key": "TOKEN"})
    assert refreshed.json["refresh_count"] == 1
    (listed,) = client.send(calls.credentials()).credentials or ()
    assert (listed.type, listed.state, listed.version) == ("oauth", "ok", 2)
    said = done.body + status.body + refreshed.body
    assert b"AT_" not in said
    assert b"RT_" not in said


def test_a_failed_paste_stores_nothing(worker: ThreadedWorker, provider: LiveProvider) -> None:
    """The provider says no: 400, its reason, and no credential."""
    operator = worker.in_loop(worker.running.app.operators.open, None, "eve").token
    body = pasted(provider, refresh_token="RT_unknown")
    answer = worker.ask("POST", "/v1/credentials/oauth/tokens", token=operator, body=body)
    assert (answer.status, answer.json["error"]) == (400, "bad_request")
    assert "invalid_grant" in answer.json["message"]
    assert worker.client().send(calls.credentials()).keys == []
    status = worker.ask("GET", "/v1/credentials/oauth/status?key=TOKEN", token=operator)
    assert status.status == 404
    missing = worker.ask("GET", "/v1/credentials/oauth/status", token=operator)
    assert missing.status == 400


def test_agents_may_neither_paste_nor_refresh(
    worker: ThreadedWorker, provider: LiveProvider
) -> None:
    """The proxy role uses the credential, and that is all."""
    token = set_up(worker.client(), provider)
    for method, path, body in (
        ("POST", "tokens", pasted(provider, key="MINE")),
        ("POST", "refresh", {"key": "TOKEN"}),
        ("GET", "status?key=TOKEN", None),
    ):
        path = f"/v1/credentials/oauth/{path}"
        assert worker.ask(method, path, token=token, body=body).status == 403


def test_plain_http_needs_the_flag(tmp_path: Path, provider: LiveProvider) -> None:
    """Without it a token endpoint is https, and loopback stays behind the guard."""
    worker = ThreadedWorker(tmp_path / "home").start()
    worker.init()
    try:
        for url in (f"http://127.0.0.1:{provider.port}/t", f"https://127.0.0.1:{provider.port}/t"):
            body = wire.PasteTokens(**pasted(provider, token_url=url))  # type: ignore[arg-type]
            with pytest.raises(VaultError) as raised:
                worker.client().send(calls.paste_tokens(body))
            assert raised.value.code in {"bad_request", "oauth_refresh_failed"}
        assert "address_blocked" in raised.value.detail
        assert provider.requests == 0
    finally:
        worker.stop()


# --- the proxy ------------------------------------------------------------------------------


def test_a_revoked_token_is_replaced_within_the_request(
    worker: ThreadedWorker, provider: LiveProvider
) -> None:
    """The POST that got a 401 is sent again with the next token; what the upstream echoes of it
    is a placeholder.
    """
    token, proxy = set_up(worker.client(), provider), worker.running.facts.proxy
    assert request(proxy, token, provider, b"one") == (200, '{"you sent":"__token__"}')
    provider.revoke()
    assert request(proxy, token, provider, b"two") == (200, '{"you sent":"__token__"}')
    assert provider.posted == [b"one", b"two"]
    assert (provider.refused, provider.refreshes, provider.reuse) == (1, 2, 0)


def test_an_agent_that_leaves_at_once_costs_no_token(
    worker: ThreadedWorker, provider: LiveProvider
) -> None:
    """It breaks off while its refresh is under way: the next one gets what came of it."""
    token = set_up(worker.client(), provider)
    host, _, port = worker.running.facts.proxy.rpartition(":")
    provider.revoke()
    provider.delay = 0.5
    for _ in range(3):
        login = base64.b64encode(f"{token}:default".encode()).decode()
        with socket.create_connection((host, int(port))) as leaving:
            url = f"http://127.0.0.1:{provider.port}/resource"
            head = f"GET {url} HTTP/1.1\r\nHost: 127.0.0.1:{provider.port}\r\n"
            leaving.sendall(f"{head}Proxy-Authorization: Basic {login}\r\n\r\n".encode())
    assert request(worker.running.facts.proxy, token, provider)[0] == 200
    assert (provider.refreshes, provider.reuse) == (2, 0)


def test_a_dead_grant_is_a_502_with_the_remedy(
    worker: ThreadedWorker, provider: LiveProvider
) -> None:
    """An agent can tell it from the upstream's own no, and the status says it to operators."""
    client = worker.client()
    token = set_up(client, provider)
    provider._families.clear()
    status, body = request(worker.running.facts.proxy, token, provider)
    problem = json.loads(body)
    assert (status, problem["code"]) == (502, "oauth_refresh_failed")
    assert problem["remedy"] == "vault-tui credential oauth connect TOKEN --vault default"
    assert any("TOKEN" in problem for problem in client.send(calls.status()).problems)
    asked = provider.requests
    assert request(worker.running.facts.proxy, token, provider)[0] == 502
    assert provider.requests == asked


# --- several workers ------------------------------------------------------------------------


class Workers:
    """Two workers, a home each, on one database."""

    def __init__(self, base: Path, url: str, provider: LiveProvider) -> None:
        self.running = [WorkerProcess(base / "one", *FLAGS, "--database-url", url)]
        self.proxies = [self._proxy(self.running[0])]
        client = self.running[0].client
        client.send(calls.init("password", PASSWORD))
        operator = client.send(calls.unlock("password", PASSWORD)).token
        target = Target(socket=self.running[0].home.socket, token=operator)
        self.operator = SyncClient(target)
        self.token = set_up(self.operator, provider)
        second = WorkerProcess(
            base / "two", *FLAGS, "--database-url", url, VAULT_TUI_MASTER_PASSWORD=PASSWORD
        )
        self.running.append(second)
        self.proxies.append(self._proxy(second))

    @staticmethod
    def _proxy(worker: WorkerProcess) -> str:
        words = worker.ready().split()
        return next(word.removeprefix("proxy=") for word in words if word.startswith("proxy="))

    def storm(self, provider: LiveProvider) -> list[int]:
        """One request of each of so many agents at each worker, all at a time."""
        with ThreadPoolExecutor(AGENTS * 2) as pool:
            proxies = self.proxies * AGENTS
            return [
                status
                for status, _ in pool.map(lambda one: request(one, self.token, provider), proxies)
            ]

    def stop(self) -> None:
        """End both, which serve until then."""
        for worker in self.running:
            status, log = worker.end()
            assert status == 0, log


@pytest.fixture(params=["sqlite", "postgresql"])
def workers(
    request: pytest.FixtureRequest, tmp_path: Path, provider: LiveProvider
) -> Iterator[Workers]:
    """Two workers on each kind of database."""
    url = f"sqlite:///{tmp_path}/shared.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    pair = Workers(tmp_path, url, provider)
    yield pair
    pair.stop()


def test_two_workers_and_a_hundred_agents_make_one_refresh(
    workers: Workers, provider: LiveProvider
) -> None:
    """When the token is revoked; and before the next one ends, without a request: none fails."""
    assert set(workers.storm(provider)) == {200}
    before = provider.refreshes
    provider.revoke()
    provider.delay = 0.2
    assert set(workers.storm(provider)) == {200}
    assert provider.refreshes == before + 1
    provider.expires_in = 3
    workers.operator.send(calls.refresh_oauth("TOKEN"))
    provider.expires_in = 3600
    provider.wait_for(before + 3)
    assert set(workers.storm(provider)) == {200}
    assert (provider.refreshes, provider.reuse, provider.revoked) == (before + 3, 0, False)
