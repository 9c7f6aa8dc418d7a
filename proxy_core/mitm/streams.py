"""Non-blocking sockets with awaitable reads and writes: plain, or TLS driven by hand.

Rules of this file

- One reader and one writer at a time for a stream; reads and writes may run side by side.
- Data is received inside the loop's readiness callback, so that a level-triggered selector does
  not report the same bytes twice. The registration stays while the stream lives; it is dropped
  when data waits and nobody asks for it (that is the back-pressure), and taken up by the next read.
- `pour` hands data on inside that callback: a body costs no task switch for each of its pieces.
- A stream that nobody reads may be *watched*: then bytes are read ahead into `buffer`, up to
  READ_AHEAD, and the watcher is told. That is how a client's departure or a pooled connection's
  end is noticed without a task that waits for it.
- Deadlines are plain numbers, looked at by one periodic sweep: a read costs no timer.
"""

import contextlib
import select
import socket
import ssl
import struct
from collections.abc import Callable
from math import inf
from time import monotonic

from proxy_core.mitm.reactor import Reactor
from proxy_core.mitm.receiving import CLEAN_END, NOTHING_YET, receive
from proxy_core.mitm.sending import Data, Sending
from proxy_core.mitm.waits import StreamError, Waiter, fail

__all__ = ["Data", "Stream", "StreamError"]

Take = Callable[[Data], bool]

READ_AHEAD = 64 * 1024


