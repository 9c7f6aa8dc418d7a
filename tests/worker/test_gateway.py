"""Clients that take a base URL, at a whole worker's gateway, with the real credential upstream."""

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from proxy_core.client import calls
from proxy_core.domain import wire
from tests.worker.harness import ThreadedWorker

SECRET = "sk-ant-real-0123456789"
EVENTS = [b"event: message_start\ndata: {}\n\n", b"event: message_stop\ndata: {}\n\n"]


class Messages(BaseHTTPRequestHandler):
    """Takes the real credential alone; tells what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["x-api-key"] != SECRET or "Authorization" in self.headers:
            self._send(401, b"{}")
        elif body.get("stream"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in (*EVENTS, b""):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        else:
            asked = {"host": self.headers["Host"], "path": self.path, "body": body}
            self._send(200, json.dumps(asked).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker for which api.anthropic.com is on this machine."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("api.anthropic.com").configure_cert(context)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Messages)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    running = ThreadedWorker(
        tmp_path / "home",
        connect_to=(f"api.anthropic.com:443:127.0.0.1:{server.server_port}",),
        upstream_ca=(tmp_path / "ca.pem",),
        public_url="https://vault.example.com",
    ).start()
    running.init()
    yield running
    running.stop()
    server.shutdown()
    server.server_close()


def agent_of(worker: ThreadedWorker) -> str:
    """The token of an agent of the vaults `default`, which has the gateway, and `work`."""
    client = worker.client()
    client.send(calls.set_credentials({"ANTHROPIC": SECRET}))
    client.send(calls.create_vault("work"))
    auth = {"type": "api-key", "key": "ANTHROPIC", "header": "x-api-key"}
    service = {"name": "claude", "host": "api.anthropic.com", "auth": auth}
    service["gateway"] = {"prefix": "anthropic"}
    client.send(calls.upsert_services([service]))
    grants = [wire.AgentVault(vault_name=name) for name in ("default", "work")]
    return client.send(calls.create_agent("bot", vaults=grants)).av_agent_token


def post(worker: ThreadedWorker, path: str, **options: Any) -> httpx.Response:
    """A message to the gateway."""
    url = f"http://{worker.running.facts.proxy}{path}"
    return httpx.post(url, json={"model": "m"}, trust_env=False, timeout=30, **options)


def test_an_api_client_works_with_a_base_url(worker: ThreadedWorker) -> None:
    """Its token is its key; it gets answers and events, and the log says how it came."""
    token = agent_of(worker)
    both = {"Authorization": f"Bearer {token}", "x-api-key": token, "X-Vault": "default"}
    for base in ("/anthropic", "/anthropic/v1"):
        found = post(worker, f"{base}/v1/messages?beta=true", headers=both).json()
        assert found == {
            "host": "api.anthropic.com",
            "path": "/v1/messages?beta=true",
            "body": {"model": "m"},
        }
    named = {"x-api-key": f"{token}:default"}
    url = f"http://{worker.running.facts.proxy}/anthropic/v1/messages"
    with httpx.stream(
        "POST", url, json={"stream": True}, headers=named, trust_env=False, timeout=30
    ) as response:
        assert b"".join(response.iter_bytes()) == b"".join(EVENTS)
    worker.run(worker.running.app._context.log.flush())
    logs = worker.client().send(calls.logs(q="ingress:gateway")).logs
    assert [(log.matched_service, log.status, log.path) for log in logs] == [
        ("claude", 200, "/v1/messages")
    ] * 3
    assert {log.ingress for log in logs} == {"gateway"}


def test_a_vault_is_named_by_header_host_or_token(worker: ThreadedWorker) -> None:
    """With several, none is guessed; the host's first label names one as well."""
    token = agent_of(worker)
    bearer = {"Authorization": f"Bearer {token}"}
    refused = post(worker, "/anthropic/v1/messages", headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (400, "vault_required")
    assert refused.json()["vaults"] == ["default", "work"]
    by_host = {**bearer, "Host": "default.vault.example.com"}
    assert post(worker, "/anthropic/v1/messages", headers=by_host).status_code == 200
    other = post(worker, "/anthropic/v1/messages", headers={**bearer, "X-Vault": "work"})
    assert (other.status_code, other.json()["code"]) == (404, "gateway_not_found")
    assert other.json()["gateways"] == []


def test_hello_and_refusals(worker: ThreadedWorker) -> None:
    """Hello needs no token; everything else says so in the envelope that clients read."""
    base = f"http://{worker.running.facts.proxy}"
    for path in ("/anthropic/api/hello", "/anthropic/v1/api/hello"):
        assert httpx.head(base + path, trust_env=False).status_code == 200
    refused = post(worker, "/anthropic/v1/messages")
    assert refused.status_code == 401
    assert refused.json()["error"]["type"] == "authentication_error"
    assert refused.headers["www-authenticate"].startswith("Bearer")
    revoked = agent_of(worker)
    worker.client().send(calls.delete_agent("bot"))
    again = post(worker, "/anthropic/v1/messages", headers={"x-api-key": revoked})
    assert (again.status_code, again.headers["x-should-retry"]) == (401, "false")


def test_curl_at_the_gateway(worker: ThreadedWorker) -> None:
    """One request as documentation shows it."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    token = agent_of(worker)
    command = [curl, "-sS", "--noproxy", "*", "-H", f"x-api-key: {token}", "-H", "X-Vault: default"]
    url = f"http://{worker.running.facts.proxy}/anthropic/v1/messages"
    done = subprocess.run(
        [*command, "-d", "{}", url], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout)["path"] == "/v1/messages"
