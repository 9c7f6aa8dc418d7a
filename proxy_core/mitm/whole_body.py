"""A request's body that is read whole before anything is done with the request.

It stays in the client's buffer, so that the request can still go on as if nobody had looked.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy_core.base.errors import VaultError
from proxy_core.mitm.http1 import FramingKind, RequestHead
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.memory import Share
from proxy_core.mitm.streams import Stream, StreamError

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@asynccontextmanager
async def whole_body(
    hub: Hub, client: Stream, head: RequestHead, limit: int, what: str
) -> AsyncIterator[int]:
    """The body's size, once all of it is in the client's buffer; counted as held meanwhile.

    `what` names the request in refusals. Raises VaultError: bad_request (a body of unknown size),
    request_too_large, overloaded; StreamError when the client leaves before it has sent all.
    """
    size = head.framing.length
    if head.framing.kind is FramingKind.CHUNKED:
        raise VaultError("bad_request", f"{what} needs a Content-Length")
    if size > limit:
        raise VaultError("request_too_large", f"{what} may have at most {limit} bytes")
    share = Share(hub.memory, limit, hub.config.body_memory)
    if not share.grow(size):
        raise VaultError("overloaded", "too many request bodies are held")
    try:
        idle = hub.config.body_idle
        if head.expect_continue and not client.buffer:
            await client.write(_CONTINUE, idle)
        while len(client.buffer) < size:
            if not await client.fill(client.time + idle):
                raise StreamError(client, "closed")
        yield size
    finally:
        share.release()
