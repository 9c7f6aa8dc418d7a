"""The chunked coding (RFC 9112 7.1): a strict scan that writes what it has understood.

Rules
- A size is 1 to 16 hexadecimal digits, nothing around them. It goes on without leading zeros.
- Extensions are checked, bounded by line and by body, and cut out: every hop may drop them.
- A line is passed on only when it is whole and right; chunk data passes as it comes.
- The last chunk is passed on only with its whole trailer section, so that nothing downstream can
  take a message for complete whose end was wrong.
- Trailer fields never become header fields; those that frame, route, authenticate or stand where
  the proxy injects are dropped (RFC 9110 6.5.1).

When a feed holds nothing to change, `wire` is a view of it.
"""

import re
from collections.abc import Collection
from enum import Enum, auto

from proxy_core.mitm.http1.fields import Field, fold, parse_block
from proxy_core.mitm.http1.values import NOTHING, BodyChunk, Limits, Side

# Possessive where one class repeats, never a group: Python before 3.11.5 matches those wrongly.
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_SIZE_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,16}+)((?:;" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*)\r\n"
)
_PLAIN_SIZE_LINE = re.compile(rb"([1-9A-Fa-f][0-9A-Fa-f]{0,7}+)\r\n")
_PART_OF_SIZE_LINE = re.compile(rb"[0-9A-Fa-f]{1,16}+(?:;[\t -~\x80-\xff]*+)?\r?")

FORBIDDEN_TRAILERS = frozenset(
    b"""transfer-encoding content-length host trailer te connection keep-alive upgrade expect
    max-forwards cache-control range content-encoding content-type content-range authorization
    cookie set-cookie www-authenticate authentication-info forwarded via location vary age date
    expires retry-after warning if-match if-none-match if-modified-since if-unmodified-since
    if-range x-vault http2-settings x-forwarded-for x-forwarded-host x-forwarded-proto
    x-real-ip x-vault-proxy-error x-agent-vault-proxy-error""".split()
)


def trailer_allowed(name: bytes, injected: Collection[bytes] = ()) -> bool:
    """Whether a field of this name may stand in a trailer section that we write.

    `injected` are folded names of header fields that the proxy sets itself.
    """
    key = fold(name)
    return not (
        key in FORBIDDEN_TRAILERS or key in injected or key.startswith((b"proxy-", b"sec-"))
    )


def last_chunk(trailers: list[Field]) -> bytes:
    """The end of a chunked body."""
    return b"0\r\n%b\r\n" % b"".join(b"%b: %b\r\n" % field for field in trailers)


class _At(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILERS = auto()
    END = auto()


class ChunkedBody:
    """Reads one chunked body and writes it chunked again (`unwrap`: writes its payload alone)."""

    more = False

    def __init__(
        self,
        side: Side,
        limit: int | None,
        limits: Limits,
        injected: Collection[bytes] = (),
        unwrap: bool = False,
    ) -> None:
        self._side = side
        self._limit = limit
        self._limits = limits
        self._injected = injected
        self._unwrap = unwrap
        self._at = _At.SIZE
        self._left = 0
        self._held = b""
        self._total = 0
        self._extensions = 0
        self.trailers: list[Field] = []
        """The fields of the trailer section that pass, once it was read."""

    @property
    def complete(self) -> bool:
        """The trailer section has ended."""
        return self._at is _At.END

    def eof(self) -> bytes:
        """The connection closed. Raises ProtocolError unless the body was complete."""
        if not self.complete:
            raise self._side.malformed("connection closed within a chunked body")
        return b""

    def feed(self, data: bytes | memoryview) -> BodyChunk:
        """Scan `data`. Raises ProtocolError: malformed, too large."""
        if self._at is _At.END or not data:
            return NOTHING
        data = bytes(data)
        before = len(self._held)
        if self._at is _At.SIZE and not before:
            whole = self._one_whole_chunk(data)
            if whole is not None:
                return whole
        if before:
            data, self._held = self._held + data, b""
        scan = _Scan(data)
        step = _STEPS[self._at]
        while step is not None and step(self, scan):
            step = _STEPS[self._at]
        payload = scan.payload()
        return BodyChunk(payload, payload if self._unwrap else scan.wire(), scan.at - before)

    def _one_whole_chunk(self, data: bytes) -> BodyChunk | None:
        """The answer for exactly one plain chunk, which is how events come; else None."""
        match = _PLAIN_SIZE_LINE.match(data)
        if match is None:
            return None
        begin, size = match.end(), int(match[1], 16)
        if len(data) != begin + size + 2 or not data.endswith(b"\r\n"):
            return None
        self._check_size(size, begin, 0)
        payload = memoryview(data)[begin:-2]
        return BodyChunk(payload, payload if self._unwrap else data, len(data))

    # Each step reads one element and returns False when the bytes are used up.

    def _size(self, scan: "_Scan") -> bool:
        match = _SIZE_LINE.match(scan.data, scan.at)
        if match is None:
            return self._hold(scan, self._check_part_of_size_line(scan.data[scan.at :]))
        digits, extensions = match.groups()
        size = int(digits, 16)
        self._check_size(size, match.end() - match.start(), len(extensions))
        if size == 0:
            self._last(scan, match.end(), bool(extensions) or len(digits) > 1)
            return self._at is not _At.END
        if extensions or digits[0] == 0x30:
            scan.replace(match.end(), b"%x\r\n" % size)
        else:
            scan.at = match.end()
        self._left, self._at = size, _At.DATA
        return scan.at < len(scan.data)

    def _last(self, scan: "_Scan", end: int, altered: bool) -> None:
        if not altered and scan.data.startswith(b"\r\n", end):
            scan.at = end + 2
            self._at = _At.END
        else:
            scan.replace(end, b"")
            self._at = _At.TRAILERS

    def _data(self, scan: "_Scan") -> bool:
        took = scan.take(self._left)
        self._left -= took
        if self._left == 0:
            self._at = _At.DATA_END
        return scan.at < len(scan.data)

    def _data_end(self, scan: "_Scan") -> bool:
        rest = scan.data[scan.at : scan.at + 2]
        if rest == b"\r\n":
            scan.at += 2
            self._at = _At.SIZE
            return scan.at < len(scan.data)
        if rest != b"\r":
            raise self._side.malformed("chunk data does not end where its size says")
        return self._hold(scan, rest)

    def _trailers(self, scan: "_Scan") -> bool:
        if scan.data.startswith(b"\r\n", scan.at):
            end, block = scan.at + 2, b""
        else:
            found = scan.data.find(b"\r\n\r\n", scan.at)
            if (found if found >= 0 else len(scan.data)) - scan.at > self._limits.trailers:
                raise self._side.head_too_large("trailer section is too large")
            if found < 0:
                return self._hold(scan, self._check_part_of_trailers(scan.data[scan.at :]))
            end, block = found + 4, scan.data[scan.at : found + 2]
        kept = [
            field
            for field in parse_block(block, self._side, self._limits)
            if trailer_allowed(field[0], self._injected)
        ]
        self.trailers = kept
        scan.replace(end, last_chunk(kept))
        self._at = _At.END
        return False

    def _hold(self, scan: "_Scan", rest: bytes) -> bool:
        """Keep an element that is not whole until the next feed."""
        self._held = rest
        scan.hold(len(rest))
        return False

    def _check_size(self, size: int, line: int, extensions: int) -> None:
        self._extensions += extensions
        if line > self._limits.chunk_line or self._extensions > self._limits.chunk_extensions:
            raise self._side.malformed("chunk extensions are too large")
        if size >= 1 << 63:
            raise self._side.malformed("malformed chunk size")
        self._total += size
        if self._limit is not None and self._total > self._limit:
            raise self._side.body_too_large(self._limit)

    def _check_part_of_size_line(self, rest: bytes) -> bytes:
        if _PART_OF_SIZE_LINE.fullmatch(rest) is None:
            raise self._side.malformed("malformed chunk size")
        if len(rest) > self._limits.chunk_line:
            raise self._side.malformed("chunk extensions are too large")
        return rest

    def _check_part_of_trailers(self, rest: bytes) -> bytes:
        line_feed = rest.find(b"\n")
        if line_feed == 0 or (line_feed > 0 and rest[line_feed - 1] != 0x0D):
            raise self._side.malformed("line ends in a bare LF")
        return rest


_STEPS = {
    _At.SIZE: ChunkedBody._size,
    _At.DATA: ChunkedBody._data,
    _At.DATA_END: ChunkedBody._data_end,
    _At.TRAILERS: ChunkedBody._trailers,
    _At.END: None,
}


class _Scan:
    """A position in one feed, and the runs of it that go on as they are."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self._view = memoryview(data)
        self._mark = 0
        self._wire: list[bytes | memoryview] = []
        self._payload: list[memoryview] = []

    def take(self, most: int) -> int:
        """Read up to `most` bytes of chunk data."""
        piece = self._view[self.at : self.at + most]
        self._payload.append(piece)
        self.at += len(piece)
        return len(piece)

    def replace(self, end: int, by: bytes) -> None:
        """Read up to `end`, and write `by` instead."""
        if self.at > self._mark:
            self._wire.append(self._view[self._mark : self.at])
        if by:
            self._wire.append(by)
        self.at = self._mark = end

    def hold(self, count: int) -> None:
        """Read `count` bytes more, which are not to be written yet."""
        self.replace(self.at + count, b"")

    def payload(self) -> bytes | memoryview:
        """All chunk data of this feed."""
        return _joined(self._payload)

    def wire(self) -> bytes | memoryview:
        """Everything to write for this feed."""
        if self.at > self._mark:
            self._wire.append(self._view[self._mark : self.at])
        return _joined(self._wire)


def _joined(pieces: "list[bytes | memoryview] | list[memoryview]") -> bytes | memoryview:
    if len(pieces) == 1:
        return pieces[0]
    return b"".join(pieces)
