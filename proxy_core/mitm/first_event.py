"""Responses looked into before they go on: does a stream begin with an error, what refuses a body?

What was read stays in the upstream's buffer, so that the response goes on as if nobody had looked.
"""

from collections.abc import Callable

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.responses import error_event
from proxy_core.mitm.config import KIB, ProxyConfig
from proxy_core.mitm.http1 import (
    UNTIL_CLOSE,
    Limits,
    ProtocolError,
    ResponseHead,
    Side,
    body_reader,
)
from proxy_core.mitm.scrub.coding import Decoding
from proxy_core.mitm.scrub.fields import content_coding
from proxy_core.mitm.streams import Stream, StreamError

LOOK_AT = 16 * KIB
PATIENCE = 5.0
"""Seconds that the head of a response waits for what is looked for."""

Find = Callable[[bytes, bool], bytes | None]
"""What is found in a body's beginning, which may be all of it; None: that can't be told yet."""


async def first_error(stream: Stream, response: ResponseHead, config: ProxyConfig) -> bytes:
    """Data of the first event if that tells of an error; nothing if not, or if none comes soon.

    Raises StreamError for a failure of the client's side.
    """
    return await _look(stream, response, config, lambda text, ended: error_event(text, ended=ended))


async def short_body(stream: Stream, response: ResponseHead, config: ProxyConfig) -> bytes:
    """All of the body, decoded; nothing if that has more than `LOOK_AT` bytes, or none comes soon.

    Raises StreamError for a failure of the client's side.
    """

    def whole(text: bytes, ended: bool) -> bytes | None:
        return text if ended and len(text) <= LOOK_AT else None

    return await _look(stream, response, config, whole)


async def _look(stream: Stream, response: ResponseHead, config: ProxyConfig, find: Find) -> bytes:
    try:
        coding = content_coding(response)
    except VaultError:
        return b""
    deadline = stream.time + PATIENCE
    while True:
        try:
            text, ended = _beginning(bytes(stream.buffer), response, coding, config.limits)
        except (ProtocolError, VaultError):
            return b""
        found = find(text, ended)
        if found is not None or len(stream.buffer) > LOOK_AT:
            return found or b""
        try:
            if not await stream.fill(deadline):
                return b""
        except StreamError as error:
            if error.stream is not stream:
                raise
            return b""


def _beginning(
    data: bytes, response: ResponseHead, coding: bytes | None, limits: Limits
) -> tuple[bytes, bool]:
    """What has come of the body, and whether that is all. Raises ProtocolError, VaultError."""
    reader = body_reader(response.framing, side=Side.RESPONSE, out=UNTIL_CLOSE, limits=limits)
    body = bytes(reader.feed(data).wire)
    if coding is not None:
        body = Decoding(coding).decode(body)
    return body, reader.complete
