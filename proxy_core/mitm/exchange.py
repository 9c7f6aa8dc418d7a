"""One request and its one response: decide, inject, forward, answer, record.

Whatever happens, exactly one record leaves for the broker. What is allowed goes the short way
(`shortcut`) if it can, else the long one (`forwarding`, `delivery`), which also takes over where
the short one has not led to the end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import (
    NO_DETAILS,
    Ask,
    Decision,
    Ingress,
    Injection,
    RequestFacts,
    Scrub,
)
from proxy_core.domain.local_answers import LocalAnswer
from proxy_core.domain.traffic import RequestRecord
from proxy_core.mitm.asked import Asked
from proxy_core.mitm.capturing import captured, render_login_answer
from proxy_core.mitm.delivery import begin, begin_frames, begin_scrubbed, is_stream, with_more
from proxy_core.mitm.forwarding import Forwarding
from proxy_core.mitm.gateway import own_name, without_clients_own
from proxy_core.mitm.holding import Holding
from proxy_core.mitm.http1 import ResponseHead, render_response
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.pool import Upstream
from proxy_core.mitm.relay import Download, Splice
from proxy_core.mitm.route import Route
from proxy_core.mitm.scrub.fields import scrubbed_head
from proxy_core.mitm.shortcut import Shortcut
from proxy_core.mitm.streams import Stream, StreamError

RouteFinder = Callable[[Asked], Awaitable[Route | LocalAnswer]]
"""Says where a request goes, or what is answered at once. Raises VaultError, StreamError."""


class Exchange(Shortcut):
    """One request of one client connection."""

    __slots__ = ("_forwarding", "_holding", "_leave", "_like", "_patience")

    def __init__(self, hub: Hub, client: Stream, asked: Asked, ingress: Ingress) -> None:
        super().__init__(hub, client, asked, ingress)
        self._forwarding: Forwarding | None = None
        self._holding: Holding | None = None
        self._leave: Callable[[], None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._like: RequestRecord | None = None
        """All went as it did for the request of this record."""

    async def run(self, find_route: RouteFinder) -> bool:
        """Serve the request; True when the connection can carry another one.

        `find_route` is not asked for a head that has its route.
        """
        hub, trail = self._hub, self.trail
        hub.requests += 1
        try:
            return await self._serve(find_route)
        except Exception as error:
            return await self._answer_failure(error)
        finally:
            hub.requests -= 1
            if self._leave is not None:
                self._leave()
            self._client.unwatch()
            if self._like is not None:
                hub.broker.finished(trail.record_like(self._like, monotonic()))
            else:
                self._clear_up()
                hub.broker.finished(trail.record(monotonic()))

    def _clear_up(self) -> None:
        """End whatever the request has begun."""
        if self._patience is not None:
            self._patience.cancel()
        if self._sent is not None:
            self._sent.upstream.stream.abort()
        if self._begun_upload is not None:
            self._begun_upload.cancel()
            self.trail.bytes_up = self._begun_upload.size
        if self._forwarding is not None:
            self._forwarding.end()

    # --- the request --------------------------------------------------------------------------

    async def _serve(self, find_route: RouteFinder) -> bool:
        asked, trail, broker = self._asked, self.trail, self._hub.broker
        trail.path = asked.path
        route = asked.route
        if route is None:
            found = await self._find(find_route)
            if isinstance(found, LocalAnswer):
                return await self._answer_locally(found)
            asked.route = route = found
        trail.route = route
        self._check(route)
        facts = asked.facts(route)
        self._leave = broker.admit(route.access)
        decision = broker.decide(route.access, facts)
        if isinstance(decision, Ask):
            decision = await self._hold(route, facts, decision)
        if decision.service is not None and decision.service.capture:
            answered = await self._capture(route, facts, decision)
            if answered is not None:
                return answered
        return await self._allowed(route, decision, await self._inject(route, decision))

    async def _allowed(self, route: Route, decision: Decision, injection: Injection) -> bool:
        """Announce the request, and pass it on: the short way if it can go that."""
        asked, trail = self._asked, self.trail
        alike = trail.held < 0  # an operator's time is told of the one request that took it
        precedent = asked.follows(decision, injection) if alike else None
        if precedent is None:
            trail.allowed(decision, injection)
            start = trail.start(route, decision)
        else:
            trail.follow(decision, precedent.record)
            start = trail.start_like(precedent.start)
        self._hub.broker.started(start)
        if asked.head.ends_here:
            return await self._answer_last_hop()
        if self._forwarding is None and self._is_small(injection):
            self._client.watch(self._on_client)
            if await self._pass_whole(route, injection, precedent):
                if precedent is not None:
                    self._like = precedent.record
                elif alike and asked.repeated:
                    record = trail.record(trail.begun)
                    asked.set_precedent(route, decision, injection, start, record)
                return True
        return await self._pass_on(route, decision, injection)

    async def _find(self, find_route: RouteFinder) -> Route | LocalAnswer:
        asked, trail = self._asked, self.trail
        if trail.ingress == Ingress.GATEWAY:
            scheme = "https" if self._client.encrypted else "http"
            trail.host, trail.port = own_name(asked.head, scheme)
        try:
            return await find_route(asked)
        finally:
            self._head, trail.path, trail.access = asked.head, asked.path, asked.access

    async def _hold(self, route: Route, facts: RequestFacts, ask: Ask) -> Decision:
        decision = self.trail.asked(ask, monotonic())
        self._hub.broker.started(self.trail.start(route, decision))
        self._holding = Holding(self._hub.broker, self._client, self._head)
        self._client.watch(self._on_client)
        try:
            return await self._holding.wait(route.access, facts, ask)
        finally:
            self._client.unwatch()
            self._holding = None
            self.trail.answered(monotonic())

    async def _capture(self, route: Route, facts: RequestFacts, decision: Decision) -> bool | None:
        """Answer a login; whether the connection can go on. None: it is no login."""
        hub, client, head, trail = self._hub, self._client, self._head, self.trail
        answer = await captured(hub, client, head, route.access, decision, facts)
        if answer is None:
            return None
        trail.bytes_up = head.framing.length
        trail.captured(decision)
        hub.broker.started(trail.start(route, decision))
        trail.status = answer.status
        # The body was taken from the client already.
        close = not head.keep_alive or client.at_eof or hub.stopping
        self._answering = True
        await self._write(render_login_answer(answer, close=close))
        return not close

    def _check(self, route: Route) -> None:
        if self._hub.stopping:
            raise VaultError("shutting_down", "the worker is stopping")
        if route.refusal is not None:
            raise VaultError(*route.refusal)
        if self._head.method == b"TRACE":
            raise VaultError("trace_not_allowed", "TRACE would send the credential back")

    async def _inject(self, route: Route, decision: Decision) -> Injection:
        if route.ingress is Ingress.GATEWAY:
            self._asked.head = self._head = without_clients_own(self._head, decision)
        if decision.reconsiders or decision.borrows:
            return await self._forward(route).inject(self._client, decision)
        return await self._hub.broker.inject(decision, NO_DETAILS)

    def _forward(self, route: Route) -> Forwarding:
        """The long way, which has no way back."""
        asked = self._asked
        self._forwarding = forwarding = Forwarding(
            self._hub, route, asked.head, asked.target, self._upload, self.trail
        )
        return forwarding

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
        failure = StreamError(self._client, "closed")
        if self._holding is not None:
            self._holding.leave()
        elif self._sent is not None:
            self._sent.upstream.stream.interrupt(failure)
        elif self._forwarding is not None:
            self._forwarding.asking.interrupt(failure)

    def _give_up_waiting(self) -> None:
        if not self._answering:
            self._give_up()

    # --- the long way -------------------------------------------------------------------------

    async def _pass_on(self, route: Route, decision: Decision, injection: Injection) -> bool:
        forwarding = self._forwarding
        if forwarding is None:
            forwarding = self._forward(route)
            forwarding.adopt(decision, injection)
        request = await forwarding.prepare(self._client)
        self._client.watch(self._on_client)
        sent, self._sent = self._sent, None
        upstream, response = await forwarding.ask(request, self._pass_interim, sent)
        forwarding.forget()
        return await self._deliver(upstream, response)

    async def _pass_interim(self, response: ResponseHead) -> None:
        if self._head.minor:
            if (scrub := self._scrub) is not None:
                response = scrubbed_head(scrub, response)
            await self._write(render_response(response, response.framing, close=False))

    @property
    def _scrub(self) -> Scrub | None:
        return None if self._forwarding is None else self._forwarding.scrub

    async def _deliver(self, upstream: Upstream, response: ResponseHead) -> bool:
        trail, stream = self.trail, upstream.stream
        trail.status = response.status
        if response.status == 101:
            return await self._splice(upstream, response)
        if more := self._final_fields(response.status):
            response = with_more(response, more)
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
