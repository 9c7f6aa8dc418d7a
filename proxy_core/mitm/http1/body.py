"""Bodies: not looked into, only cut where the framing says so.

    body_reader(framing, …) → BodyReader
    ├── LengthBody    a countdown; bytes pass as they came (no body at all: complete at once)
    ├── ChunkedBody   strict scan, extensions and forbidden trailers cut out (chunked.py)
    └── CloseBody     until the connection closes

Each `feed` says how much of the bytes belongs to this body, what the payload is, and what to write
onward. Nothing is kept longer than a line or a trailer section takes to arrive.
"""

from collections.abc import Collection
from typing import Protocol

from proxy_core.mitm.http1.chunked import ChunkedBody, last_chunk
from proxy_core.mitm.http1.values import (
    DEFAULT_LIMITS,
    NOTHING,
    BodyChunk,
    Framing,
    FramingKind,
    Limits,
    Side,
)


class BodyReader(Protocol):
    """Reads one body and says what to write onward for it."""

    @property
    def complete(self) -> bool:
        """The body has ended; further bytes belong to the next message."""

    @property
    def more(self) -> bool:
        """`feed(b"")` gives further bytes to write, and no others may be fed before."""

    def feed(self, data: bytes | memoryview) -> BodyChunk:
        """Read what belongs to this body. Raises ProtocolError: malformed, too large."""

    def eof(self) -> bytes:
        """The connection closed: what ends the body onward. Raises ProtocolError: truncated."""


class LengthBody:
    """`length` bytes, passed on without a copy."""

    more = False

    def __init__(self, length: int, side: Side) -> None:
        self._left = length
        self._side = side

    @property
    def complete(self) -> bool:
        """All bytes have come."""
        return self._left == 0

    def feed(self, data: bytes | memoryview) -> BodyChunk:
        """Count down."""
        size = len(data)
        if size <= self._left:
            self._left -= size
            return BodyChunk(data, data, size)
        if self._left == 0:
            return NOTHING
        mine, self._left = memoryview(data)[: self._left], 0
        return BodyChunk(mine, mine, len(mine))

    def eof(self) -> bytes:
        """Raises ProtocolError when bytes are missing."""
        if self._left:
            raise self._side.malformed("connection closed within the body")
        return b""


class CloseBody:
    """All bytes until the connection closes; `wrap`: written on as chunks."""

    more = False

    def __init__(self, wrap: bool) -> None:
        self._wrap = wrap
        self.complete = False

    def feed(self, data: bytes | memoryview) -> BodyChunk:
        """Everything is body."""
        if not data or self.complete:
            return NOTHING
        wire = b"%x\r\n%b\r\n" % (len(data), bytes(data)) if self._wrap else data
        return BodyChunk(data, wire, len(data))

    def eof(self) -> bytes:
        """The body is complete. Call it for a clean close only: a reset is a truncation."""
        if self.complete:
            return b""
        self.complete = True
        return last_chunk([]) if self._wrap else b""


def body_reader(
    framing: Framing,
    limit: int | None = None,
    *,
    side: Side = Side.REQUEST,
    out: Framing | None = None,
    injected: Collection[bytes] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> BodyReader:
    """A reader for a body framed by `framing`, of at most `limit` bytes (None: any size).

    `out` is the framing it is written on with, if another one: CHUNKED for a body until close, or
    UNTIL_CLOSE for a chunked body (see `response_framing`). `injected` are folded names of header
    fields that the proxy sets: a trailer can't bear them.
    Raises ProtocolError: request_too_large when the length says so already.
    """
    written = framing if out is None else out
    if framing.kind is FramingKind.CHUNKED:
        unwrap = written.kind is not FramingKind.CHUNKED
        return ChunkedBody(side, limit, limits, injected, unwrap)
    if framing.kind is FramingKind.UNTIL_CLOSE:
        return CloseBody(wrap=written.kind is FramingKind.CHUNKED)
    if limit is not None and framing.length > limit:
        raise side.body_too_large(limit)
    return LengthBody(framing.length, side)
