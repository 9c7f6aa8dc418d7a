"""An upstream that answers as Anthropic's API does, as far as `claude -p` asks it: one text.

Its token endpoint renews every login, or none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.e2e.tls_server import QuietHandler, Served

HOSTS = ("api.anthropic.com", "platform.claude.com", "mcp-proxy.anthropic.com")
_USAGE = {"input_tokens": 1, "output_tokens": 1}


@dataclass(frozen=True)
class Refusal:
    """How messages are answered instead."""

    status: int
    kind: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Anthropic(Served):
    """Serves until `stop`. `seen` are messages' credentials, `models` what they asked for.

    `renews` says with which access token a login is renewed; empty: it has ended.
    """

    directory: Path
    text: str
    refusal: Refusal | None = None
    renews: str = ""
    seen: list[tuple[str | None, str | None]] = field(default_factory=list)
    models: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"upstream": self})
        self.serve(handler, HOSTS, self.directory / "upstream-ca.pem")


class _Handler(QuietHandler):
    upstream: Anthropic

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, upstream = self.path.partition("?")[0], self.upstream
        if path == "/v1/oauth/token":
            self._renew()
            return
        if path != "/v1/messages":
            self._reply(404, _error("not_found_error", "nothing here"))
            return
        upstream.seen.append((self.headers["Authorization"], self.headers["x-api-key"]))
        if (refusal := upstream.refusal) is not None:
            text = _error(refusal.kind, "told by upstream")
            self._reply(refusal.status, text, headers=refusal.headers)
            return
        asked = json.loads(body)
        upstream.models.append(asked["model"])
        if asked.get("stream"):
            self._reply(
                200, "".join(events(asked["model"], self.upstream.text)), "text/event-stream"
            )
        else:
            content = [{"type": "text", "text": self.upstream.text}]
            whole = _message(asked["model"]) | {"content": content, "stop_reason": "end_turn"}
            self._reply(200, json.dumps(whole))

    do_POST = do_HEAD = do_GET

    def _renew(self) -> None:
        token = self.upstream.renews
        if not token:
            self._reply(400, json.dumps({"error": "invalid_grant"}))
            return
        pair = {"access_token": token, "refresh_token": "rt", "expires_in": 3600}
        self._reply(200, json.dumps(pair))

    def _reply(
        self,
        status: int,
        text: str,
        kind: str = "application/json",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("request-id", "req_1")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _error(kind: str, message: str) -> str:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}})


def _message(model: str) -> dict[str, Any]:
    fixed = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
    return {**fixed, "model": model, "stop_reason": None, "stop_sequence": None, "usage": _USAGE}


def events(model: str, text: str) -> list[str]:
    """A message as server-sent events."""
    delta = {"type": "text_delta", "text": text}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    said: list[dict[str, Any]] = [
        {"type": "message_start", "message": _message(model)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in said]
