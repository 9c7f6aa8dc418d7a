"""Held requests through a whole worker: proxy, API, events, stop."""

import base64
import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.domain import wire
from proxy_core.worker.runtime import GRACE_SECONDS
from tests.worker.harness import ThreadedWorker

SECRET = "s3cret-of-the-upstream"


class Upstream(BaseHTTPRequestHandler):
    """Says whether the credential arrived."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b"welcome" if self.headers["Authorization"] == f"Bearer {SECRET}" else b"who?"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    """The port of an upstream over plain http."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@dataclass
class Stage:
    """A worker, an operator's client and an agent."""

    worker: ThreadedWorker
    client: SyncClient
    token: str
    upstream: int
    pool: ThreadPoolExecutor
    stopped: bool = False

    def stop(self) -> None:
        """Stop the worker, once."""
        if not self.stopped:
            self.stopped = True
            self.worker.stop()

    def post(self, path: str = "/send") -> "Future[tuple[int, str]]":
        """One request of the agent, in a thread of its own: status and body."""
        return self.pool.submit(self._post, path)

    def _post(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.worker.running.facts.proxy, timeout=20)
        login = base64.b64encode(f"{self.token}:default".encode()).decode()
        url = f"http://127.0.0.1:{self.upstream}{path}"
        connection.request("POST", url, b"{}", {"Proxy-Authorization": f"Basic {login}"})
        answer = connection.getresponse()
        try:
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def held(self, count: int = 1) -> list[wire.Hold]:
        """The held requests, once there are so many."""
        for _ in range(3000):
            found = self.client.send(calls.holds()).holds
            if len(found) == count:
                return found
            time.sleep(0.01)  # the API has no other way to wait for it than its event stream
        raise AssertionError(found)


@pytest.fixture
def stage(tmp_path: Path, upstream: int) -> Iterator[Stage]:
    """A worker whose one service asks for POST."""
    worker = ThreadedWorker(tmp_path / "home", allow_private=True, allow_http=True).start()
    worker.init()
    client = worker.client()
    client.send(calls.set_credentials({"KEY": SECRET}))
    document = {
        "name": "echo",
        "host": f"127.0.0.1:{upstream}",
        "auth": {"type": "bearer", "token": "KEY"},
        "rules": [{"methods": ["POST"], "action": "ask"}],
    }
    client.send(calls.upsert_services([document]))
    grant = [wire.AgentVault(vault_name="default")]
    token = client.send(calls.create_agent("bot", vaults=grant)).av_agent_token
    with ThreadPoolExecutor() as pool:
        made = Stage(worker, client, token, upstream, pool)
        try:
            yield made
        finally:
            made.stop()


def test_users_decide_in_their_vaults(stage: Stage) -> None:
    """A member decides as an operator does; who has another vault sees and decides nothing, and
    no agent decides, whatever its role.
    """
    stage.client.send(calls.create_vault("other"))
    stage.worker.add_user("mia", default="member")
    stage.worker.add_user("otto", other="admin")
    mia, otto = (stage.worker.tcp_client(stage.worker.sign_in(name)) for name in ("mia", "otto"))
    admin = [wire.AgentVault(vault_name="default", vault_role="admin")]
    made = stage.client.send(calls.create_agent("boss", "owner", admin))
    boss = stage.worker.tcp_client(made.av_agent_token)
    answer = stage.post()
    (held,) = stage.held()
    assert [one.id for one in mia.send(calls.holds()).holds] == [held.id]
    assert otto.send(calls.holds()).holds == []
    for client in (otto, boss):
        with pytest.raises(VaultError) as caught:
            client.send(calls.approve_hold(held.id))
        assert caught.value.status == 403
    mia.send(calls.approve_hold(held.id, "1h"))
    assert answer.result(20) == (200, "welcome")
    (grant,) = mia.send(calls.grants()).grants
    assert grant.created_by == "user mia"
    assert otto.send(calls.grants()).grants == []
    with pytest.raises(VaultError) as caught:
        otto.send(calls.revoke_grant(grant.id))
    assert caught.value.status == 403
    mia.send(calls.revoke_grant(grant.id))


