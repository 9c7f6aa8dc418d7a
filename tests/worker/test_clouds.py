"""Clouds behind a whole worker: what arrives is signed, or bears a token that was made."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import trustme

from proxy_core.client import calls
from proxy_core.domain import wire
from tests.cloud.checking import KEY_ID, SECRET, check
from tests.oauth.clouds import private_pem
from tests.services.cloud.sts import ROLE, TEMPORARY, answered
from tests.worker.harness import ThreadedWorker

BEDROCK, VERTEX = "bedrock-runtime.eu-west-1.amazonaws.com", "aiplatform.googleapis.com"
GITHUB, GOOGLE, ENTRA = "api.github.com", "oauth2.googleapis.com", "login.microsoftonline.com"
FOUNDRY = "acme.services.ai.azure.com"
AGENTS, STS = "bedrock-agent-runtime.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"
HOSTS = (BEDROCK, VERTEX, GITHUB, GOOGLE, ENTRA, FOUNDRY, AGENTS, STS)


class Clouds(BaseHTTPRequestHandler):
    """Token endpoints and APIs, told apart by Host; counts the tokens that it has issued."""

    protocol_version = "HTTP/1.1"
    issued: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        host = self.headers["Host"]
        if host in (GOOGLE, ENTRA):
            self._issue(200, {"access_token": f"token-of-{host}", "expires_in": 3600})
        elif self.path == "/app/installations/2/access_tokens":
            self._issue(201, {"token": f"token-of-{host}", "expires_at": "2099-01-01T00:00:00Z"})
        elif host == STS:
            self._check(body, "eu-west-1/sts", SECRET)
            self.issued.append(host)
            self._send(200, answered(expiration="2099-01-01T00:00:00Z").encode())
        elif host == AGENTS:
            self._check(body, "eu-west-1/bedrock", TEMPORARY[1])
            self._send(200, {"token": self.headers["X-Amz-Security-Token"]})
        elif host == BEDROCK:
            self._check(body, "eu-west-1/bedrock", SECRET)
            self._send(200, {"signed": True})
        else:
            self._send(200, {"authorization": self.headers["Authorization"]})

    def _check(self, body: bytes, scope: str, secret: str) -> None:
        """What is signed wrongly gets no answer."""
        fields = {name.lower(): value for name, value in self.headers.items()}
        check("POST", self.path, fields, body, scope=scope, secret=secret)

    def _issue(self, status: int, token: dict[str, object]) -> None:
        self.issued.append(self.headers["Host"])
        self._send(status, token)

    def _send(self, status: int, document: dict[str, object] | bytes) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker for which the clouds are on this machine."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*HOSTS).configure_cert(context)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    Clouds.issued = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Clouds)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    running = ThreadedWorker(
        tmp_path / "home",
        connect_to=tuple(f"{host}:443:127.0.0.1:{server.server_port}" for host in HOSTS),
        upstream_ca=(tmp_path / "ca.pem",),
    ).start()
    running.init()
    yield running
    running.stop()
    server.shutdown()
    server.server_close()


def set_up(worker: ThreadedWorker) -> str:
    """Services with a gateway each; an agent's token."""
    pem = private_pem().decode()
    account = {
        "type": "service_account",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "agents@acme.example",
        "token_uri": f"https://{GOOGLE}/token",
    }
    values = {
        "AWS_ID": KEY_ID,
        "AWS_SECRET": SECRET,
        "GCP_KEY_FILE": json.dumps(account),
        "ENTRA_SECRET": "s3cret",
        "APP_KEY": pem,
    }
    aws = {"type": "aws-sigv4", "access_key_id": "AWS_ID", "secret_access_key": "AWS_SECRET"}
    entra = {"type": "azure", "tenant": "t", "client_id": "c", "client_secret": "ENTRA_SECRET"}
    app = {"type": "github-app", "app_id": "1", "installation_id": "2", "private_key": "APP_KEY"}
    auths = {
        "bedrock": (BEDROCK, aws),
        "agents": (AGENTS, {**aws, "role_arn": ROLE}),
        "vertex": (VERTEX, {"type": "gcp", "key": "GCP_KEY_FILE"}),
        "foundry": (FOUNDRY, entra),
        "github": (GITHUB, app),
    }
    services = [
        {"name": name, "host": host, "auth": auth, "gateway": {"prefix": name}}
        for name, (host, auth) in auths.items()
    ]
    client = worker.client()
    client.send(calls.set_credentials(values))
    client.send(calls.upsert_services(services))
    grant = wire.AgentVault(vault_name="default")
    return client.send(calls.create_agent("bot", vaults=[grant])).av_agent_token


def test_an_agent_reaches_every_cloud_with_nothing_of_its_own(worker: ThreadedWorker) -> None:
    """Bedrock takes the signature; the others' tokens are made once, and stay out of sight."""
    token = set_up(worker)
    with httpx.Client(
        base_url=f"http://{worker.running.facts.proxy}",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=30,
    ) as agent:
        for _ in range(2):
            path = "/bedrock/model/anthropic.claude-v1%3A0/invoke-with-response-stream"
            signed = agent.post(path, json={"max_tokens": 1})
            assert (signed.status_code, signed.json()) == (200, {"signed": True})
            as_role = agent.post("/agents/knowledgebases/1/retrieve", json={})
            assert as_role.json() == {"token": "__aws_secret__"}
            for name, key in (
                ("vertex", "gcp_key_file"),
                ("foundry", "entra_secret"),
                ("github", "app_key"),
            ):
                answer = agent.post(f"/{name}/v1/messages", json={})
                # The upstream echoes the token; the agent sees what stands for it.
                assert answer.json() == {"authorization": f"Bearer __{key}__"}
    assert sorted(Clouds.issued) == sorted([GOOGLE, ENTRA, GITHUB, STS])
