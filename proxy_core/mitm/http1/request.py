"""Reading request heads: strict, or not at all."""

import re
from typing import NoReturn

from proxy_core.mitm.http1.fields import (
    BLOCK,
    Field,
    connection_options,
    declared_framing,
    split_block,
)
from proxy_core.mitm.http1.heads import RequestHead
from proxy_core.mitm.http1.target import TARGET, check_authority, split_target
from proxy_core.mitm.http1.values import (
    DEFAULT_LIMITS,
    NO_BODY,
    Framing,
    Limits,
    Side,
)
from proxy_core.mitm.http1.websocket import handshake_key

# Upper case only: policy decides on the method as it is written, and some servers fold its case.
_METHOD = rb"[!#$%&'*+\-.^_`|~0-9A-Z]{1,32}+"
_HEAD = re.compile(
    rb"(?:\r\n)?(" + _METHOD + rb") (" + TARGET + rb") HTTP/1\.([01])\r\n(" + BLOCK + rb")\r\n"
)
_REQUEST_LINE = re.compile(
    rb"(?:\r\n)?(?:(" + _METHOD + rb") (?:(" + TARGET + rb") (?:(HTTP/1\.[01]\r\n))?)?)?"
)
_HOP_COUNT = re.compile(rb"[0-9]{1,9}")
_NOTED = frozenset(
    (
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"expect",
        b"max-forwards",
    )
)
_NONE: list[bytes] = []
_NO_OPTIONS: frozenset[bytes] = frozenset()


def parse_request_head(data: bytes, limits: Limits = DEFAULT_LIMITS) -> RequestHead:
    """Read one whole head, blank line included, as `find_head` has cut it.

    Raises ProtocolError: bad_request, headers_too_large.
    """
    match = _HEAD.fullmatch(data)
    if match is None:
        _explain(data)
    method, target, version, block = match.groups()
    minor = 1 if version == b"1" else 0
    headers = split_block(block, Side.REQUEST, limits)
    noted = _note(headers)
    if target[0] != 0x2F or method == b"CONNECT":
        split_target(method, target)
    values = noted.get(b"connection")
    options = connection_options(values, Side.REQUEST) if values else _NO_OPTIONS
    framing = _framing(method, minor, noted)
    bodiless = not framing.has_body
    return RequestHead(
        method=method,
        target=target,
        minor=minor,
        headers=headers,
        framing=framing,
        keep_alive=b"close" not in options and (minor == 1 or b"keep-alive" in options),
        expect_continue=b"expect" in noted and _expects(noted[b"expect"], minor) and not bodiless,
        host=_host(minor, noted.get(b"host", _NONE)),
        options=options,
        websocket_key=handshake_key(method, headers, options) if minor and bodiless else None,
        max_forwards=_max_forwards(method, noted),
    )


def _note(headers: list[Field]) -> dict[bytes, list[bytes]]:
    """The values of the fields that decide something here, by lower-case name."""
    noted: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        key = name.lower()
        if key in _NOTED:
            noted.setdefault(key, []).append(value)
    return noted


def _framing(method: bytes, minor: int, noted: dict[bytes, list[bytes]]) -> Framing:
    lengths, codings = noted.get(b"content-length"), noted.get(b"transfer-encoding")
    if lengths is None and codings is None:
        return NO_BODY
    declared = declared_framing(lengths or _NONE, codings or _NONE, minor, Side.REQUEST) or NO_BODY
    if method == b"CONNECT":
        if declared.has_body:
            raise Side.REQUEST.malformed("CONNECT with a body")
        return NO_BODY
    return declared


def _host(minor: int, hosts: list[bytes]) -> bytes | None:
    if not hosts and minor == 0:
        return None
    if len(hosts) != 1:
        raise Side.REQUEST.malformed("exactly one Host field is needed")
    check_authority(hosts[0])
    return hosts[0]


def _expects(values: list[bytes], minor: int) -> bool:
    """Whether the client waits for 100; HTTP/1.0 can't (RFC 9110 10.1.1)."""
    if len(values) != 1 or values[0].lower() != b"100-continue":
        raise Side.REQUEST.malformed("Expect is not '100-continue'")
    return minor == 1


def _max_forwards(method: bytes, noted: dict[bytes, list[bytes]]) -> int | None:
    values = noted.get(b"max-forwards")
    if values is None or method not in (b"OPTIONS", b"TRACE"):
        return None
    if len(values) != 1 or _HOP_COUNT.fullmatch(values[0]) is None:
        raise Side.REQUEST.malformed("malformed Max-Forwards")
    return int(values[0])


def _explain(data: bytes) -> NoReturn:
    """Say which part of a refused head was wrong, without repeating any of it."""
    match = _REQUEST_LINE.match(data)
    method, target, version = match.groups() if match else (None, None, None)
    if method is None:
        raise Side.REQUEST.malformed("malformed method")
    if target is None:
        raise Side.REQUEST.malformed("malformed request target")
    if version is None:
        raise Side.REQUEST.malformed("malformed request line or unsupported HTTP version")
    raise Side.REQUEST.malformed("malformed header field")
