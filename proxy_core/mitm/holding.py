"""A request that waits for an operator, while its client may leave.

Nothing of the body is taken meanwhile but what the client's stream reads ahead, so that a large one
waits in the client. What has come of it is shown to the operator, its secrets left out.
"""

import asyncio

from proxy_core.domain.exchange import Access, Ask, Decision, RequestFacts
from proxy_core.domain.preview import MAX_LOOKED_AT, body_preview
from proxy_core.mitm.http1 import RequestHead
from proxy_core.mitm.opening import has_ended
from proxy_core.mitm.ports import Broker
from proxy_core.mitm.streams import READ_AHEAD, Stream, StreamError

LOOK_SECONDS = 1.0


class Holding:
    """One request's wait. Whoever watches the client calls `leave` when it has gone."""

    def __init__(self, broker: Broker, client: Stream, head: RequestHead) -> None:
        self._broker = broker
        self._client = client
        self._head = head
        self._waiting: asyncio.Task[Decision] | None = None
        self._left = False

    async def wait(self, access: Access, facts: RequestFacts, ask: Ask) -> Decision:
        """What the request may do, once an operator has allowed it.

        Raises VaultError as `Broker.hold` does, StreamError when the client has left.
        """
        preview = self._preview()
        self._waiting = asyncio.ensure_future(self._broker.hold(access, facts, ask, preview))
        try:
            while not self._waiting.done():
                await asyncio.wait({self._waiting}, timeout=LOOK_SECONDS)
                # With nothing more read ahead, an end is not seen behind what is not read.
                if len(self._client.buffer) >= READ_AHEAD and has_ended(self._client):
                    self.leave()
            return await self._waiting
        except asyncio.CancelledError:
            if not self._left:
                raise
            raise StreamError(self._client, "closed") from None
        finally:
            self._waiting.cancel()

    def leave(self) -> None:
        """The client has gone: nobody needs the answer."""
        if self._waiting is not None and not self._waiting.done():
            self._left = True
            self._waiting.cancel()

    def _preview(self) -> str:
        if not self._head.framing.has_body:
            return ""
        kind = encoding = b""
        for name, value in self._head.headers:
            folded = name.lower()
            if folded == b"content-type":
                kind = value
            elif folded == b"content-encoding":
                encoding = value
        if encoding:
            return f"encoded as {encoding[:40].decode('latin-1')}, not shown"
        return body_preview(kind.decode("latin-1"), bytes(self._client.buffer[:MAX_LOOKED_AT]))
