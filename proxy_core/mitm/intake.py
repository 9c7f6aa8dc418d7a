"""Reading request heads from a client, with a time for idling and a time for the head itself."""

from collections.abc import Awaitable, Callable

from proxy_core.base.errors import VaultError
from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.http1 import RequestHead, find_head, parse_request_head
from proxy_core.mitm.opening import peek
from proxy_core.mitm.streams import READ_AHEAD, Stream, StreamError

More = Callable[[Stream, float], Awaitable[bool]]
"""Adds bytes to the stream's buffer before a deadline; False at the end."""


async def read_more(stream: Stream, deadline: float) -> bool:
    """Whatever comes. Raises StreamError."""
    return await stream.fill(deadline)


async def peek_more(stream: Stream, deadline: float) -> bool:
    """Nothing beyond the head that is being read: a ClientHello may follow CONNECT in its packet.

    What is peeked without the head's end belongs to the head and is taken out, so that the same
    bytes are never looked at twice. Raises StreamError, ProtocolError.
    """
    shown = await peek(stream, READ_AHEAD, deadline)
    if not shown:
        return False
    end = find_head(stream.buffer + shown, 0, READ_AHEAD + len(stream.buffer))
    stream.buffer += stream.socket.recv(len(shown) if end < 0 else end - len(stream.buffer))
    return True


async def next_head(stream: Stream, config: ProxyConfig, more: More) -> RequestHead | None:
    """The next request's head, taken out of the buffer; None when the client has left instead.

    Raises ProtocolError, StreamError (idle for too long), VaultError bad_request (a head that
    does not get ready).
    """
    buffer = stream.buffer
    if not buffer and not await more(stream, stream.time + config.client_idle):
        return None
    end = find_head(buffer, 0, config.head_limit)
    if end < 0:
        end = await _rest_of_head(stream, config, more)
        if end < 0:
            return None
    return parse_request_head(stream.take_out(end), config.limits)


async def _rest_of_head(stream: Stream, config: ProxyConfig, more: More) -> int:
    """Where the head ends; -1: the client has left instead. Raises as `next_head` does."""
    deadline = stream.time + config.head_timeout
    while True:
        try:
            if not await more(stream, deadline):
                return -1
        except StreamError as error:
            if error.reason == "timeout":
                detail = "the request head did not arrive in time"
                raise VaultError("bad_request", detail) from None
            raise
        end = find_head(stream.buffer, 0, config.head_limit)
        if end >= 0:
            return end
