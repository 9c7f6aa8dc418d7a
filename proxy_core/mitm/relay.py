"""Moving bytes from one stream to another: a response body, or both ways of a WebSocket.

Nothing is read before what was read last has been taken by the other side: memory stays constant,
however slow that side is.
"""

import asyncio
import contextlib

from proxy_core.mitm.http1 import BodyReader, Side
from proxy_core.mitm.streams import Stream, StreamError
from proxy_core.mitm.trail import Trail

YIELD_AFTER = 256 * 1024
"""Bytes that one body may move before others get their turn."""


async def download(
    upstream: Stream,
    client: Stream,
    reader: BodyReader,
    idle: float,
    trail: Trail,
) -> bool:
    """Pass a response body on to its end and count it; False: the connection is of no more use.

    Raises StreamError; ProtocolError when the body is malformed or ends too early.
    """
    moved = 0
    while not reader.complete:
        data = upstream.read_now()
        if data is None:
            data = await upstream.read(upstream.time + idle)
            moved = 0
        if not data:
            if not upstream.clean_eof:
                raise Side.RESPONSE.malformed("connection broken off within the body")
            await client.write(reader.eof(), idle)
            return False
        chunk = reader.feed(data)
        trail.bytes_down += len(chunk.payload)
        if chunk.wire:
            await client.write(chunk.wire, idle)
        if chunk.consumed < len(data):
            return False
        moved += len(data)
        if moved >= YIELD_AFTER:
            moved = 0
            await asyncio.sleep(0)
    return True


class Splice:
    """Two streams that pass everything to each other until one ends or both idle too long."""

    def __init__(self, client: Stream, upstream: Stream, idle: float) -> None:
        self._client = client
        self._upstream = upstream
        self._idle = idle
        self._moved_at = client.time
        self.up = self.down = 0

    async def run(self) -> None:
        """Raises StreamError when a side fails rather than ends."""
        ways = [
            asyncio.create_task(self._pump(self._client, self._upstream)),
            asyncio.create_task(self._pump(self._upstream, self._client)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            for way in ways:
                with contextlib.suppress(asyncio.CancelledError, StreamError):
                    await way

    async def _pump(self, source: Stream, sink: Stream) -> None:
        while True:
            try:
                data = await source.read(self._moved_at + self._idle)
            except StreamError as error:
                if error.reason != "timeout":
                    raise
                if source.time < self._moved_at + self._idle:
                    continue
                return
            if not data:
                return
            self._moved_at = source.time
            if source is self._client:
                self.up += len(data)
            else:
                self.down += len(data)
            await sink.write(data, self._idle)
