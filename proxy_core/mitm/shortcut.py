"""The short way for a request that is here whole, on a kept connection.

It needs a single write, placeholders replaced, and hopes for a response that comes whole as well
and may go on as it came.
Where that fails, someone else goes on: nothing was sent, or the request was, and what came for it,
bytes or a failure, is in the upstream's stream.
"""

from time import monotonic

from proxy_core.domain.exchange import Ingress, Injection
from proxy_core.domain.refusals import Fields, final_fields
from proxy_core.mitm.answering import Answering
from proxy_core.mitm.asked import SMALL_BODY, Asked, Precedent
from proxy_core.mitm.asking import Sent, confirmed_before
from proxy_core.mitm.http1 import WholeResponse, whole_response
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.rewrite import rewritten
from proxy_core.mitm.route import Route
from proxy_core.mitm.scrub.fields import is_clean
from proxy_core.mitm.streams import Stream, StreamError


def _passes(injection: Injection, whole: WholeResponse) -> bool:
    """Whether the response may go on as it came."""
    scrub, wire = injection.scrub, whole.wire
    if scrub is None:
        return True
    return is_clean(scrub, whole.status, wire, len(wire) - whole.payload)


class Shortcut(Answering):
    """One request, as far as it can go the short way."""

    __slots__ = ("_sent",)

    def __init__(self, hub: Hub, client: Stream, asked: Asked, ingress: Ingress) -> None:
        super().__init__(hub, client, asked, ingress)
        self._sent: Sent | None = None
        """Set while nobody has seen a response to what was sent."""

    def _is_small(self, injection: Injection) -> bool:
        """All of the request is here, and nobody has to change it but for its head."""
        size = self._head.framing.length
        return (
            self._asked.plain
            and injection.signer is None
            and (injection.scrub is None or self._asked.readable)
            and len(self._client.buffer) >= size
            and size <= self._hub.config.request_body_limit
        )

    def _final_fields(self, status: int) -> Fields:
        """What a refusal of the vault's own credential has to say beside what the upstream says."""
        trail = self.trail
        if status < 400 or trail.outcome != "injected" or trail.route is None:
            return ()
        at_gateway = trail.ingress == Ingress.GATEWAY
        return final_fields(trail.route.origin.host, status, at_gateway=at_gateway)

    async def _pass_whole(
        self, route: Route, injection: Injection, precedent: Precedent | None
    ) -> bool:
        """Send it on a kept connection, and pass on the response if that comes whole as well."""
        hub, client, trail = self._hub, self._client, self.trail
        config, size = hub.config, self._head.framing.length
        request = self._request(route, injection, precedent, size)
        if request is None:
            return False
        upstream = hub.pool.take(route.origin)
        if upstream is None:
            return False
        trail.upstream = upstream
        self._sent = Sent(upstream, confirmed_before(upstream, self._head.method))
        data = await self._first_piece(upstream.stream, request)
        last = client.at_eof or hub.stopping
        whole = None if last else whole_response(data, config.limits)
        if whole is None or self._final_fields(whole.status) or not _passes(injection, whole):
            upstream.stream.buffer += data
            return False
        self._sent, self._answering = None, True
        hub.pool.give(upstream, config)
        client.drop(size)
        trail.status, trail.bytes_up, trail.bytes_down = whole.status, size, whole.payload
        sent = client.send_now(whole.wire)
        if sent < len(whole.wire):
            await client.write_rest(memoryview(whole.wire)[sent:], config.body_idle)
        return True

    def _request(
        self, route: Route, injection: Injection, precedent: Precedent | None, size: int
    ) -> bytes | None:
        """All that is to be sent; None when the long way has to say what becomes of it.

        Raises ProtocolError: substitution_invalid.
        """
        asked, buffer = self._asked, self._client.buffer
        if not injection.substitutions:
            head = asked.rendered(route, injection, precedent)
            return head + buffer[:size] if size else head
        limit = min(self._hub.config.substitution_limit, SMALL_BODY)
        if size > limit:
            return None
        body = bytes(buffer[:size])
        return rewritten(asked.head, asked.target, route.host_field, body, injection, limit)

    async def _first_piece(self, upstream: Stream, request: bytes) -> bytes:
        """What comes first for the request; b"" for an end or a failure, which the next who reads
        meets again.
        """
        config = self._hub.config
        try:
            sent = upstream.send_now(request)
            if sent < len(request):
                await upstream.write_rest(memoryview(request)[sent:], config.body_idle)
            data = await upstream.receive(monotonic() + config.response_head_timeout)
        except StreamError as error:
            upstream.interrupt(error)
            return b""
        if data:
            self.trail.first_byte = monotonic()
        return data
