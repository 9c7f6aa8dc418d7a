"""Sending one request upstream and getting the head of its response, a second time if that is safe.

When a second attempt is safe

Only a kept connection that ended before any byte of a response is worth it, and only while all
that was sent is still at hand. An idempotent method may then be sent again (RFC 9110 9.2.2). Any
other only if the upstream can't have received it: its system closed the connection, and never
acknowledged a byte of the request, so that came too late. A reset tells nothing, for it takes the
place of an acknowledgement that was due.
"""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import NamedTuple

from proxy_core.base.errors import VaultError
from proxy_core.mitm.http1 import (
    RequestHead,
    ResponseHead,
    Side,
    find_response_head,
    parse_response_head,
)
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.opening import acknowledged, ended_in_order
from proxy_core.mitm.pool import Upstream
from proxy_core.mitm.route import Origin
from proxy_core.mitm.streams import StreamError
from proxy_core.mitm.trail import Trail
from proxy_core.mitm.upload import Upload

_IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))


class Sent(NamedTuple):
    """A request that was sent already, on a kept connection.

    `confirmed` is how many bytes the peer had acknowledged before, where that will matter.
    """

    upstream: Upstream
    confirmed: int | None


def confirmed_before(upstream: Upstream, method: bytes) -> int | None:
    """Bytes that the peer has acknowledged, where a request to come may need to know that."""
    if not upstream.reused or method in _IDEMPOTENT:
        return None
    return acknowledged(upstream.stream)


class Asking:
    """One request's way upstream. `upstream` is the connection it has now, if any."""

    def __init__(
        self, hub: Hub, origin: Origin, head: RequestHead, upload: Upload, trail: Trail
    ) -> None:
        self._hub = hub
        self._config = hub.config
        self._origin = origin
        self._head = head
        self._upload = upload
        self._trail = trail
        self._failure_so_far: StreamError | None = None
        self.upstream: Upstream | None = None

    def interrupt(self, failure: StreamError) -> None:
        """Stop waiting for the upstream, for a reason of the client's side."""
        self._failure_so_far = failure
        if self.upstream is not None:
            self.upstream.stream.interrupt(failure)

    async def ask(
        self,
        request: bytes,
        on_interim: Callable[[ResponseHead], Awaitable[None]],
        sent: Sent | None = None,
    ) -> tuple[Upstream, ResponseHead]:
        """Send `request`, a head, with the body behind it; unless that was `sent` before.

        Raises VaultError (upstream_…, address_blocked) and what the client's side raises.
        """
        hub, method = self._hub, self._head.method
        upstream = hub.pool.take(self._origin) if sent is None else sent.upstream
        while True:
            if upstream is None:
                upstream = await hub.dialer.dial(self._origin, self._config)
            self.upstream = self._trail.upstream = upstream
            if self._failure_so_far is not None:
                raise self._failure_so_far
            confirmed = sent.confirmed if sent else confirmed_before(upstream, method)
            try:
                opening = self._upload.opening()
                if sent is None:
                    data = b"".join((request, opening)) if opening else request
                    await upstream.stream.write(data, self._config.body_idle)
                self._upload.start(upstream.stream)
                return upstream, await self._response_head(upstream, on_interim)
            except StreamError as error:
                if error.stream is not upstream.stream:
                    raise
                if not self._may_repeat(error, upstream, confirmed):
                    raise self._failure(error) from None
            await self._upload.stop()
            upstream.stream.abort()
            self._trail.retries += 1
            upstream = self.upstream = sent = None

    def _may_repeat(self, error: StreamError, upstream: Upstream, confirmed: int | None) -> bool:
        if not upstream.reused or error.reason != "closed" or not self._upload.repeatable:
            return False
        if self._trail.first_byte >= 0:
            return False
        if self._head.method in _IDEMPOTENT:
            return True
        stream = upstream.stream
        return bool(confirmed) and ended_in_order(stream) and acknowledged(stream) == confirmed

    async def _response_head(
        self, upstream: Upstream, on_interim: Callable[[ResponseHead], Awaitable[None]]
    ) -> ResponseHead:
        interim = 0
        while True:
            data = await self._head_bytes(upstream)
            head = parse_response_head(
                data, self._head.method, self._head.websocket_key, self._config.limits
            )
            if not head.interim:
                return head
            interim += 1
            if interim > self._config.interim_limit:
                raise Side.RESPONSE.malformed("too many interim (1xx) responses")
            await on_interim(head)

    async def _head_bytes(self, upstream: Upstream) -> bytes:
        stream, limit = upstream.stream, self._config.head_limit
        buffer = stream.buffer
        while not buffer or (end := find_response_head(buffer, 0, limit)) < 0:
            try:
                alive = await stream.fill(monotonic() + self._config.response_head_timeout)
            except StreamError as error:
                # The time counts from the request's last byte: a body under way has its own limit.
                if error.reason == "timeout" and not self._upload.complete:
                    continue
                raise
            if not alive:
                raise StreamError(stream, "closed")
            if self._trail.first_byte < 0:
                self._trail.first_byte = monotonic()
        return stream.take_out(end)

    def _failure(self, error: StreamError) -> VaultError:
        if error.reason == "timeout":
            return VaultError("upstream_timeout", f"{self._origin.host} did not answer in time")
        if self._trail.first_byte >= 0:
            detail = f"{self._origin.host} broke off within the response head"
            return VaultError("upstream_protocol", detail)
        detail = f"{self._origin.host} closed the connection without an answer"
        return VaultError("upstream_unreachable", detail)
