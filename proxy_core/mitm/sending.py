"""The sending half of a stream.

A write that would block is retried with the same bytes: OpenSSL asks for that.
"""

import socket
from math import inf
from time import monotonic

from proxy_core.mitm.reactor import Reactor
from proxy_core.mitm.receiving import WOULD_BLOCK
from proxy_core.mitm.waits import StreamError, Waiter, Waits

Data = bytes | memoryview


class Sending(Waits):
    """One connected socket, as far as writing to it goes. One writer at a time."""

    __slots__ = ("_fd", "_loop", "_readiness", "_sock", "_writing")

    def __init__(self, reactor: Reactor, sock: socket.socket) -> None:
        super().__init__()
        self._loop = reactor.loop
        self._readiness = reactor.readiness
        self._sock = sock
        self._fd = sock.fileno()
        self._writing = False

    async def write(self, data: Data, idle: float) -> None:
        """Send all of it; `idle` seconds without progress fail. Raises StreamError."""
        sent = self.send_now(data)
        if sent < len(data):
            await self.write_rest(memoryview(data)[sent:], idle)

    async def write_rest(self, rest: Data, idle: float) -> None:
        """Send what `send_now` could not: the same bytes, since TLS may have begun on them."""
        while rest:
            await self.writable(monotonic() + idle)
            rest = memoryview(rest)[self.send_now(rest) :]

    def send_now(self, data: Data) -> int:
        """Send until it would block; how much went out. Raises StreamError."""
        size, total = len(data), 0
        try:
            while total < size:
                total += self._sock.send(memoryview(data)[total:] if total else data)
        except WOULD_BLOCK:
            pass
        except OSError as error:
            raise StreamError(self, "closed", error) from None
        return total

    async def writable(self, deadline: float) -> None:
        """Wait until something can be sent. Raises StreamError."""
        self.check_failure()
        self.write_waiter = waiter = Waiter(self._loop)
        self.write_deadline = deadline
        self._readiness.add_writer(self._fd, self._on_writable)
        self._writing = True
        try:
            await waiter
        finally:
            if self.write_waiter is waiter:
                self.write_waiter = None
                self.write_deadline = inf
                self._stop_writing()

    def _on_writable(self) -> None:
        waiter = self.write_waiter
        if waiter is None or waiter.done():
            self._stop_writing()
        else:
            waiter.wake(b"")

    def _stop_writing(self) -> None:
        if self._writing:
            self._writing = False
            self._readiness.remove_writer(self._fd)
