"""Parsed heads, and where a head ends in a buffer."""

import msgspec

from proxy_core.mitm.http1.fields import Field
from proxy_core.mitm.http1.values import Framing, Side

_CRLF = b"\r\n"
_END = b"\r\n\r\n"


class RequestHead(msgspec.Struct, frozen=True, gc=False):
    """A request line and its fields, all within the grammar.

    `headers` are in order and case as sent; `options` is what Connection nominates, lower case;
    `host` is the Host field, None only on HTTP/1.0; `websocket_key` is set when the request is a
    valid opening handshake; `max_forwards` is read for OPTIONS and TRACE only.
    """

    method: bytes
    target: bytes
    minor: int
    headers: list[Field]
    framing: Framing
    keep_alive: bool
    expect_continue: bool
    host: bytes | None
    options: frozenset[bytes] = frozenset()
    websocket_key: bytes | None = None
    max_forwards: int | None = None

    @property
    def ends_here(self) -> bool:
        """Max-Forwards is used up: the proxy answers itself (RFC 9110 7.6.2)."""
        return self.max_forwards == 0


class ResponseHead(msgspec.Struct, frozen=True, gc=False):
    """A status line and its fields, all within the grammar.

    `keep_alive`: the upstream connection may carry another request once the body has ended.
    """

    status: int
    reason: bytes
    minor: int
    headers: list[Field]
    framing: Framing
    keep_alive: bool
    options: frozenset[bytes] = frozenset()

    @property
    def interim(self) -> bool:
        """1xx that the final response will follow (101 is final)."""
        return self.status < 200 and self.status != 101


def find_head(buffer: bytes | bytearray, start: int, limit: int) -> int:
    """Index after the blank line that ends the request head beginning at `start`; -1: not there.

    One empty line before the request line is let through, as RFC 9112 2.2 asks; the head handed to
    `parse_request_head` may begin with it. What can't become a head any more is refused at once
    rather than waited for. Raises ProtocolError: headers_too_large, bad_request.
    """
    begin = start + 2 if buffer.startswith(_CRLF, start) else start
    if begin != start and buffer.startswith(_CRLF, begin):
        raise Side.REQUEST.malformed("empty lines before the request line")
    return _find_end(buffer, begin, limit, Side.REQUEST)


def find_response_head(buffer: bytes | bytearray, start: int, limit: int) -> int:
    """The same for a response. Raises ProtocolError: response_too_large, upstream_protocol."""
    return _find_end(buffer, start, limit, Side.RESPONSE)


def _find_end(buffer: bytes | bytearray, begin: int, limit: int, side: Side) -> int:
    found = buffer.find(_END, begin, begin + limit)
    if found >= 0:
        return found + 4
    if len(buffer) - begin >= limit:
        raise side.head_too_large(f"head larger than {limit} bytes")
    line_feed = buffer.find(b"\n", begin)
    if line_feed >= 0 and (line_feed == begin or buffer[line_feed - 1] != 0x0D):
        raise side.malformed("line ends in a bare LF")
    if len(buffer) > begin and not 0x21 <= buffer[begin] <= 0x7E and buffer[begin] != 0x0D:
        raise side.malformed("this is not HTTP/1")
    return -1
