"""Real servers on loopback that play a provider's part."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl

import trustme

from proxy_core.mitm.guard import Guard
from proxy_core.oauth.http import GuardedHttp

HOST = "issuer.test"


@dataclass(frozen=True)
class Received:
    """A request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body's fields."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


Answer = Callable[[Received], Awaitable[bytes | None]]
"""Bytes to send before the connection is closed; None: close without a word."""


def reply(
    body: bytes | str = b"{}", status: int = 200, kind: str = "application/json", **headers: str
) -> bytes:
    """An HTTP/1.1 answer."""
    content = body.encode() if isinstance(body, str) else body
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = (
        f"HTTP/1.1 {status} Any\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
        f"{more}Connection: close\r\n\r\n"
    )
    return head.encode() + content


@asynccontextmanager
async def listening(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server whose every connection gets one answer; the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            data = await answer(await _request(reader))
            if data is not None:
                writer.write(data)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, target, headers, body)


class Script:
    """Answers requests with the given bytes, in order; what came is kept."""

    def __init__(self, *answers: bytes | None) -> None:
        self._left = list(answers)
        self.received: list[Received] = []

    async def __call__(self, request: Received) -> bytes | None:
        self.received.append(request)
        return self._left.pop(0)


class Tls:
    """A certificate for HOST, and a context that trusts its issuer."""

    def __init__(self, host: str = HOST) -> None:
        authority = trustme.CA()
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(self.server)
        self._authority = authority

    def client(self) -> ssl.SSLContext:
        """The context of a client."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context


def guard(*addresses: str, private: bool = True) -> Guard:
    """The real network guard, with names that resolve to `addresses`."""

    async def resolve(name: str) -> list[str]:
        return list(addresses or ("127.0.0.1",))

    return Guard(allow_private=private, resolver=resolve)


def plain_http(total_seconds: float = 5.0) -> GuardedHttp:
    """What asks the plain loopback servers of these tests."""
    return GuardedHttp(
        guard().resolve,
        ssl.create_default_context,
        allow_http_loopback=True,
        total_seconds=total_seconds,
    )
