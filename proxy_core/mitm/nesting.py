"""TLS inside a client's TLS: CONNECT to a proxy that is itself spoken to by https.

OpenSSL's sockets do not nest. So the client's encrypted connection is handed over to a carrier, and
the stream goes on with one end of a pair of plain sockets: whatever is done to that (TLS for the
host, say) happens inside. Both ends close when the other side has.
"""

import asyncio
import socket
from math import inf

from proxy_core.mitm.reactor import Reactor
from proxy_core.mitm.streams import Stream, StreamError


class Carrier:
    """Moves bytes between a client's encrypted connection and what took its place in `stream`.

    `idle` seconds in which a side takes nothing end both.
    """

    def __init__(self, reactor: Reactor, stream: Stream, idle: float) -> None:
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        self._client = stream.exchange(near)
        self._pair = Stream(reactor, far)
        self._idle = idle
        self._task = asyncio.create_task(self._carry())

    async def finish(self) -> None:
        """Once the stream is closed: until the client has taken all, or takes nothing more."""
        await asyncio.wait({self._task})

    def abort(self) -> None:
        """End at once."""
        self._task.cancel()
        self._client.abort()
        self._pair.abort()

    async def _carry(self) -> None:
        inwards = asyncio.create_task(self._inwards())
        try:
            await self._move(self._pair, self._client)
            self._client.close()
        except StreamError:
            pass
        finally:
            inwards.cancel()
            await asyncio.wait({inwards})
            self._client.abort()
            self._pair.abort()

    async def _inwards(self) -> None:
        """What the client sends. Its end is passed on, and answers may still go out."""
        try:
            await self._move(self._client, self._pair)
            self._pair.half_close()
        except StreamError:
            self._pair.abort()

    async def _move(self, source: Stream, sink: Stream) -> None:
        while data := await source.read(inf):
            await sink.write(data, self._idle)
