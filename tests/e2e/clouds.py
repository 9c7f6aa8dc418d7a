"""Bedrock, Vertex AI and Foundry as far as `claude -p` asks them: one text, for who may have it."""

import base64
import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from tests.cloud.checking import Refused, check
from tests.e2e.anthropic import events
from tests.e2e.tls_server import QuietHandler, Served

BEDROCK = "bedrock-runtime.us-east-1.amazonaws.com"
BEDROCK_MODELS = "bedrock.us-east-1.amazonaws.com"
VERTEX = "aiplatform.googleapis.com"
GOOGLE_TOKENS = "oauth2.googleapis.com"
FOUNDRY = "acme.services.ai.azure.com"
HOSTS = (BEDROCK, BEDROCK_MODELS, VERTEX, GOOGLE_TOKENS, FOUNDRY)
GOOGLE_TOKEN = "ya29.real"
FOUNDRY_KEY = "foundry-real"


@dataclass
class Clouds(Served):
    """Serves until `stop`. `good` are hosts that have let a request in, `refused` say why not.

    `status`, where it is set, answers those that are let in.
    """

    directory: Path
    text: str
    status: int = 0
    good: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"clouds": self})
        self.serve(handler, HOSTS, self.directory / "clouds-ca.pem")


class _Handler(QuietHandler):
    clouds: Clouds

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        host = self.headers["Host"]
        if host == GOOGLE_TOKENS:
            token = {"access_token": GOOGLE_TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            self._reply(200, json.dumps(token).encode())
            return
        try:
            self._let_in(host, body)
        except Refused as why:
            self.clouds.refused.append(f"{host}: {why}")
            self._reply(403, b"{}")
            return
        self.clouds.good.append(host)
        if self.clouds.status:
            told = "told by the cloud"
            document = {"message": told, "error": {"message": told}}
            self._reply(self.clouds.status, json.dumps(document).encode())
        else:
            self._answer(host)

    do_POST = do_HEAD = do_GET

    def _let_in(self, host: str, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if host in (BEDROCK, BEDROCK_MODELS):
            check(self.command, self.path, headers, body, scope="us-east-1/bedrock")
        elif host == VERTEX and headers.get("authorization") != f"Bearer {GOOGLE_TOKEN}":
            raise Refused("another token")
        elif host == FOUNDRY and headers.get("api-key") != FOUNDRY_KEY:
            raise Refused("another key")

    def _answer(self, host: str) -> None:
        said = events("claude-x", self.clouds.text)
        if host == BEDROCK_MODELS:
            self._reply(200, b'{"inferenceProfileSummaries": []}')
        elif host == BEDROCK:
            frames = b"".join(_frame(json.loads(one.partition("data: ")[2])) for one in said)
            self._reply(200, frames, "application/vnd.amazon.eventstream")
        else:
            self._reply(200, "".join(said).encode(), "text/event-stream")

    def _reply(self, status: int, content: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _frame(event: object) -> bytes:
    """An event as AWS' event streams frame it: lengths, checksum, headers, payload, checksum."""
    inner = base64.b64encode(json.dumps(event).encode()).decode()
    payload = json.dumps({"bytes": inner}).encode()
    named = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(name)])
        + name.encode()
        + b"\x07"
        + len(value).to_bytes(2, "big")
        + value.encode()
        for name, value in named.items()
    )
    size = 16 + len(headers) + len(payload)
    head = size.to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    head += zlib.crc32(head).to_bytes(4, "big")
    message = head + headers + payload
    return message + zlib.crc32(message).to_bytes(4, "big")
