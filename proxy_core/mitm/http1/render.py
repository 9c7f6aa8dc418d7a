"""Writing heads: what goes on, what is ours to set, what ends at this hop.

Rules
- Order and case of the fields that pass are kept; values go on as they were read.
- Framing, Host and Connection are never copied: they are written from what was understood.
- A field that Connection nominates ends here, unless the message would mean something else without
  it or it is one that the proxy sets.
- An injected field stands once, in the place of the client's first copy, else at the end. Copies
  are found by folded name, so that `x_api_key` is no way around `X-Api-Key`.

Both functions keep one dict of lines that are ours, by folded name: a line is written where its
field first occurs, or at the end.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from proxy_core.domain.exchange import NO_INJECTION, Injection, SecretSubstitution
from proxy_core.domain.service import Surface
from proxy_core.domain.substitution import substitute_header_value
from proxy_core.mitm.http1.chunked import trailer_allowed
from proxy_core.mitm.http1.fields import FOLD, Field, fold, is_name, is_value
from proxy_core.mitm.http1.heads import RequestHead, ResponseHead
from proxy_core.mitm.http1.target import TARGET, check_authority
from proxy_core.mitm.http1.values import (
    CHUNKED,
    UNTIL_CLOSE,
    Framing,
    FramingKind,
    ProtocolError,
)

_TARGET = re.compile(TARGET)

_REQUEST_ENDS_HERE = frozenset(
    b"""host content-length transfer-encoding connection keep-alive te trailer upgrade expect via
    http2-settings x-vault""".split()
)
# The last two tell the vault's own refusals from an upstream's, so no upstream may set them.
_RESPONSE_ENDS_HERE = frozenset(
    b"""transfer-encoding connection keep-alive te trailer upgrade http2-settings
    x-vault-proxy-error x-agent-vault-proxy-error""".split()
)
MESSAGE_ENDS_HERE = _RESPONSE_ENDS_HERE | {b"content-length"}
# An injected field of these names could cut the message anew or send it elsewhere.
_NEVER_INJECTED = frozenset(
    b"host content-length transfer-encoding connection te trailer upgrade expect".split()
)
# Without these a message would mean something else to whoever reads it next.
_NEVER_NOMINATED = frozenset(
    b"""content-encoding content-type content-range max-forwards range sec-websocket-key
    sec-websocket-version sec-websocket-accept sec-websocket-protocol
    sec-websocket-extensions""".split()
)


def render_request(
    head: RequestHead,
    target: bytes,
    host: bytes,
    injection: Injection = NO_INJECTION,
    *,
    framing: Framing | None = None,
    forward_expect: bool = True,
) -> bytes:
    """The head to send upstream, always as HTTP/1.1.

    `target` is in origin form (or `*`), after substitution; `host` is the matched target's
    `host[:port]`; `framing` replaces the client's when the body goes on with another one;
    `forward_expect` False: the proxy has answered `Expect: 100-continue` itself.
    Raises ProtocolError: substitution_invalid when a value can't stand where it is to go.
    """
    framing = framing or head.framing
    ours = _request_lines(head, target, host, injection, framing, forward_expect=forward_expect)
    headers = head.headers
    if injection.substitutions:
        headers = substituted_fields(headers, injection.substitutions)
    return _render_request(head, target, headers, ours)


def _request_lines(
    head: RequestHead,
    target: bytes,
    host: bytes,
    injection: Injection,
    framing: Framing,
    *,
    forward_expect: bool,
) -> dict[bytes, bytes]:
    """The lines that are ours in a request head. Raises as `render_request` does."""
    if _TARGET.fullmatch(target) is None:
        raise ProtocolError("substitution_invalid", "value not allowed in the request target")
    check_authority(host)
    ours = {b"host": b"Host: %b\r\n" % host}
    _set_framing(ours, framing)
    if framing == CHUNKED == head.framing:
        ours[b"trailer"] = _trailer_line(head.headers, injection)
    if head.expect_continue and forward_expect:
        ours[b"expect"] = b"Expect: 100-continue\r\n"
    if head.max_forwards is not None:
        ours[b"max-forwards"] = b"Max-Forwards: %d\r\n" % max(0, head.max_forwards - 1)
    if head.websocket_key is not None:
        _set_upgrade(ours)
    for folded in injection.dropped:
        ours.setdefault(folded, b"")
    for name, value in injection.headers:
        ours[_check_injected(name, value)] = b"%b: %b\r\n" % (name, value)
    return ours


def _render_request(
    head: RequestHead, target: bytes, headers: list[Field], ours: dict[bytes, bytes]
) -> bytes:
    line = b"%b %b HTTP/1.1\r\n" % (head.method, target)
    return _render(line, headers, ours, _and_nominated(_REQUEST_ENDS_HERE, head.options))


class RequestOutline(NamedTuple):
    """A request head in which only the values of injected fields are missing.

    `pieces` stand before, between and behind the values; `order` says which value comes when.
    """

    names: list[bytes]
    pieces: list[bytes]
    order: list[int]

    def fits(self, fields: Sequence[Field]) -> bool:
        """Whether it is for fields of these names."""
        return [name for name, _ in fields] == self.names

    def fill(self, fields: Sequence[Field]) -> bytes:
        """The head with these fields' values. Raises ProtocolError: substitution_invalid."""
        out = [self.pieces[0]]
        for index, piece in zip(self.order, self.pieces[1:], strict=True):
            value = fields[index][1]
            if not is_value(value):
                raise _not_injectable()
            out += (value, piece)
        return b"".join(out)


