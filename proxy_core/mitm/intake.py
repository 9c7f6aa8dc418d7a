"""Reading request heads from a client, with a time for idling and a time for the head itself."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.mitm.asked import Asked
from proxy_core.mitm.config import KIB, ProxyConfig
from proxy_core.mitm.http1 import find_head, parse_request_head
from proxy_core.mitm.opening import peek
from proxy_core.mitm.streams import READ_AHEAD, Stream, StreamError

REMEMBERED: Final = 8 * KIB
"""A head of up to this size is kept until the connection sends another one."""

More = Callable[[Stream, float], Awaitable[bytes]]
"""Receives what comes next before a deadline; b"" at the end."""


async def peek_more(stream: Stream, deadline: float) -> bytes:
    """Nothing beyond the head that is being read: a ClientHello may follow CONNECT in its packet.

    What is peeked without the head's end belongs to the head and is taken out, so that the same
    bytes are never looked at twice. Under TLS nothing can be peeked: what comes behind the head is
    in the buffer then. Raises StreamError, ProtocolError.
    """
    if stream.encrypted:
        return await stream.receive(deadline)
    shown = await peek(stream, READ_AHEAD, deadline)
    if not shown:
        return b""
    end = find_head(stream.buffer + shown, 0, READ_AHEAD + len(stream.buffer))
    return stream.socket.recv(len(shown) if end < 0 else end - len(stream.buffer))


class Intake:
    """The request heads of one client connection. `repeats`: the last one is remembered."""

    def __init__(self, stream: Stream, more: More, *, repeats: bool) -> None:
        self._stream = stream
        self._more = more
        self._repeats = repeats
        self._bytes = b""
        self._asked: Asked | None = None

    async def next(self, config: ProxyConfig) -> Asked | None:
        """The next request's head, taken out of the buffer; None when the client has left instead.

        Raises ProtocolError, StreamError (idle for too long), VaultError bad_request (a head that
        does not get ready).
        """
        stream, asked = self._stream, self._asked
        if asked is not None and asked.limits is not config.limits:
            asked = None
        buffer = stream.buffer
        if not buffer:
            data = await self._more(stream, monotonic() + config.client_idle)
            if not data:
                return None
            if asked is not None and data == self._bytes and not buffer:
                asked.repeated = True
                return asked
            buffer += data
        if asked is not None and buffer.startswith(self._bytes):
            asked.repeated = True
            stream.drop(len(self._bytes))
            return asked
        end = find_head(buffer, 0, config.head_limit)
        if end < 0:
            end = await _rest_of_head(stream, config, self._more)
            if end < 0:
                return None
        data = stream.take_out(end)
        asked = Asked(parse_request_head(data, config.limits), config.limits)
        if self._repeats:
            self._remember(data, asked)
        return asked

    def _remember(self, data: bytes, asked: Asked) -> None:
        """Expect the same again, unless that would keep much for every connection."""
        small = len(data) <= REMEMBERED
        self._bytes, self._asked = (data, asked) if small else (b"", None)


async def _rest_of_head(stream: Stream, config: ProxyConfig, more: More) -> int:
    """Where the head ends; -1: the client has left instead. Raises as `Intake.next` does."""
    deadline = monotonic() + config.head_timeout
    while True:
        try:
            data = await more(stream, deadline)
        except StreamError as error:
            if error.reason == "timeout":
                detail = "the request head did not arrive in time"
                raise VaultError("bad_request", detail) from None
            raise
        if not data:
            return -1
        stream.buffer += data
        end = find_head(stream.buffer, 0, config.head_limit)
        if end >= 0:
            return end
