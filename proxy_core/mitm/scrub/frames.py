"""WebSocket messages from the upstream (RFC 6455 5), without secrets.

Without extensions an intermediary may split and join fragments: what of a message has come goes on
as a fragment of its own, so that neither its size nor its length in time matters. A text is
searched across its fragments, and ends with its message.
"""

from proxy_core.domain.exchange import Scrub
from proxy_core.mitm.http1 import ProtocolError, Side

_FIN, _RESERVED, _OPCODE, _MASKED = 0x80, 0x70, 0x0F, 0x80
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_CONTROL_MOST = 125
_CODE_SIZE, _CODES = 2, range(1000, 5000)
"""A close frame begins with a status code of two bytes, and no secret with one of these."""


class FrameScrubber:
    """Turns the bytes of unmasked frames into those of scrubbed ones."""

    def __init__(self, scrub: Scrub) -> None:
        self._scrub = scrub
        self._text = scrub.stream()
        self._held = b""
        self._left = 0
        """Payload bytes of the data frame under way that have not come yet."""
        self._final = False
        self._opcode: int | None = None
        """Of the message under way: its own until a first fragment was written, then 0."""

    def feed(self, data: bytes | memoryview) -> bytes:
        """What to write for `data`. Raises ProtocolError upstream_protocol."""
        data = self._held + data if self._held else bytes(data)
        out: list[bytes] = []
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                self._message(piece, out)
                continue
            after = self._frame(data, at, out)
            if after is None:
                break
            at = after
        self._held = data[at:]
        return b"".join(out)

    def _frame(self, data: bytes, at: int, out: list[bytes]) -> int | None:
        """Read a frame's head, and a control frame's payload; None: it is not whole yet."""
        head = _read_head(data, at)
        if head is None:
            return None
        first, size, begin = head
        opcode, final = first & _OPCODE, bool(first & _FIN)
        if opcode & 0x8:
            if not final or size > _CONTROL_MOST or opcode > _PONG:
                raise _malformed("malformed control frame")
            if len(data) < begin + size:
                return None
            out.append(_frame(first, self._control(opcode, data[begin : begin + size])))
            return begin + size
        self._begin(opcode, final)
        self._left = size
        if not size:
            self._message(b"", out)
        return begin

    def _begin(self, opcode: int, final: bool) -> None:
        if (opcode == _CONTINUATION) != (self._opcode is not None) or opcode > _BINARY:
            raise _malformed("a frame of no message, or within another one")
        if self._opcode is None:
            self._opcode = opcode
        self._final = final

    def _message(self, piece: bytes, out: list[bytes]) -> None:
        """Write on what is decided of the message under way."""
        assert self._opcode is not None
        text = self._text.feed(piece)
        if not self._left and self._final:
            out.append(_frame(_FIN | self._opcode, text + self._text.flush()))
            self._opcode = None
        elif text:
            out.append(_frame(self._opcode, text))
            self._opcode = _CONTINUATION

    def _control(self, opcode: int, payload: bytes) -> bytes:
        kept = payload[:_CODE_SIZE] if opcode == _CLOSE else b""
        if kept and (len(kept) < _CODE_SIZE or int.from_bytes(kept, "big") not in _CODES):
            raise _malformed("close frame without a code")
        return (kept + self._scrub.whole(payload[len(kept) :]))[:_CONTROL_MOST]


def _read_head(data: bytes, at: int) -> tuple[int, int, int] | None:
    """First byte, payload size, and where the payload begins; None: not whole yet."""
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    if first & _RESERVED:
        raise _malformed("frame of an extension that was not agreed on")
    if second & _MASKED:
        raise _malformed("masked frame from a server")
    size, begin = second, at + 2
    if size >= 126:
        begin = at + (4 if size == 126 else 10)
        if len(data) < begin:
            return None
        size = int.from_bytes(data[at + 2 : begin], "big")
    if size >= 1 << 63:
        raise _malformed("frame of an impossible size")
    return first, size, begin


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (first, size, payload)
    if size < 1 << 16:
        return b"%c\x7e%b%b" % (first, size.to_bytes(2, "big"), payload)
    return b"%c\x7f%b%b" % (first, size.to_bytes(8, "big"), payload)


def _malformed(detail: str) -> ProtocolError:
    return Side.RESPONSE.malformed(f"WebSocket: {detail}")
