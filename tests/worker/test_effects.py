"""What a change at the API does to the running proxy."""

import ssl
import time
from collections.abc import Callable

from proxy_core.client import calls
from tests.worker.harness import ThreadedWorker


def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens a moment later in the worker's loop."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_settings_reach_the_proxy_at_once(worker: ThreadedWorker) -> None:
    """A limit that is changed is the proxy's limit when the answer arrives; null restores it."""
    proxy = worker.running.facts.traffic
    client = worker.client()
    default = proxy.config.max_connections  # type: ignore[attr-defined]
    client.send(calls.change_settings({"max_connections": 17}))
    assert proxy.config.max_connections == 17  # type: ignore[attr-defined]
    client.send(calls.change_settings({"max_connections": None}))
    assert proxy.config.max_connections == default  # type: ignore[attr-defined]


def test_leaves_are_minted_ahead(worker: ThreadedWorker) -> None:
    """A new service's exact host has its certificate before the first request."""
    leaves = worker.running.app.leaves
    documents = [
        {"name": "exact-one", "host": "minted.example:8443/api/*", "auth": {"type": "passthrough"}},
        {"name": "wild-one", "host": "*.wild.example", "auth": {"type": "passthrough"}},
    ]
    worker.client().send(calls.upsert_services(documents))
    until(lambda: "minted.example" in leaves._cache)
    assert isinstance(leaves._cache["minted.example"].context, ssl.SSLContext)
    assert not any("wild" in name for name in leaves._cache)


def test_sealing_leaves_names_readable(fresh_worker: ThreadedWorker) -> None:
    """Sealed, the worker still serves status and names, and answers `sealed` for values.

    It can open the tunnels of its services to say so, those that nobody has used yet, too.
    """
    fresh_worker.init()
    client, leaves = fresh_worker.client(), fresh_worker.running.app.leaves
    client.send(calls.set_credentials({"A_KEY": "value"}))
    service = {"name": "one", "host": "api.example.com", "auth": {"type": "passthrough"}}
    client.send(calls.upsert_services([service]))
    fresh_worker.in_loop(leaves._cache.clear)
    client.send(calls.seal())
    assert fresh_worker.in_loop(leaves.context_for, "api.example.com")
    assert client.send(calls.status()).sealed
    assert client.send(calls.credentials()).keys == ["A_KEY"]
    token = fresh_worker.in_loop(fresh_worker.running.app.operators.open, None, "tester").token
    answer = fresh_worker.ask("GET", "/v1/credentials?reveal=true", token=token)
    assert (answer.status, answer.json["error"]) == (503, "sealed")
    assert int(answer.headers["retry-after"]) >= 1
    client.send(calls.unseal("password", "correct horse battery"))
    assert client.send(calls.status()).operator


def test_before_setting_up(fresh_worker: ThreadedWorker) -> None:
    """A new worker serves its status, and says what to do where a vault is needed."""
    answer = fresh_worker.ask("GET", "/v1/mitm/ca.pem")
    assert (answer.status, answer.json["error"]) == (503, "not_initialized")
    assert fresh_worker.client().send(calls.status()).initialized is False


def test_the_certificate_names_the_proxys_port(worker: ThreadedWorker) -> None:
    """`X-MITM-Port` is where the proxy listens, and the body is a certificate."""
    answer = worker.ask("GET", "/v1/mitm/ca.pem")
    assert answer.headers["x-mitm-port"] == worker.running.facts.proxy.rpartition(":")[2]
    assert ssl.PEM_cert_to_DER_cert(answer.body.decode())


def test_a_session_may_end_itself(worker: ThreadedWorker) -> None:
    """A scoped session can revoke itself and no other; the vault has to be named."""
    client = worker.client()
    mine, other = (client.send(calls.create_session("default")) for _ in range(2))
    itself = worker.tcp_client(mine.token)
    path = f"/v1/sessions/{other.id}?vault=default"
    assert worker.ask("DELETE", path, token=mine.token).status == 403
    assert worker.ask("DELETE", f"/v1/sessions/{mine.id}", token=mine.token).status == 400
    assert worker.ask("POST", "/v1/sessions", token=mine.token, body={"vault": ""}).status == 400
    itself.send(calls.revoke_session(mine.id))
    assert worker.ask("GET", "/discover", token=mine.token).status == 401


def test_rotation_with_and_without_a_new_time(worker: ThreadedWorker) -> None:
    """The body may be missing; with `ttl_seconds` the new token gets its own end."""
    client = worker.client()
    made = client.send(calls.create_agent("turning", ttl_seconds=3600))
    kept = client.send(calls.rotate_agent("turning"))
    assert kept.expires_at == made.expires_at
    assert worker.ask("GET", "/v1/vaults", token=made.av_agent_token).status == 401
    renewed = client.send(calls.rotate_agent("turning", 7200))
    assert (renewed.expires_at or "") > (made.expires_at or "")
    assert worker.ask("GET", "/v1/vaults", token=renewed.av_agent_token).status == 200
    path = "/v1/agents/turning/rotate"
    for body in ({}, {"ttl_seconds": None}):
        assert (
            worker.ask("POST", path, body=body, tcp=False).json["expires_at"] == renewed.expires_at
        )
    for wrong in ({"ttl_seconds": 1}, {"ttl_seconds": "soon"}, {"ttl": 3600}, b"nonsense"):
        fields = {"Content-Type": "application/json"}
        answer = worker.ask("POST", path, body=wrong, tcp=False, headers=fields)
        assert (answer.status, answer.json["error"]) == (400, "bad_request")


def test_what_strangers_learn(worker: ThreadedWorker) -> None:
    """Without a token the status over TCP tells no process, path or problem."""
    status = worker.tcp_client().send(calls.status())
    assert (status.socket, status.pid, status.problems, status.operator) == ("", 0, [], False)
