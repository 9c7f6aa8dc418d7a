"""What the framing core's parts tell each other: whose fault, how long, how much at most."""

from dataclasses import dataclass
from enum import Enum, StrEnum

import msgspec

from proxy_core.base.errors import VaultError


class ProtocolError(VaultError):
    """Bytes that this core refuses. After it, the connection they came from is only closed."""


@dataclass(frozen=True, slots=True)
class _Codes:
    malformed: str
    head_too_large: str
    body_too_large: str


class Side(Enum):
    """Who sent the bytes: decides the code of every error about them."""

    REQUEST = _Codes("bad_request", "headers_too_large", "request_too_large")
    RESPONSE = _Codes("upstream_protocol", "response_too_large", "response_too_large")

    def malformed(self, detail: str) -> ProtocolError:
        """The error for bytes that break the grammar or the framing rules."""
        return ProtocolError(self.value.malformed, detail)

    def head_too_large(self, detail: str) -> ProtocolError:
        """The error for a head or trailer section beyond the limits."""
        return ProtocolError(self.value.head_too_large, detail)

    def body_too_large(self, limit: int) -> ProtocolError:
        """The error for a body beyond `limit` bytes."""
        return ProtocolError(self.value.body_too_large, f"body larger than {limit} bytes")


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, except `fields`."""

    head: int = 64 * 1024
    fields: int = 200
    chunk_line: int = 1024
    """One chunk-size line with its extensions."""
    chunk_extensions: int = 16 * 1024
    """All extensions of one body together: they cost work and carry nothing."""
    trailers: int = 16 * 1024


DEFAULT_LIMITS = Limits()


class FramingKind(StrEnum):
    """How a message's body ends."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    UNTIL_CLOSE = "until-close"


class Framing(msgspec.Struct, frozen=True, gc=False):
    """How a body ends; `length` counts for LENGTH only and may be 0 there.

    NONE and LENGTH 0 both have no body bytes, but only the latter is announced by a field.
    """

    kind: FramingKind
    length: int = 0

    @classmethod
    def of_length(cls, length: int) -> "Framing":
        """A body of exactly `length` bytes."""
        return cls(FramingKind.LENGTH, length)

    @property
    def has_body(self) -> bool:
        """Body bytes will (or, unless LENGTH, may) follow the head."""
        kind = self.kind
        return kind is not FramingKind.NONE and (self.length > 0 or kind is not FramingKind.LENGTH)


NO_BODY = Framing(FramingKind.NONE)
EMPTY = Framing(FramingKind.LENGTH)
CHUNKED = Framing(FramingKind.CHUNKED)
UNTIL_CLOSE = Framing(FramingKind.UNTIL_CLOSE)


class BodyChunk(msgspec.Struct, frozen=True, gc=False):
    """What one feed gave.

    `payload` is body content; `wire` is what to write onward for it, framing included; `consumed`
    is how many of the bytes fed belong to this body: the rest is the next message's. Both views are
    valid as long as the bytes that were fed.
    """

    payload: bytes | memoryview
    wire: bytes | memoryview
    consumed: int


NOTHING = BodyChunk(b"", b"", 0)
