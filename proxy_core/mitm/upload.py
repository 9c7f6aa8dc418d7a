"""A request body on its way upstream, beside the response that may come before it has ended."""

import asyncio
from collections.abc import Collection

from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.http1 import BodyReader, Framing, body_reader
from proxy_core.mitm.relay import Flow
from proxy_core.mitm.streams import Data, Stream, StreamError


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
        self.size = 0
        self.moved = False
        """Bytes went upstream that are not kept for a second attempt."""
        self.delivered = not framing.has_body
        """The whole body was handed to the upstream's socket."""

    def open(self, config: ProxyConfig, injected: Collection[bytes] = ()) -> None:
        """Begin to read; `injected` are folded names that no trailer may bear.

        Raises ProtocolError request_too_large. Does nothing when the body is being read already.
        """
        if self._reader is None and self._framing.has_body:
            self._idle = config.body_idle
            self._reader = body_reader(
                self._framing,
                config.request_body_limit,
                injected=injected,
                limits=config.limits,
            )

    @property
    def complete(self) -> bool:
        """The whole body was read from the client, and nobody reads from it any more."""
        if self._reader is None:
            return not self._framing.has_body
        return self._reader.complete and (self._task is None or self._task.done())

    def first(self) -> bytes | memoryview:
        """What came together with the head: it leaves in the same write. Raises ProtocolError."""
        if self._reader is None or self._reader.complete or not self._client.buffer:
            return b""
        return self.feed(self._reader, self._client.take_out(len(self._client.buffer)))

    def feed(self, reader: BodyReader, data: Data) -> bytes | memoryview:
        """What to send for `data`; what is not the body's goes back. Raises ProtocolError."""
        chunk = reader.feed(data)
        self.size += len(chunk.payload)
        if chunk.consumed < len(data):
            self._client.buffer[:0] = data[chunk.consumed :]
        return chunk.wire

    def start(self, upstream: Stream) -> None:
        """Send the rest in a task of its own; the first part is written."""
        if self._reader is None or self._reader.complete:
            self.delivered = True
        else:
            self._task = asyncio.create_task(self._run(self._reader, upstream))

    async def _run(self, reader: BodyReader, upstream: Stream) -> None:
        try:
            flow = _UploadFlow(self, self._client, upstream, reader)
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
        self._upload.moved = True
        wire = self._upload.feed(self._reader, data)
        self.complete = self._reader.complete
        return wire
