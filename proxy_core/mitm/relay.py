"""Moving bytes from one stream to another: a body, or both ways of a WebSocket.

What arrives is sent on at once, inside the callback that received it. Only when the other side
can't take it does a task wait for that, and meanwhile nothing more is received: memory stays
constant, however slow that side is.
"""

import asyncio
from typing import Protocol

from proxy_core.mitm.http1 import BodyReader, Side
from proxy_core.mitm.streams import Data, Stream, StreamError
from proxy_core.mitm.trail import Trail


class Frames(Protocol):
    """Rewrites the frames of one direction of a WebSocket."""

    def feed(self, data: Data) -> Data:
        """What to send for `data`. Raises VaultError."""


class Flow:
    """Bytes from `source` to `sink`, as `convert` makes them."""

    def __init__(self, source: Stream, sink: Stream) -> None:
        self._source = source
        self._sink = sink
        self._rest: Data = b""
        self.complete = False
        """Nothing that comes now belongs to this flow; set it within `convert`."""
        self.more = False
        """`convert(b"")` gives further bytes, and no other data may come before; set as above."""

    def convert(self, data: Data) -> Data:
        """What to send for `data`, which is valid until this call and the sending return."""
        return data

    def _take(self, data: Data) -> bool:
        wire = self.convert(data)
        if wire:
            sent = self._sink.send_now(wire)
            if sent < len(wire):
                self._rest = bytes(memoryview(wire)[sent:])
                return False
        return not (self.complete or self.more)

    async def run(self, idle: float) -> bool:
        """True when `complete`, False when the source has ended before. Raises StreamError."""
        await self._give_more(idle)
        while not self.complete:
            alive = await self._source.pour(self._take, idle)
            if self._rest:
                rest, self._rest = self._rest, b""
                await self._sink.write_rest(rest, idle)
            await self._give_more(idle)
            if not alive:
                return self.complete
        return True

    async def _give_more(self, idle: float) -> None:
        while self.more:
            await self._sink.write(self.convert(b""), idle)
            # A fast sink never makes that wait, and there may be a thousand times what was read.
            await asyncio.sleep(0)


class Download(Flow):
    """The body of a response."""

    def __init__(self, upstream: Stream, client: Stream, reader: BodyReader, trail: Trail) -> None:
        super().__init__(upstream, client)
        self._reader = reader
        self._trail = trail
        self._overrun = False
        self.more = reader.more

    def convert(self, data: Data) -> Data:
        """Through the body's reader. Raises ProtocolError: malformed, too large."""
        chunk = self._reader.feed(data)
        self._trail.bytes_down += len(chunk.payload)
        self.complete = self._reader.complete
        self.more = self._reader.more
        self._overrun = self._overrun or chunk.consumed < len(data)
        return chunk.wire

    async def deliver(self, idle: float) -> bool:
        """Pass the body on to its end; False: the connection is of no more use.

        Raises StreamError; ProtocolError when the body is malformed or ends too early.
        """
        if await self.run(idle):
            return not self._overrun
        if not self._source.clean_eof:
            raise Side.RESPONSE.malformed("connection broken off within the body")
        await self._sink.write(self._reader.eof(), idle)
        return False


class Splice:
    """Two streams that pass everything to each other until one ends or both idle too long.

    `outward` looks into what the client sends, `inward` into what the upstream does; without one,
    that passes unread.
    """

    def __init__(
        self,
        client: Stream,
        upstream: Stream,
        idle: float,
        outward: Frames | None = None,
        inward: Frames | None = None,
    ) -> None:
        self._idle = idle
        self._ways = _way(client, upstream, outward), _way(upstream, client, inward)

    @property
    def sizes(self) -> tuple[int, int]:
        """Bytes that came from the client, and from the upstream."""
        up, down = self._ways
        return up.size, down.size

    async def run(self) -> None:
        """Raises StreamError when a side fails rather than ends; VaultError from the frames."""
        up, down = self._ways
        ways = [
            asyncio.create_task(self._pump(up, down)),
            asyncio.create_task(self._pump(down, up)),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, way: "_Way", other: "_Way") -> None:
        while True:
            try:
                await way.run(self._idle)
            except StreamError as error:
                if error.reason != "timeout" or error.stream is not way.source:
                    raise
                # Quiet here is no reason to end while the other way moves.
                if max(way.moved_at, other.moved_at) + self._idle > way.source.time:
                    continue
            return


class _Way(Flow):
    """One direction, counted."""

    def __init__(self, source: Stream, sink: Stream) -> None:
        super().__init__(source, sink)
        self.source = source
        self.moved_at = source.time
        self.size = 0

    def convert(self, data: Data) -> Data:
        """Everything passes."""
        self.size += len(data)
        self.moved_at = self.source.time
        return data


class _FramedWay(_Way):
    """One direction whose frames are rewritten: placeholders replaced, or secrets."""

    def __init__(self, source: Stream, sink: Stream, frames: Frames) -> None:
        super().__init__(source, sink)
        self._frames = frames

    def convert(self, data: Data) -> Data:
        """Through the frame parser. Raises VaultError: substitution_invalid, upstream_protocol."""
        return self._frames.feed(super().convert(data))


def _way(source: Stream, sink: Stream, frames: Frames | None) -> _Way:
    return _Way(source, sink) if frames is None else _FramedWay(source, sink, frames)
