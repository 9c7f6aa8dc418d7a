"""What a request says of its model and conversation, found in its body before that is sent.

The body is read into the client's buffer and stays there, so that it goes on as any other one. Only
JSON of a known size is looked into, and no more than may be kept for another attempt.
"""

from proxy_core.domain.accounts.requests import read_body
from proxy_core.domain.exchange import NO_DETAILS, Decision, RequestDetails
from proxy_core.mitm.http1 import FramingKind, RequestHead
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.memory import Share
from proxy_core.mitm.streams import Stream, StreamError

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def request_details(
    client: Stream, head: RequestHead, hub: Hub, decision: Decision
) -> RequestDetails:
    """Nothing unless something is borrowed, header fields alone unless from a pool.

    Raises StreamError when the client leaves meanwhile.
    """
    if not decision.borrows:
        return NO_DETAILS
    config, size = hub.config, head.framing.length
    if not decision.pooled or not _is_json(head) or size > config.replay_limit:
        return RequestDetails(head.headers)
    share = Share(hub.memory, config.replay_limit, config.body_memory)
    if not share.grow(size):
        return RequestDetails(head.headers)
    try:
        if head.expect_continue and not client.buffer:
            await client.write(_CONTINUE, config.body_idle)
        while len(client.buffer) < size:
            if not await client.fill(client.time + config.body_idle):
                raise StreamError(client, "closed")
    finally:
        share.release()
    found = read_body(memoryview(bytes(client.buffer[:size])))
    return RequestDetails(head.headers, found.model, found.conversation)


def _is_json(head: RequestHead) -> bool:
    """Whether the body is plain JSON whose size is known."""
    if head.framing.kind is not FramingKind.LENGTH or not head.framing.length:
        return False
    json = False
    for name, value in head.headers:
        key = name.lower()
        if key == b"content-type":
            json = value.partition(b";")[0].strip().lower() == b"application/json"
        elif key == b"content-encoding" and value.strip().lower() != b"identity":
            return False
    return json
