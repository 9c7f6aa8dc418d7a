"""HTTP/1.1 framing without I/O: bytes in, decisions and bytes out (RFC 9110, RFC 9112).

    buffer ── find_head ──► parse_request_head ──► render_request  ──► upstream
                            body_reader ─── feed ─────────────────►
    client ◄── render_response ◄── parse_response_head ◄── find_response_head ── buffer

Strict on both sides: what is not understood in exactly one way raises ProtocolError, and nothing
that was not understood is written. Sockets, time and policy are elsewhere.
"""

from proxy_core.mitm.http1.body import BodyReader, body_reader
from proxy_core.mitm.http1.fields import field_values, without_digests, without_field
from proxy_core.mitm.http1.heads import RequestHead, ResponseHead, find_head, find_response_head
from proxy_core.mitm.http1.render import (
    RequestOutline,
    injected_names,
    outline_request,
    render_request,
    render_response,
    response_framing,
    substituted_fields,
)
from proxy_core.mitm.http1.request import parse_request_head
from proxy_core.mitm.http1.response import parse_response_head
from proxy_core.mitm.http1.target import Target, TargetForm, check_authority, split_target
from proxy_core.mitm.http1.values import (
    CHUNKED,
    EMPTY,
    NO_BODY,
    UNTIL_CLOSE,
    BodyChunk,
    Framing,
    FramingKind,
    Limits,
    ProtocolError,
    Side,
)
from proxy_core.mitm.http1.whole import WholeResponse, whole_response

__all__ = [
    "CHUNKED",
    "EMPTY",
    "NO_BODY",
    "UNTIL_CLOSE",
    "BodyChunk",
    "BodyReader",
    "Framing",
    "FramingKind",
    "Limits",
    "ProtocolError",
    "RequestHead",
    "RequestOutline",
    "ResponseHead",
    "Side",
    "Target",
    "TargetForm",
    "WholeResponse",
    "body_reader",
    "check_authority",
    "field_values",
    "find_head",
    "find_response_head",
    "injected_names",
    "outline_request",
    "parse_request_head",
    "parse_response_head",
    "render_request",
    "render_response",
    "response_framing",
    "split_target",
    "substituted_fields",
    "whole_response",
    "without_digests",
    "without_field",
]
