"""A request body on its way upstream, beside the response that may come before it has ended.

What of it has been read is *held* as long as the request may be sent once more: at least what came
together with the head, all of it while `keep` allows. Each attempt begins with what is held, and
goes on with what the client sends.
"""

import asyncio
from collections.abc import Collection

from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.http1 import UNTIL_CLOSE, BodyReader, Framing, body_reader
from proxy_core.mitm.memory import Share
from proxy_core.mitm.relay import Flow
from proxy_core.mitm.streams import Data, Stream, StreamError

OPENING = 64 * 1024
"""Bytes of the body, at most, that leave in one write with the head. An upstream that answers
without reading is noticed only after that write, so it has to fit what sockets take unread."""


class Upload:
    """What is left of one request body. `size` counts payload bytes.

    A failure on the client's side (it left, its chunks are malformed, its body is too large) is
    raised where the response is waited for. A failure to write is not: the upstream may have
    answered before it stopped reading, and whoever reads the answer finds out.
    """

    def __init__(self, client: Stream, framing: Framing) -> None:
        self._client = client
        self._framing = framing
        self._idle = 0.0
        self._reader: BodyReader | None = None
        self._task: asyncio.Task[None] | None = None
        self._held: bytes | bytearray = b""
        self._rest = memoryview(b"")
        self._share: Share | None = None
        self._failed = False
        self.size = 0
        self.moved = False
        """Bytes went upstream that are not held for another attempt."""
        self.delivered = not framing.has_body
        """The whole body was handed to the upstream's socket."""

    def open(
        self,
        config: ProxyConfig,
        injected: Collection[bytes] = (),
        keep: Share | None = None,
        unwrap: bool = False,
    ) -> None:
        """Begin to read; `injected` are folded names that no trailer may bear.

        `keep`: what is read is held for another attempt, as far as this share goes; `unwrap`:
        what chunks hold is read without them.
        Raises ProtocolError request_too_large. Does nothing when the body is being read already.
        """
        if self._reader is None and self._framing.has_body:
            self._idle = config.body_idle
            self._share = keep
            self._reader = body_reader(
                self._framing,
                config.request_body_limit,
                out=UNTIL_CLOSE if unwrap else None,
                injected=injected,
                limits=config.limits,
            )

    @property
    def complete(self) -> bool:
        """The whole body was read from the client, and nobody reads from it any more."""
        if self._reader is None:
            return not self._framing.has_body
        return self._reader.complete and (self._task is None or self._task.done())

    @property
    def repeatable(self) -> bool:
        """Everything that was sent of the body can be sent again."""
        return not self.moved and not self._failed

    def first(self) -> None:
        """Hold what came together with the head. Raises ProtocolError, StreamError.

        So a body that is wrong from its first packet on is refused before anything was sent.
        """
        if self._reader is None or self._reader.complete:
            return
        if not self._client.buffer:
            self._client.fill_now()
        if self._client.buffer:
            data = self._client.take_out(len(self._client.buffer))
            self._held = bytes(self.feed(self._reader, data))
            if self._share is not None and not self._share.grow(len(self._held)):
                self._share = None

    def take_in(self, data: Data) -> bytes | memoryview:
        """What of `data` is the body's, for a body that is not sent as it comes.

        Raises ProtocolError. Nothing, when no body is being read.
        """
        return b"" if self._reader is None else self.feed(self._reader, data)

    def replace(self, body: bytes) -> None:
        """Send `body`, which stands for all that the client has sent."""
        self._held = body

    def feed(self, reader: BodyReader, data: Data) -> bytes | memoryview:
        """What to send for `data`; what is not the body's goes back. Raises ProtocolError."""
        try:
            chunk = reader.feed(data)
        except Exception:
            self._failed = True
            raise
        self.size += len(chunk.payload)
        if chunk.consumed < len(data):
            self._client.buffer[:0] = data[chunk.consumed :]
        return chunk.wire

    def pass_on(self, wire: Data) -> None:
        """Hold what is about to be sent, or note that it is not held."""
        if self._share is None or not self._share.grow(len(wire)):
            self.moved = True
            self.forget()
        elif isinstance(self._held, bytearray):
            self._held += wire
        else:
            self._held = bytearray(self._held) + wire

    def opening(self) -> bytes:
        """Begin an attempt: the body's first bytes, to be written together with the head."""
        if not self._held:
            return b""
        held = bytes(self._held)
        self._rest = memoryview(held)[OPENING:]
        return held[:OPENING]

    def start(self, upstream: Stream) -> None:
        """Send the rest in a task of its own; the opening is written."""
        rest, self._rest = self._rest, memoryview(b"")
        if rest or not (self._reader is None or self._reader.complete):
            self.delivered = False
            self._task = asyncio.create_task(self._run(rest, upstream))
        else:
            self.delivered = True

    async def _run(self, rest: memoryview, upstream: Stream) -> None:
        try:
            if rest:
                await upstream.write(rest, self._idle)
            if self._reader is not None and not self._reader.complete:
                flow = _UploadFlow(self, self._client, upstream, self._reader)
                if not await flow.run(self._idle):
                    raise StreamError(self._client, "closed")
            self.delivered = True
        except Exception as error:
            theirs = isinstance(error, StreamError) and error.stream is upstream
            if not theirs or error.args == ("timeout",):
                upstream.interrupt(error)

    def cancel(self) -> None:
        """Leave the rest unsent."""
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """Leave the rest unsent for now; `start` takes it up again."""
        self.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])
            self._task = None

    def forget(self) -> None:
        """There will be no further attempt: nothing needs to be held. Safe to call twice."""
        self._held = b""
        if self._share is not None:
            self._share.release()
            self._share = None


class _UploadFlow(Flow):
    """The part of the body that came after the head."""

    def __init__(
        self, upload: Upload, client: Stream, upstream: Stream, reader: BodyReader
    ) -> None:
        super().__init__(client, upstream)
        self._upload = upload
        self._reader = reader

    def convert(self, data: Data) -> Data:
        """Through the body's reader. Raises ProtocolError: malformed, too large."""
        wire = self._upload.feed(self._reader, data)
        self._upload.pass_on(wire)
        self.complete = self._reader.complete
        return wire