class Stream(Sending):
    """One connected socket. `buffer` holds bytes that were received and not consumed yet."""

    __slots__ = (
        "_idle",
        "_only_wake",
        "_poll",
        "_reactor",
        "_reading",
        "_taker",
        "_watcher",
        "at_eof",
        "buffer",
        "clean_eof",
        "encrypted",
    )

    def __init__(self, reactor: Reactor, sock: socket.socket) -> None:
        super().__init__(reactor, sock)
        self._reactor = reactor
        self._reading = False
        self._only_wake = False
        self._poll: select.poll | None = None
        self._watcher: Callable[[], None] | None = None
        self._taker: Take | None = None
        self._idle = 0.0
        self.buffer = bytearray()
        self.at_eof = False
        self.clean_eof = False
        """The end was announced (TLS close_notify, or a plain FIN): not a truncation."""
        self.encrypted = False
        reactor.streams.add(self)

    def exchange(self, sock: socket.socket) -> "Stream":
        """Go on with another plain socket; what this one was, buffer included, is the answer."""
        self._stop_reading()
        self._stop_writing()
        former = Stream(self._reactor, self._sock)
        former.encrypted, former.buffer = self.encrypted, self.buffer
        former.at_eof, former.clean_eof = self.at_eof, self.clean_eof
        self._sock, self._fd, self._poll = sock, sock.fileno(), None
        self.encrypted, self.buffer = False, bytearray()
        self.at_eof = self.clean_eof = False
        return former

    @property
    def time(self) -> float:
        """The clock that deadlines are told in, which is also the loop's."""
        return monotonic()

    @property
    def socket(self) -> socket.socket:
        """The socket beneath, for what only it knows (names, TLS state)."""
        return self._sock

    def take_out(self, size: int) -> bytes:
        """The first `size` bytes of `buffer`, taken out of it."""
        buffer = self.buffer
        if size == len(buffer):
            taken = bytes(buffer)
            buffer.clear()
        else:
            taken = bytes(buffer[:size])
            del buffer[:size]
        return taken

    def drop(self, size: int) -> None:
        """Take the first `size` bytes out of `buffer`."""
        if size == len(self.buffer):
            self.buffer.clear()
        else:
            del self.buffer[:size]

    # --- reading ------------------------------------------------------------------------------

    async def read(self, deadline: float) -> bytes:
        """Bytes as they come, b"" at the end. Raises StreamError."""
        if self.buffer:
            return self.take_out(len(self.buffer))
        return await self.receive(deadline)

    async def fill(self, deadline: float) -> bool:
        """Add what comes next to `buffer`; False at the end. Raises StreamError."""
        data = await self.receive(deadline)
        self.buffer += data
        return bool(data)

    @property
    def silent(self) -> bool:
        """Neither bytes nor an end have arrived beneath that nobody has received."""
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._fd, select.POLLIN)
        return not self._poll.poll(0)

    def fill_now(self) -> None:
        """Add to `buffer` what has arrived already, without waiting. Raises StreamError."""
        if not self.at_eof and not self.closed:
            self.buffer += self._receive_now() or b""

    async def pour(self, take: Take, idle: float) -> bool:
        """Give what comes to `take` until it says False; False when the end came before.

        `take` is called inside the loop's callback with bytes that are valid until it returns;
        what it raises is raised here. `idle` seconds without bytes fail. Raises StreamError.
        """
        if self.buffer and not take(self.take_out(len(self.buffer))):
            return True
        self._idle = idle
        return bool(await self.receive(monotonic() + idle, take))

    async def receive(self, deadline: float, take: Take | None = None) -> bytes:
        """What comes next, whatever `buffer` holds; b"" at the end. Raises StreamError."""
        if self._pending_failure is not None or self.closed:
            self.check_failure()
        if self.at_eof:
            return b""
        self.read_waiter = waiter = Waiter(self._loop)
        self.read_deadline = deadline
        self._taker = take
        if not self._reading:
            self._readiness.add_reader(self._fd, self._on_readable)
            self._reading = True
        try:
            return await waiter
        finally:
            # A cancelled read ends late: somebody else may be reading by now.
            if self.read_waiter is waiter:
                self.read_waiter = None
                self.read_deadline = inf

    def _receive_now(self) -> bytes | None:
        """What can be had without waiting; None when nothing can. Raises StreamError."""
        size = self._receive_into_scratch()
        return None if size is None else bytes(self._reactor.scratch[:size])

    def _receive_into_scratch(self) -> int | None:
        try:
            size = receive(self._sock, self._reactor.scratch, self.encrypted)
        except OSError as error:
            self.at_eof = True
            raise StreamError(self, "closed", error) from None
        if size > 0:
            return size
        if size == NOTHING_YET:
            return None
        self.at_eof = True
        self.clean_eof = size == CLEAN_END
        return 0

    def _on_readable(self) -> None:
        waiter = self.read_waiter
        if waiter is None or waiter.done():
            self._on_idle_readable()
            return
        if self._only_wake:
            waiter.wake(b"")
            return
        try:
            size = self._receive_into_scratch()
            if size is None:
                return
            if self._taker is None:
                data = bytes(self._reactor.scratch[:size])
            elif (poured := self._pour_now(self._taker, size)) is not None:
                data = poured
            else:
                return
        except Exception as error:
            waiter.fail(error)
            return
        if not size:
            self._stop_reading()
        waiter.wake(data)

    def _pour_now(self, take: Take, size: int) -> bytes | None:
        """Something true when `take` wants no more, b"" at the end, None to go on."""
        if not size:
            return b""
        self.read_deadline = monotonic() + self._idle
        return None if take(self._reactor.scratch[:size]) else b"enough"

    def _on_idle_readable(self) -> None:
        """Nobody waits for data: read ahead for a watcher, or let it wait in the kernel."""
        if self._watcher is None or len(self.buffer) >= READ_AHEAD:
            self._stop_reading()
            return
        try:
            data = self._receive_now()
        except StreamError:
            data = b""
        if data is None:
            return
        if not data:
            self._stop_reading()
        self.buffer += data
        self._watcher()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Read ahead while nobody reads, and call `watcher` at each event (data, or the end)."""
        self._watcher = watcher
        if not self._reading and not self.at_eof and not self.closed:
            self._readiness.add_reader(self._fd, self._on_readable)
            self._reading = True

    def unwatch(self) -> None:
        """End `watch`."""
        self._watcher = None

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._readiness.remove_reader(self._fd)

    # --- opening: see opening.py --------------------------------------------------------------

    async def readable(self, deadline: float) -> None:
        """Wait until something can be received, without receiving it. Raises StreamError."""
        self._only_wake = True
        try:
            await self.receive(deadline)
        finally:
            self._only_wake = False

    def encrypt(self, sock: ssl.SSLSocket) -> None:
        """Go on with the TLS socket that took the plain one's place."""
        self._sock = sock
        self.encrypted = True

    # --- ending -------------------------------------------------------------------------------

    def half_close(self) -> None:
        """Say that nothing more will be sent, and go on receiving."""
        with contextlib.suppress(OSError, ValueError):
            if isinstance(self._sock, ssl.SSLSocket):
                self._sock.unwrap()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_WR)

    def close(self) -> None:
        """End properly: TLS says goodbye first. Safe to call twice."""
        if self.closed:
            return
        if isinstance(self._sock, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self._sock.unwrap()
        self._forget()

    def abort(self) -> None:
        """End so that the peer sees a failure: no TLS goodbye, and a reset instead of a FIN."""
        if self.closed:
            return
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._forget()

    def _forget(self) -> None:
        self.closed = True
        self._watcher = None
        self._stop_reading()
        self._stop_writing()
        self._reactor.streams.discard(self)
        fail(self.read_waiter, StreamError(self, "closed"))
        fail(self.write_waiter, StreamError(self, "closed"))
        self._sock.close()
