"""A provider as its clients see it: answers by account, with the quota header fields it sends."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from proxy_core.domain.oauth import OAuthClient, TokenError, TokenSet
from tests.mitm.rig import read_request

HOST = "api.anthropic.com"
PREFIX = "anthropic-ratelimit-unified-"
Answer = Callable[[bytes, bytes], bytes]


@dataclass
class Provider:
    """`answers` are taken one after the other, by access token; then `quota` is what a 200 says."""

    answers: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    quota: dict[str, Mapping[str, object]] = field(default_factory=dict)
    served: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, body = await read_request(reader)
            token = head.partition(b"uthorization: Bearer ")[2].partition(b"\r\n")[0].decode()
            self.served.append(token)
            self.bodies.append(body)
            waiting = self.answers[token]
            writer.write(waiting.pop(0) if waiting else ok(self.quota.get(token, {})))
            await writer.drain()


def answer(status: int, fields: Mapping[str, object], body: bytes, kind: str) -> bytes:
    """A whole response."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ok(quota: Mapping[str, object] | None = None) -> bytes:
    """A message; `quota` are header fields."""
    return answer(200, quota or {}, b'{"type":"message"}', "application/json")


def windows(**shares: tuple[float, float] | tuple[float, float, str]) -> dict[str, object]:
    """Header fields of an allowed request: share used and reset, by window (`w5h`, `w7d_opus`)."""
    fields: dict[str, object] = {f"{PREFIX}status": "allowed"}
    for name, (used, reset, *status) in shares.items():
        window = name[1:]
        fields[f"{PREFIX}{window}-utilization"] = used
        fields[f"{PREFIX}{window}-reset"] = int(reset)
        fields[f"{PREFIX}{window}-status"] = status[0] if status else "allowed"
    return fields


def rejected(claim: str, reset: float, more: Mapping[str, object] | None = None) -> bytes:
    """A 429 because a window is used up."""
    fields = {
        **(more or {}),
        f"{PREFIX}status": "rejected",
        f"{PREFIX}representative-claim": claim,
        f"{PREFIX}reset": int(reset),
    }
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "used up"}}
    return answer(429, fields, json.dumps(body).encode(), "application/json")


def overloaded(fields: Mapping[str, object] | None = None) -> bytes:
    """A 529."""
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    return answer(529, fields or {}, body, "application/json")


def stream(*events: tuple[str, str], chunked: bool = True) -> bytes:
    """A response of server-sent events."""
    text = "".join(f"event: {name}\ndata: {data}\n\n" for name, data in events).encode()
    if not chunked:
        return answer(200, {}, text, "text/event-stream; charset=utf-8")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    return head + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(text), text)


@dataclass
class Tokens:
    """Stands for token endpoints: each refresh gives `fresh`, or is refused."""

    fresh: list[TokenSet] = field(default_factory=list)
    refreshed: list[bytes] = field(default_factory=list)

    async def refresh(
        self, client: OAuthClient, secret: bytes | None, refresh_token: bytes
    ) -> TokenSet:
        self.refreshed.append(refresh_token)
        if not self.fresh:
            raise TokenError(True, "invalid_grant", "the refresh token was used before")
        return self.fresh.pop(0)

    async def client_credentials(self, client: OAuthClient, secret: bytes | None) -> TokenSet:
        raise NotImplementedError

    async def jwt_bearer(self, client: OAuthClient, private_key: bytes) -> TokenSet:
        raise NotImplementedError


@dataclass
class Reply:
    """An answer of the usage endpoint."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Usage:
    """Stands for the usage endpoint, and keeps what it was asked."""

    replies: list[Reply | TokenError] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        self.asked.append((url, headers))
        reply = self.replies.pop(0)
        if isinstance(reply, TokenError):
            raise reply
        return reply
