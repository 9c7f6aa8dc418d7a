"""Reading response heads: as strict as requests, and aware of what was asked."""

import re

from proxy_core.mitm.http1.fields import (
    BLOCK,
    VALUE,
    Field,
    connection_options,
    declared_framing,
    split_block,
)
from proxy_core.mitm.http1.heads import ResponseHead
from proxy_core.mitm.http1.values import (
    DEFAULT_LIMITS,
    NO_BODY,
    UNTIL_CLOSE,
    Framing,
    Limits,
    Side,
)
from proxy_core.mitm.http1.websocket import check_accept

# The blank after the status is required by RFC 9112 4, left out by some servers, and harmless.
_HEAD = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: (" + VALUE + rb"*+))?\r\n(" + BLOCK + rb")\r\n"
)
_NO_OPTIONS: frozenset[bytes] = frozenset()
_NOTED_LENGTHS = frozenset(map(len, (b"content-length", b"transfer-encoding", b"connection")))


def parse_response_head(
    data: bytes,
    request_method: bytes,
    websocket_key: bytes | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> ResponseHead:
    """Read one whole head, blank line included, that answers a request with `request_method`.

    `websocket_key` is the request's; without it a 101 is unsolicited. Raises ProtocolError:
    upstream_protocol, response_too_large.
    """
    match = _HEAD.fullmatch(data)
    if match is None:
        raise Side.RESPONSE.malformed("malformed response head")
    version, code, reason, block = match.groups()
    minor, status = int(version), int(code)
    headers = split_block(block, Side.RESPONSE, limits)
    lengths, codings, connection = _note(headers)
    options = connection_options(connection, Side.RESPONSE) if connection else _NO_OPTIONS
    if status == 101:
        check_accept(websocket_key, headers, options)
    framing, trusted = _framing(request_method, status, minor, lengths, codings)
    return ResponseHead(
        status=status,
        reason=reason or b"",
        minor=minor,
        headers=headers,
        framing=framing,
        keep_alive=trusted and b"close" not in options and (minor == 1 or b"keep-alive" in options),
        options=options,
    )


def _note(headers: list[Field]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Values of Content-Length, Transfer-Encoding and Connection."""
    lengths: list[bytes] = []
    codings: list[bytes] = []
    connection: list[bytes] = []
    for name, value in headers:
        if len(name) not in _NOTED_LENGTHS:
            continue
        key = name.lower()
        if key == b"content-length":
            lengths.append(value)
        elif key == b"transfer-encoding":
            codings.append(value)
        elif key == b"connection":
            connection.append(value)
    return lengths, codings, connection


def _framing(
    method: bytes, status: int, minor: int, lengths: list[bytes], codings: list[bytes]
) -> tuple[Framing, bool]:
    """RFC 9112 6.3: the framing, and whether the connection can be trusted after the body.

    An answer that has no body by definition but announces one comes from a server that may well
    send it: the connection is not used again.
    """
    declared = declared_framing(lengths, codings, minor, Side.RESPONSE)
    if status < 200 or status == 204 or (method == b"CONNECT" and status < 300):
        return NO_BODY, status != 101 and (declared is None or not declared.has_body)
    if method == b"HEAD" or status == 304:
        return NO_BODY, True
    if declared is None:
        return UNTIL_CLOSE, False
    return declared, True