def outline_request(
    head: RequestHead,
    target: bytes,
    host: bytes,
    names: Sequence[bytes],
    dropped: frozenset[bytes] = frozenset(),
) -> RequestOutline | None:
    """What `render_request` does for every injection of fields with these `names`.

    None when two of them are one field. Raises ProtocolError: substitution_invalid.
    """
    if len({fold(name) for name in names}) != len(names):
        return None
    blanks = Injection(tuple((name, b"") for name in names), dropped=dropped)
    ours = _request_lines(head, target, host, blanks, head.framing, forward_expect=True)
    for index, name in enumerate(names):
        # No other part of a head can hold a NUL.
        ours[fold(name)] = b"%b: \0%d\0\r\n" % (name, index)
    rendered = _render_request(head, target, head.headers, ours)
    pieces = rendered.split(b"\0")
    return RequestOutline(list(names), pieces[::2], [int(index) for index in pieces[1::2]])


def render_response(
    head: ResponseHead, framing: Framing, *, close: bool, client_minor: int = 1
) -> bytes:
    """The head to send to the client.

    `framing` is what `response_framing` says of the body; `close`: no further request is read from
    this client. A HEAD's or 304's Content-Length stays, as it announces nothing.
    """
    ours: dict[bytes, bytes] = {}
    counted = framing.kind is not FramingKind.NONE or head.status < 200 or head.status == 204
    ends_here = MESSAGE_ENDS_HERE if counted else _RESPONSE_ENDS_HERE
    _set_framing(ours, framing)
    if head.framing == CHUNKED == framing:
        ours[b"trailer"] = _trailer_line(head.headers, NO_INJECTION)
    if head.status == 101:
        _set_upgrade(ours)
    elif head.status >= 200:
        if close or framing == UNTIL_CLOSE:
            ours[b"connection"] = b"Connection: close\r\n"
        elif client_minor == 0:
            ours[b"connection"] = b"Connection: keep-alive\r\n"
    line = b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)
    return _render(line, head.headers, ours, _and_nominated(ends_here, head.options))


def response_framing(framing: Framing, client_minor: int) -> Framing:
    """How a body goes on to the client: chunked instead of until close, where it can read that."""
    if framing.kind in (FramingKind.CHUNKED, FramingKind.UNTIL_CLOSE):
        return CHUNKED if client_minor else UNTIL_CLOSE
    return framing


def injected_names(injection: Injection) -> frozenset[bytes]:
    """Folded names of the injected fields, as `body_reader` wants them."""
    return frozenset(fold(name) for name, _ in injection.headers)


def _render(
    line: bytes, headers: list[Field], ours: dict[bytes, bytes], ends_here: frozenset[bytes]
) -> bytes:
    out = [line]
    for name, value in headers:
        key = name.translate(FOLD)
        if key in ours:
            out.append(ours[key])
            ours[key] = b""  # further copies end here
        elif key not in ends_here and not key.startswith(b"proxy-"):
            out += (name, b": ", value, b"\r\n")
    out += ours.values()
    out.append(b"\r\n")
    return b"".join(out)


def substituted_fields(
    headers: list[Field], substitutions: Sequence[SecretSubstitution]
) -> list[Field]:
    """The client's fields with HEADER placeholders replaced.

    Raises ProtocolError: substitution_invalid.
    """
    # One look at all of them tells most often that there is nothing to do.
    block = b"\n".join([value for _, value in headers])
    wanted = [
        each
        for each in substitutions
        if Surface.HEADER in each.surfaces and each.placeholder in block
    ]
    if not wanted:
        return headers
    replaced = [(name, substitute_header_value(value, wanted)) for name, value in headers]
    if not all(is_value(value) for _, value in replaced):
        raise ProtocolError("substitution_invalid", "value not allowed in a header field")
    return replaced


def _set_framing(ours: dict[bytes, bytes], framing: Framing) -> None:
    if framing.kind is FramingKind.LENGTH:
        ours[b"content-length"] = b"Content-Length: %d\r\n" % framing.length
    elif framing.kind is FramingKind.CHUNKED:
        ours[b"transfer-encoding"] = b"Transfer-Encoding: chunked\r\n"


def _set_upgrade(ours: dict[bytes, bytes]) -> None:
    ours[b"connection"] = b"Connection: Upgrade\r\n"
    ours[b"upgrade"] = b"Upgrade: websocket\r\n"


def _and_nominated(ends_here: frozenset[bytes], options: frozenset[bytes]) -> frozenset[bytes]:
    if not options:
        return ends_here
    return ends_here | (frozenset(map(fold, options)) - _NEVER_NOMINATED)


def _trailer_line(headers: list[Field], injection: Injection) -> bytes:
    """The Trailer field, without names that will not pass."""
    injected = injected_names(injection)
    announced = [
        name.strip(b" \t")
        for key, value in headers
        if key.lower() == b"trailer"
        for name in value.split(b",")
    ]
    kept = [name for name in announced if is_name(name) and trailer_allowed(name, injected)]
    return b"Trailer: %b\r\n" % b", ".join(kept) if kept else b""


def _check_injected(name: bytes, value: bytes) -> bytes:
    """The folded name. Raises ProtocolError unless the field is one, and may be injected."""
    key = fold(name)
    if not is_name(name) or not is_value(value) or key in _NEVER_INJECTED:
        raise _not_injectable()
    return key


def _not_injectable() -> ProtocolError:
    return ProtocolError("substitution_invalid", "value not allowed in an injected header")
