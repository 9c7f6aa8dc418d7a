"""An upstream that refuses a credential, and a broker that has another."""

import asyncio
from dataclasses import dataclass, field

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import (
    Injection,
)
from tests.mitm.rig import Rig, read_request, request

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
OLD, NEW = b"Bearer old", b"Bearer new"
REFUSAL = b"HTTP/1.1 401 No\r\nX-Why: stale\r\nContent-Length: 5\r\n\r\nstale"
KIB = 1024
SECOND = Injection(headers=((b"Authorization", NEW),))


def reconsider(proxy: Rig, second: Injection | VaultError | None = SECOND) -> None:
    """Let the broker inject the old credential first, and offer `second` when it is refused."""
    proxy.broker.injection = Injection(headers=((b"Authorization", OLD),))
    proxy.broker.reconsiders = True
    proxy.broker.second = second


@dataclass
class Strict:
    """Refuses the old credential and takes the new one; answers with the body's size."""

    refusal: bytes = REFUSAL
    takes: bytes = NEW
    seen: list[tuple[bytes, bytes]] = field(default_factory=list)
    connections: int = 0

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        self.connections += 1
        while True:
            head, body = await read_request(reader)
            self.seen.append((head, body))
            if self.takes in head:
                answer = b"%d" % len(body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer))
                writer.write(answer)
            else:
                writer.write(self.refusal)
            await writer.drain()


def post(body: bytes, extra: bytes = b"") -> bytes:
    """A POST with a length."""
    return request(b"/", b"POST", extra + b"Content-Length: %d\r\n" % len(body)) + body


@dataclass
class Hasty:
    """Refuses the old credential at the head, without reading the body."""

    seen: list[tuple[bytes, bytes]] = field(default_factory=list)
    refused: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if OLD in head:
            writer.write(REFUSAL)
            await writer.drain()
            self.refused.set()
            await asyncio.sleep(60)
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(size)
        self.seen.append((head, body))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
