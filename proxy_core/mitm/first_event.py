"""A stream of events looked into before it goes on: does it begin with an error?

What was read stays in the upstream's buffer, so that the stream goes on as if nobody had looked.
"""

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
"""Seconds that the head of a stream waits for its first event."""


async def first_error(stream: Stream, response: ResponseHead, config: ProxyConfig) -> bytes:
    """Data of the first event if that tells of an error; nothing if not, or if none comes soon.

    Raises StreamError for a failure of the client's side.
    """
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
        found = error_event(text, ended=ended)
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
