"""A login of an agent through a whole worker, to the first request with its account."""

import asyncio
import base64
import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from proxy_core.client import calls
from proxy_core.domain import wire
from tests.worker.harness import ThreadedWorker
from tests.worker.oauth_provider import LiveProvider

CHALLENGE = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"  # of the verifier `test`
REDIRECT = "http://localhost:1/callback"


@pytest.fixture
def provider() -> Iterator[LiveProvider]:
    """A provider, and an API that takes its tokens."""
    with LiveProvider() as running:
        yield running


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker that is set up, whose providers may be on this machine."""
    names = ("allow_private", "allow_http", "allow_http_token_urls")
    running = ThreadedWorker(tmp_path / "home", **dict.fromkeys(names, True)).start()
    running.init()
    yield running
    running.stop()


def agent_of(worker: ThreadedWorker, provider: LiveProvider) -> str:
    """A service for the API, one that captures logins, and an agent, whose token is answered."""
    client, host = worker.client(), f"127.0.0.1:{provider.port}"
    auth = {"type": "bearer", "token": "ACME"}
    login = {"name": "acme", "host": f"{host}/token", "auth": auth, "capture": True}
    api = {"name": "api", "host": f"{host}/resource*", "auth": auth}
    client.send(calls.upsert_services([login, api]))
    grant = [wire.AgentVault(vault_name="default")]
    return client.send(calls.create_agent("bot", vaults=grant)).av_agent_token


class Agent:
    """Speaks through the proxy."""

    def __init__(self, worker: ThreadedWorker, provider: LiveProvider) -> None:
        token = agent_of(worker, provider)
        login = base64.b64encode(f"{token}:default".encode()).decode()
        self._login = {"Proxy-Authorization": f"Basic {login}"}
        self._proxy = worker.running.facts.proxy
        self._base = f"http://127.0.0.1:{provider.port}"

    def post(self, path: str, body: str = "", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self._proxy, timeout=30)
        try:
            connection.request("POST", self._base + path, body, {**self._login, **headers})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def token(self, fields: Mapping[str, str]) -> tuple[int, Any]:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.post("/token", urlencode(fields), **kind)


def test_an_agent_logs_in_and_has_nothing(worker: ThreadedWorker, provider: LiveProvider) -> None:
    """Its requests bear the real token, its refreshes reach nobody."""
    agent = Agent(worker, provider)
    assert agent.post("/resource")[0] == 502  # there is no account yet
    code = provider.code(CHALLENGE, REDIRECT)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    status, tokens = agent.token({**fields, "code_verifier": "test", "client_id": "cli"})
    assert status == 200
    assert tokens["expires_in"] == 3600
    assert tokens["access_token"].startswith("__vault-tui-access-")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert agent.post("/resource", "{}", **headers)[0] == 200
    asked = provider.requests
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    status, again = agent.token(refresh)
    assert (status, again["access_token"]) == (200, tokens["access_token"])
    assert provider.requests == asked
    (account,) = worker.client().send(calls.accounts()).accounts
    assert (account.provider, account.pools) == ("acme", ["ACME"])
    provider.revoke()  # the API takes the old token no more: the vault refreshes, not the agent
    assert agent.post("/resource", "{}", **headers)[0] == 200
    assert (provider.refreshes, provider.reuse) == (1, 0)


def test_the_log_tells_of_a_captured_login(worker: ThreadedWorker, provider: LiveProvider) -> None:
    """And holds nothing of it."""
    agent = Agent(worker, provider)
    fields = {"grant_type": "authorization_code", "code": "c0de", "client_id": "cli"}
    status, refused = agent.token(fields)
    assert (status, refused["error"]) == (400, "invalid_grant")
    flushed = worker.running.app._context.log.flush()
    asyncio.run_coroutine_threadsafe(flushed, worker.loop).result(30)
    record = worker.client().send(calls.logs()).logs[0]
    assert (record.decision, record.status, record.matched_service) == ("captured", 400, "acme")
    assert "c0de" not in repr(record)