def follow(stage: Stage, got: list[tuple[str, str]], connected: threading.Event) -> None:
    """A console: notes the type and the hold's id of each event, until one is resolved."""
    host, _, port = stage.worker.api.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    operator = stage.worker.in_loop(stage.worker.running.app.operators.open, None, "eve").token
    path = "/v1/events?types=request.held,hold.resolved"
    connection.request("GET", path, headers={"Authorization": f"Bearer {operator}"})
    answer = connection.getresponse()
    for line in answer:
        connected.set()
        if line.startswith(b"data: "):
            event = json.loads(line[6:])
            got.append((event["type"], event["data"]["id"]))
            if event["type"] == "hold.resolved":
                connection.close()
                return


def test_a_held_request_is_approved_and_answered(stage: Stage) -> None:
    """The status counts it; two consoles see it come and go; the agent gets its response."""
    seen: list[list[tuple[str, str]]] = [[], []]
    for got in seen:
        connected = threading.Event()
        threading.Thread(target=follow, args=(stage, got, connected), daemon=True).start()
        assert connected.wait(30)
    answer = stage.post("/send?to=ops")
    (hold,) = stage.held()
    assert stage.client.send(calls.status()).holds == 1
    assert hold.url == f"http://127.0.0.1:{stage.upstream}/send?to=…"
    assert stage.client.send(calls.hold(hold.id)).agent == "bot"
    resolved = stage.client.send(calls.approve_hold(hold.id))
    assert (resolved.outcome, resolved.released) == ("approved", 1)
    assert answer.result(30) == (200, "welcome")
    assert stage.held(0) == []
    wanted = [("request.held", hold.id), ("hold.resolved", hold.id)]
    for _ in range(3000):
        if seen == [wanted, wanted]:
            break
        time.sleep(0.01)
    assert seen == [wanted, wanted]


def test_a_grant_lets_the_next_one_pass_until_it_is_revoked(stage: Stage) -> None:
    """Listed while it holds; then such requests wait again."""
    first = stage.post()
    stage.client.send(calls.approve_hold(stage.held()[0].id, "15m"))
    assert first.result(30)[0] == stage.post().result(30)[0] == 200
    (grant,) = stage.client.send(calls.grants()).grants
    assert (grant.agent, grant.service, grant.duration) == ("bot", "echo", "15m")
    stage.client.send(calls.revoke_grant(grant.id))
    again = stage.post()
    stage.client.send(calls.deny_hold(stage.held()[0].id))
    status, body = again.result(30)
    assert (status, json.loads(body)["error"]) == (403, "approval_denied")
    assert SECRET not in body


def test_nobody_answers_in_time(stage: Stage) -> None:
    """The agent is told so, after the setting's seconds."""
    stage.client.send(calls.change_settings({"hold_seconds": 1}))
    status, body = stage.post().result(30)
    assert (status, json.loads(body)["error"]) == (403, "approval_timeout")
    with pytest.raises(VaultError, match="No request"):
        stage.client.send(calls.approve_hold("not-there"))


def test_a_stopping_worker_does_not_wait_for_an_operator(stage: Stage) -> None:
    """Held requests are refused at once: nobody can answer them any more."""
    answer = stage.post()
    stage.held()
    began = time.monotonic()
    stage.stop()
    status, body = answer.result(30)
    assert (status, json.loads(body)["error"]) == (503, "shutting_down")
    assert time.monotonic() - began < GRACE_SECONDS


def test_an_agent_cannot_answer_for_itself(stage: Stage) -> None:
    """Not even one with the owner's role."""
    grant = [wire.AgentVault(vault_name="default", vault_role="admin")]
    made = stage.client.send(calls.create_agent("boss", role="owner", vaults=grant))
    answer = stage.post()
    (hold,) = stage.held()
    agent = stage.worker.tcp_client(made.av_agent_token)
    for call in (calls.approve_hold(hold.id), calls.deny_hold(hold.id)):
        with pytest.raises(VaultError) as caught:
            agent.send(call)
        assert caught.value.code == "role_forbidden"
    stage.client.send(calls.deny_hold(hold.id))
    assert answer.result(30)[0] == 403


def test_wrong_tokens_are_told_to_wait(stage: Stage) -> None:
    """At the API too; a right one is served all the same."""
    stage.client.send(calls.change_settings({"auth_failures_per_minute": 2}))
    wrong = [stage.worker.ask("GET", "/v1/vaults", token="vt_agt_nonsense") for _ in range(3)]
    assert [answer.status for answer in wrong] == [401, 401, 429]
    assert 0 < int(wrong[2].headers["retry-after"]) <= 60
    assert stage.worker.ask("GET", "/v1/vaults", token=stage.token).status == 200
