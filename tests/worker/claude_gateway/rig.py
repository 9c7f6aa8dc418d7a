"""A worker whose gateway leads to an upstream on this machine, asked as Claude Code asks."""

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx

from proxy_core.base.clock import FakeClock
from proxy_core.client import calls
from proxy_core.domain.claude_gateway import DEVICE_GRANT
from proxy_core.domain.events import Event
from proxy_core.services.events import Follow
from tests.worker.harness import ThreadedWorker

SECRET = "sk-ant-real-0123456789"


class Upstream(BaseHTTPRequestHandler):
    """Takes the real credential alone; tells the path that it was asked for."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        known = self.headers["x-api-key"] == SECRET and "Authorization" not in self.headers
        body = json.dumps({"path": self.path, "data": [{"id": "claude-x-1"}]}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("anthropic-ratelimit-unified-status", "allowed")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Gateway:
    """A worker whose gateway leads to the upstream, on a clock that the tests move."""

    def __init__(self, worker: ThreadedWorker) -> None:
        self.worker = worker
        self.app = worker.running.app.claude_gateway
        self.clock = FakeClock(time.time())
        worker.running.app._context.clock = self.clock
        self.base = f"http://{worker.running.facts.proxy}/anthropic"
        # Connections end with their tokens, so each request has its own.
        alone = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(trust_env=False, timeout=30, limits=alone)
        self.client = worker.client()

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        """A form, as Claude Code sends it."""
        named = {"User-Agent": "claude-code/2.1.330", **(headers or {})}
        return self.http.post(self.base + path, data=form, headers=named)

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.http.get(self.base + path, headers=headers)

    def begin(self) -> dict[str, Any]:
        """A device asks to sign in."""
        found: dict[str, Any] = self.post(
            "/oauth/device_authorization", surface="claude_code"
        ).json()
        return found

    def poll(self, device: dict[str, Any]) -> httpx.Response:
        """It asks for its tokens, after the time that it should wait."""
        self.clock.advance(5)
        return self.poll_now(device)

    def poll_now(self, device: dict[str, Any]) -> httpx.Response:
        code = device["device_code"]
        return self.post("/oauth/token", grant_type=DEVICE_GRANT, device_code=code)

    def sign_in(self, **options: str) -> dict[str, Any]:
        """A whole sign-in; answers the tokens."""
        device = self.begin()
        self.client.send(calls.approve_device(device["user_code"], **options))
        found: dict[str, Any] = self.poll(device).json()
        return found

    def refresh(self, token: str) -> httpx.Response:
        return self.post("/oauth/token", grant_type="refresh_token", refresh_token=token)

    def message(self, token: str) -> httpx.Response:
        """What all of it is for."""
        return self.post("/v1/messages?beta=true", {"Authorization": f"Bearer {token}"}, a="b")

    def events(self, type: str) -> list[Event]:
        found = self.worker.in_loop(self.worker.running.app.bus._read, 0, Follow()).events
        return [event for event in found if event.type == type]
