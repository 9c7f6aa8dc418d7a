"""One request and its one response: decide, inject, forward, answer, record.

Whatever happens, exactly one record leaves for the broker, and the client gets exactly one of: the
upstream's response, the proxy's own answer, or a broken connection when a response was under way.
"""

import asyncio
import logging
import traceback
from collections.abc import Callable

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Ask, Decision, Ingress, RequestFacts, Scrub
from proxy_core.domain.target import check_path
from proxy_core.mitm.answers import render_answer, render_last_hop
from proxy_core.mitm.delivery import begin, begin_frames, begin_scrubbed, is_stream
from proxy_core.mitm.forwarding import Forwarding
from proxy_core.mitm.holding import Holding
from proxy_core.mitm.http1 import (
    RequestHead,
    ResponseHead,
    Target,
    render_response,
    split_target,
)
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.pool import Upstream
from proxy_core.mitm.relay import Download, Splice
from proxy_core.mitm.route import Route
from proxy_core.mitm.scrub.fields import scrubbed_head
from proxy_core.mitm.streams import Stream, StreamError
from proxy_core.mitm.trail import Trail
from proxy_core.mitm.upload import Upload

logger = logging.getLogger(__name__)

RouteFinder = Callable[[RequestHead, Target], Route]
"""Says where a request goes. Raises VaultError."""


