"""A strict reader of HTTP/1.1, written apart from the core: line by line, without its grammar.

It reads as RFC 9112 says and guesses nothing. What the core lets through must be what this reader
sees, before and after.
"""

from dataclasses import dataclass, field

_CONTROLS = frozenset([*range(0x09), *range(0x0A, 0x20), 0x7F])
_NAME_BYTES = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Refused(Exception):
    """A strict reader would not read on."""


class Incomplete(Exception):
    """A strict reader would wait for more."""


@dataclass
class Message:
    """One message. Names in lower case; `closed`: its body ended with the connection."""

    start: bytes
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    closed: bool = False

    def values(self, name: bytes) -> list[bytes]:
        """Of all fields of that name."""
        return [value for key, value in self.fields if key == name]


class Reference:
    """Reads messages off `data`, from `at` on."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def requests(self) -> tuple[list[Message], str]:
        """All whole requests, and why there is no further one: end, incomplete, refused."""
        found: list[Message] = []
        while self.at < len(self._data):
            begin = self.at
            try:
                found.append(self.request())
            except (Refused, Incomplete) as why:
                self.at = begin
                return found, type(why).__name__.lower()
        return found, "end"

    def request(self) -> Message:
        """The next one. Raises Refused, Incomplete."""
        if self._data[self.at : self.at + 2] == b"\r\n":
            self.at += 2
        message = self._head()
        parts = message.start.split(b" ")
        if len(parts) != 3 or not all(parts) or parts[2] not in (b"HTTP/1.0", b"HTTP/1.1"):
            raise Refused
        if any(byte <= 0x20 or byte >= 0x7F for byte in parts[0] + parts[1]):
            raise Refused
        length = self._length(message, parts[2] == b"HTTP/1.0")
        if length is None:
            self._chunks(message)
        else:
            message.body = self._take(length)
        return message

    def response(self, method: bytes) -> Message:
        """The next one, which answers `method`; the data ends with the connection.

        Raises Refused, Incomplete.
        """
        message = self._head()
        version, status = message.start[:9], message.start[9:12]
        if version not in (b"HTTP/1.0 ", b"HTTP/1.1 ") or not status.isdigit():
            raise Refused
        code = int(status)
        length = self._length(message, version == b"HTTP/1.0 ", code)
        if code < 200 or code in (204, 304) or method == b"HEAD":
            return message
        if length is None:
            self._chunks(message)
        elif message.values(b"content-length"):
            message.body = self._take(length)
        else:
            message.body, message.closed = self._data[self.at :], True
            self.at = len(self._data)
        return message

    def _line(self) -> bytes:
        end = self._data.find(b"\n", self.at)
        line = self._data[self.at :] if end < 0 else self._data[self.at : end - 1]
        if end >= 0 and self._data[end - 1 : end] != b"\r":
            raise Refused
        if any(byte in _CONTROLS for byte in line.removesuffix(b"\r")):
            raise Refused
        if end < 0:
            raise Incomplete
        if b"\r" in line:
            raise Refused
        self.at = end + 1
        return line

    def _head(self) -> Message:
        message = Message(self._line())
        message.fields = self._fields()
        return message

    def _fields(self) -> list[tuple[bytes, bytes]]:
        found = []
        while line := self._line():
            name, colon, value = line.partition(b":")
            if not colon or not name or any(byte not in _NAME_BYTES for byte in name.lower()):
                raise Refused
            found.append((name.lower(), value.strip(b" \t")))
        return found

    def _length(self, message: Message, old: bool, status: int = 200) -> int | None:
        lengths = message.values(b"content-length")
        codings = message.values(b"transfer-encoding")
        if codings:
            if lengths or old or [coding.lower() for coding in codings] != [b"chunked"]:
                raise Refused
            return None
        if len(lengths) > 1 or (lengths and not lengths[0].isdigit()):
            raise Refused
        return int(lengths[0]) if lengths else 0

    def _take(self, size: int) -> bytes:
        taken = self._data[self.at : self.at + size]
        if len(taken) < size:
            raise Incomplete
        self.at += size
        return taken

    def _chunks(self, message: Message) -> None:
        while True:
            digits, _, _ = self._line().partition(b";")
            if not digits or len(digits) > 16 or any(byte not in _HEX for byte in digits):
                raise Refused
            if (size := int(digits, 16)) == 0:
                message.trailers = self._fields()
                return
            message.body += self._take(size)
            if self._take(2) != b"\r\n":
                raise Refused
