"""A response body that goes on decoded, scrubbed and framed anew."""

from proxy_core.domain.exchange import Scrub
from proxy_core.mitm.http1 import (
    CHUNKED,
    UNTIL_CLOSE,
    BodyChunk,
    BodyReader,
    Framing,
    Limits,
    Side,
    body_reader,
    without_digests,
)
from proxy_core.mitm.http1.chunked import ChunkedBody, last_chunk
from proxy_core.mitm.scrub.coding import Decoding
from proxy_core.mitm.scrub.fields import scrubbed_fields


class ScrubbedBody:
    """A BodyReader around another one.

    Its first feed gives the content alone: `frame_first` then says how it goes on. Every later
    feed gives what is to be written. While `more` is set, `feed(b"")` gives further bytes and no
    other data may be fed: one packet can hold far more than fits in memory.
    """

    def __init__(
        self, framing: Framing, coding: bytes | None, scrub: Scrub, limits: Limits
    ) -> None:
        self._inner: BodyReader = body_reader(
            framing, side=Side.RESPONSE, out=_bare(framing), limits=limits
        )
        self._decoding = Decoding(coding) if coding else None
        self._scrub = scrub
        self._stream = scrub.stream()
        self._decoded = coding is not None
        self._chunked = False
        self.complete = False
        self.more = False

    def feed(self, data: bytes | memoryview) -> BodyChunk:
        """Read what belongs to the body.

        Raises ProtocolError: malformed, too large; VaultError response_unreadable.
        """
        chunk = self._inner.feed(data)
        content = self._content(chunk.payload)
        wire = self._framed(content)
        if self._inner.complete and not self.more:
            wire += self._end()
        return BodyChunk(chunk.payload, wire, chunk.consumed)

    @property
    def as_it_came(self) -> bool:
        """What was written until now is, to the byte, what the upstream has sent."""
        return not (self._decoded or self._stream.replaced)

    def frame_first(self, content: bytes | memoryview, minor: int) -> tuple[Framing, bytes]:
        """How the body goes on whose first part is `content`, and that part as it is written.

        `minor` is the client's HTTP version: one that is not 1.1 can't read chunks.
        """
        content = bytes(content)
        if self.complete and not (minor and self._trailers):
            return Framing.of_length(len(content)), content
        if not minor:
            return UNTIL_CLOSE, content
        self._chunked = True
        wire = self._framed(content)
        return CHUNKED, wire + last_chunk(self._trailers) if self.complete else wire

    def eof(self) -> bytes:
        """The connection closed. Raises ProtocolError when the body was cut."""
        self._inner.eof()
        return b"" if self.complete else self._end()

    def _content(self, payload: bytes | memoryview) -> bytes:
        if self._decoding is None:
            return self._stream.feed(payload)
        clear = self._decoding.decode(bytes(payload))
        self.more = self._decoding.more
        return self._stream.feed(clear)

    def _end(self) -> bytes:
        if self._decoding is not None:
            self._decoding.end()
        self.complete = True
        wire = self._framed(self._stream.flush())
        return wire + last_chunk(self._trailers) if self._chunked else wire

    def _framed(self, content: bytes) -> bytes:
        if self._chunked and content:
            return b"%x\r\n%b\r\n" % (len(content), content)
        return content

    @property
    def _trailers(self) -> list[tuple[bytes, bytes]]:
        inner = self._inner
        if isinstance(inner, ChunkedBody) and inner.trailers:
            fields = scrubbed_fields(self._scrub, inner.trailers)
            return fields if self.as_it_came else without_digests(fields)
        return []


def _bare(framing: Framing) -> Framing:
    """The framing that makes a reader give the payload alone."""
    return UNTIL_CLOSE if framing == CHUNKED else framing
