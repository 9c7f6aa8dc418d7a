"""How a response begins towards the client: its head, and what of its body came with it.

As it came, or without the secrets that were injected into its request. Then a small body of a known
size is read whole first, so that its size is known again; any other one goes on in chunks, with no
more held back than could be the beginning of a secret.
"""

from typing import NamedTuple

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Scrub
from proxy_core.domain.refusals import Fields
from proxy_core.mitm.config import KIB, ProxyConfig
from proxy_core.mitm.http1 import (
    NO_BODY,
    BodyReader,
    FramingKind,
    ResponseHead,
    Side,
    body_reader,
    render_response,
    response_framing,
)
from proxy_core.mitm.scrub.body import ScrubbedBody
from proxy_core.mitm.scrub.fields import (
    as_delivered,
    check_readable_frames,
    content_coding,
    is_coded,
    scrubbed_head,
)
from proxy_core.mitm.scrub.frames import FrameScrubber
from proxy_core.mitm.streams import Stream

READ_WHOLE = 64 * KIB
"""A body of up to this size is read before its head goes on, if its length may change."""

TOO_MANY = 429
_QUOTA = b"anthropic-ratelimit-"
_STREAM_TYPES = (
    b"text/event-stream",
    b"application/x-ndjson",
    b"application/vnd.amazon.eventstream",
)


class Beginning(NamedTuple):
    """What to write first, and who reads the rest of the body."""

    wire: bytes
    reader: BodyReader
    payload: int
    """Body bytes that were read for it."""
    overrun: bool
    """The upstream sent more than the response: its connection is of no more use."""


def is_stream(response: ResponseHead) -> bool:
    """Whether the body is made of events that come one by one."""
    for name, value in response.headers:
        if len(name) == 12 and name.lower() == b"content-type":
            return value.lower().startswith(_STREAM_TYPES)
    return False


def without_quota(response: ResponseHead) -> ResponseHead:
    """The head without an account's quota: the next response may be another account's.

    A refusal keeps it: that is how the client knows what it is about.
    """
    if response.status == TOO_MANY:
        return response
    headers = [field for field in response.headers if not field[0].lower().startswith(_QUOTA)]
    return msgspec.structs.replace(response, headers=headers)


def with_more(response: ResponseHead, more: Fields) -> ResponseHead:
    """The head with these fields; what it says of them itself counts."""
    said = {field[0].lower() for field in response.headers}
    unsaid = [field for field in more if field[0].lower() not in said]
    return msgspec.structs.replace(response, headers=[*response.headers, *unsaid])


def begin(
    stream: Stream, response: ResponseHead, config: ProxyConfig, *, minor: int, close: bool
) -> Beginning:
    """The response as it comes. Raises ProtocolError."""
    framing = response_framing(response.framing, minor)
    reader = body_reader(response.framing, side=Side.RESPONSE, out=framing, limits=config.limits)
    out = render_response(response, framing, close=close, client_minor=minor)
    if not stream.buffer:
        return Beginning(out, reader, 0, False)
    data = stream.take_out(len(stream.buffer))
    chunk = reader.feed(data)
    wire = b"".join((out, chunk.wire))
    return Beginning(wire, reader, len(chunk.payload), chunk.consumed < len(data))


async def begin_scrubbed(
    stream: Stream,
    response: ResponseHead,
    config: ProxyConfig,
    scrub: Scrub,
    *,
    minor: int,
    close: bool,
) -> Beginning:
    """The response without secrets.

    Raises StreamError, ProtocolError, VaultError response_unreadable.
    """
    if response.framing == NO_BODY:
        head = scrubbed_head(scrub, as_delivered(response, decoded=is_coded(response)))
        return begin(stream, head, config, minor=minor, close=close)
    try:
        coding = content_coding(response)
    except VaultError:
        if not config.allow_unreadable:
            raise
        head = scrubbed_head(scrub, response)
        return begin(stream, head, config, minor=minor, close=close)
    await _read_small(stream, response, config)
    body = ScrubbedBody(response.framing, coding, scrub, config.limits)
    data = stream.take_out(len(stream.buffer))
    chunk = body.feed(data)
    content = bytes(chunk.wire)
    while body.more and len(content) < READ_WHOLE:
        content += body.feed(b"").wire
    framing, first = body.frame_first(content, minor)
    whole = body.complete and body.as_it_came
    delivered = as_delivered(response, decoded=coding is not None, as_it_came=whole)
    head = scrubbed_head(scrub, delivered)
    out = render_response(head, framing, close=close, client_minor=minor)
    return Beginning(out + first, body, len(chunk.payload), chunk.consumed < len(data))


async def _read_small(stream: Stream, response: ResponseHead, config: ProxyConfig) -> None:
    framing = response.framing
    if framing.kind is FramingKind.LENGTH and framing.length <= READ_WHOLE:
        if is_stream(response):
            return
        while len(stream.buffer) < framing.length:
            if not await stream.fill(stream.time + config.body_idle):
                return


def begin_frames(
    response: ResponseHead, config: ProxyConfig, scrub: Scrub
) -> tuple[ResponseHead, FrameScrubber | None]:
    """The head of a WebSocket's beginning, and what its messages go through (None: nothing).

    Raises VaultError response_unreadable.
    """
    head = scrubbed_head(scrub, response)
    try:
        check_readable_frames(response)
    except VaultError:
        if not config.allow_unreadable:
            raise
        return head, None
    return head, FrameScrubber(scrub)
