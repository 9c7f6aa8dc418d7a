"""The opening handshake of a WebSocket (RFC 6455 4), both halves."""

import hashlib
import re
from base64 import b64encode

from proxy_core.mitm.http1.fields import Field
from proxy_core.mitm.http1.values import Side

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# 16 bytes in base64: 22 characters, the last of which carries four bits, and the padding.
_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")


def _values(headers: list[Field], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key.lower() == name]


def accept_for(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept that answers `key`."""
    return b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def handshake_key(method: bytes, headers: list[Field], options: frozenset[bytes]) -> bytes | None:
    """The key of a complete opening handshake for version 13; None: this is an ordinary request."""
    if method != b"GET" or b"upgrade" not in options:
        return None
    upgrade = _values(headers, b"upgrade")
    if len(upgrade) != 1 or upgrade[0].lower() != b"websocket":
        return None
    if _values(headers, b"sec-websocket-version") != [b"13"]:
        return None
    keys = _values(headers, b"sec-websocket-key")
    return keys[0] if len(keys) == 1 and _KEY.fullmatch(keys[0]) else None


def check_accept(key: bytes | None, headers: list[Field], options: frozenset[bytes]) -> None:
    """A 101 must answer the handshake that was sent. Raises ProtocolError upstream_protocol."""
    if key is None:
        raise Side.RESPONSE.malformed("101 without a request to switch protocols")
    upgrade = [value.lower() for value in _values(headers, b"upgrade")]
    if upgrade != [b"websocket"] or b"upgrade" not in options:
        raise Side.RESPONSE.malformed("101 that does not switch to WebSocket")
    if _values(headers, b"sec-websocket-accept") != [accept_for(key)]:
        raise Side.RESPONSE.malformed("101 with a wrong Sec-WebSocket-Accept")