class Exchange:
    """One request of one client connection."""

    def __init__(self, hub: Hub, client: Stream, head: RequestHead, ingress: Ingress) -> None:
        self._hub = hub
        self._client = client
        self._head = head
        self._upload = Upload(client, head.framing)
        self._forwarding: Forwarding | None = None
        self._holding: Holding | None = None
        self._leave: Callable[[], None] | None = None
        self._answering = False
        self._patience: asyncio.TimerHandle | None = None
        self.trail = Trail(client.time, ingress, head.method.decode("ascii"))

    @property
    def body_pending(self) -> bool:
        """The client may still be sending the request's body."""
        return not self._upload.complete

    async def run(self, find_route: RouteFinder) -> bool:
        """Serve the request; True when the connection can carry another one."""
        hub = self._hub
        hub.requests += 1
        try:
            return await self._guarded(find_route)
        finally:
            hub.requests -= 1
            if self._leave is not None:
                self._leave()
            self._client.unwatch()
            self._upload.cancel()
            if self._patience is not None:
                self._patience.cancel()
            if self._forwarding is not None:
                self._forwarding.end()
            self.trail.bytes_up = self._upload.size
            hub.broker.finished(self.trail.record(self._client.time))

    async def _guarded(self, find_route: RouteFinder) -> bool:
        try:
            try:
                return await self._serve(find_route)
            except VaultError as error:
                return await self._refuse(error)
            except StreamError as error:
                if error.stream is self._client:
                    return self._client_left(error)
                return await self._refuse(self._broken(error))
            except Exception as error:  # a fault of ours must not reach further than this request
                self._log(error)
                detail = f"unexpected failure {self.trail.request_id}"
                return await self._refuse(VaultError("internal", detail))
        except StreamError:
            return False

    # --- the request --------------------------------------------------------------------------

    async def _serve(self, find_route: RouteFinder) -> bool:
        head, trail, broker = self._head, self.trail, self._hub.broker
        target = split_target(head.method, head.target)
        trail.path = target.path.decode("latin-1")
        trail.route = route = find_route(head, target)
        self._check(route, trail.path)
        self._leave = broker.admit(route.access)
        facts = _facts(route, head, target)
        decision = broker.decide(route.access, facts)
        if isinstance(decision, Ask):
            decision = await self._hold(route, facts, decision)
        self._forwarding = Forwarding(self._hub, route, head, target, self._upload, trail)
        injection = await self._forwarding.inject(self._client, decision)
        trail.allowed(decision, injection)
        broker.started(trail.start(route, decision))
        if head.ends_here:
            return await self._answer_last_hop()
        request = await self._forwarding.prepare(self._client)
        self._client.watch(self._on_client)
        upstream, response = await self._forwarding.ask(request, self._pass_interim)
        self._forwarding.forget()
        return await self._deliver(upstream, response)

    async def _hold(self, route: Route, facts: RequestFacts, ask: Ask) -> Decision:
        decision = self.trail.asked(ask, self._client.time)
        self._hub.broker.started(self.trail.start(route, decision))
        self._holding = Holding(self._hub.broker, self._client, self._head)
        self._client.watch(self._on_client)
        try:
            return await self._holding.wait(route.access, facts, ask)
        finally:
            self._client.unwatch()
            self._holding = None
            self.trail.answered(self._client.time)

    def _check(self, route: Route, path: str) -> None:
        if self._hub.stopping:
            raise VaultError("shutting_down", "the worker is stopping")
        if route.refusal is not None:
            raise VaultError(*route.refusal)
        if self._head.method == b"TRACE":
            raise VaultError("trace_not_allowed", "TRACE would send the credential back")
        check_path(path)

    def _on_client(self) -> None:
        """The client sent more, or left, while nobody was reading from it.

        A plain connection's clean end may be half of one: the client waits for its response. If
        it is gone, that shows when the response is written.
        """
        client = self._client
        if not client.at_eof:
            return
        if client.encrypted or not client.clean_eof:
            self._give_up()
        elif not self._answering and self._patience is None:
            grace = self._hub.config.half_close_grace
            self._patience = self._hub.reactor.loop.call_later(grace, self._give_up_waiting)

    def _give_up(self) -> None:
        if self._holding is not None:
            self._holding.leave()
        elif self._forwarding is not None:
            self._forwarding.asking.interrupt(StreamError(self._client, "closed"))

    def _give_up_waiting(self) -> None:
        if not self._answering:
            self._give_up()

    async def _answer_last_hop(self) -> bool:
        close = not self._may_keep_alive()
        self.trail.status = 204
        await self._write(render_last_hop(close=close))
        return not close

    # --- the response -------------------------------------------------------------------------

    async def _write(self, data: bytes | memoryview) -> None:
        await self._client.write(data, self._hub.config.body_idle)

    async def _pass_interim(self, response: ResponseHead) -> None:
        if self._head.minor:
            if (scrub := self._scrub) is not None:
                response = scrubbed_head(scrub, response)
            await self._write(render_response(response, response.framing, close=False))

    @property
    def _scrub(self) -> Scrub | None:
        return None if self._forwarding is None else self._forwarding.scrub

    def _may_keep_alive(self) -> bool:
        return (
            self._head.keep_alive
            and self._upload.complete
            and not self._client.at_eof
            and not self._hub.stopping
        )

    async def _deliver(self, upstream: Upstream, response: ResponseHead) -> bool:
        trail, stream = self.trail, upstream.stream
        trail.status = response.status
        if response.status == 101:
            return await self._splice(upstream, response)
        trail.streaming = is_stream(response)
        config, minor, scrub = self._hub.config, self._head.minor, self._scrub
        close = not self._may_keep_alive()
        if scrub is None:
            begun = begin(stream, response, config, minor=minor, close=close)
        else:
            begun = await begin_scrubbed(stream, response, config, scrub, minor=minor, close=close)
        trail.bytes_down += begun.payload
        self._answering = True
        await self._write(begun.wire)
        whole = not begun.overrun
        if not begun.reader.complete:
            download = Download(stream, self._client, begun.reader, trail)
            whole = await download.deliver(config.body_idle) and whole
        self._release(upstream, whole and response.keep_alive)
        return not close and self._upload.complete

    def _release(self, upstream: Upstream, reusable: bool) -> None:
        if self._forwarding is not None:
            self._forwarding.asking.upstream = None
        if reusable and self._upload.delivered:
            self._hub.pool.give(upstream, self._hub.config)
        else:
            upstream.stream.close()

    async def _splice(self, upstream: Upstream, response: ResponseHead) -> bool:
        trail, client = self.trail, self._client
        trail.websocket = trail.streaming = True
        config, scrub, inward = self._hub.config, self._scrub, None
        if scrub is not None:
            response, inward = begin_frames(response, config, scrub)
        client.unwatch()
        self._answering = True
        await self._write(render_response(response, response.framing, close=False))
        outward = self._forwarding.client_frames() if self._forwarding is not None else None
        splice = Splice(client, upstream.stream, config.tunnel_idle, outward, inward)
        try:
            await splice.run()
        finally:
            self._upload.size, trail.bytes_down = splice.sizes
        self._release(upstream, reusable=False)
        return False

    # --- failures -----------------------------------------------------------------------------

    async def _refuse(self, error: VaultError) -> bool:
        """Answer `error`, or break the connection when another answer has begun already."""
        trail = self.trail
        trail.error_code = error.code
        if not trail.outcome:
            trail.outcome = "denied" if error.status < 500 else "failed"
            trail.reason = str(error)
        if self._answering:
            self._client.abort()
            return False
        trail.status = error.status
        close = not self._drained() or not self._may_keep_alive() or error.code == "internal"
        bodiless = self._head.method == b"HEAD"
        host = trail.route.origin.host if trail.route else ""
        await self._write(render_answer(error, host=host, bodiless=bodiless, close=close))
        return not close

    def _drained(self) -> bool:
        """Skip a body that has arrived whole; any other makes the connection unusable."""
        try:
            self._upload.open(self._hub.config)
            self._upload.first()
        except VaultError:
            return False
        return self._upload.complete

    def _broken(self, error: StreamError) -> VaultError:
        if error.reason == "timeout":
            return VaultError("upstream_timeout", "the upstream stopped moving")
        code = "upstream_protocol" if self._answering else "upstream_unreachable"
        return VaultError(code, "the upstream broke the connection")

    def _client_left(self, error: StreamError) -> bool:
        self.trail.reason = f"client {'idle' if error.reason == 'timeout' else 'left'}"
        self._client.abort()
        return False

    def _log(self, error: Exception) -> None:
        """Where it happened, without values: an exception's text could hold some."""
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("failure %s: %s\n%s", self.trail.request_id, type(error).__name__, frames)


def _facts(route: Route, head: RequestHead, target: Target) -> RequestFacts:
    origin = route.origin
    return RequestFacts(
        scheme=origin.scheme,
        host=origin.host,
        port=origin.port,
        method=head.method.decode("ascii"),
        path=target.path.decode("latin-1"),
        query=(target.query or b"").decode("latin-1"),
        ingress=route.ingress,
    )
