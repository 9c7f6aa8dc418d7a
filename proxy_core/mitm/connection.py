"""One client connection: request after request, in order, directly or inside a tunnel."""

import asyncio
import contextlib

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Access, Ingress
from proxy_core.domain.hosts import format_authority
from proxy_core.domain.local_answers import LocalAnswer
from proxy_core.mitm.answers import render_answer
from proxy_core.mitm.asked import Asked
from proxy_core.mitm.doorway import enter
from proxy_core.mitm.exchange import Exchange, RouteFinder
from proxy_core.mitm.gateway import GatewayDoor
from proxy_core.mitm.http1 import RequestHead, Target, TargetForm
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.intake import Intake, More, peek_more
from proxy_core.mitm.nesting import Carrier
from proxy_core.mitm.route import (
    DEFAULT_PORTS,
    Route,
    absolute_origin,
    authenticated,
    check_inside,
    proxy_credentials,
    route_to,
)
from proxy_core.mitm.streams import Stream, StreamError
from proxy_core.mitm.trail import Trail
from proxy_core.mitm.tunnel import open_tunnel

LINGER_SECONDS = 2.0


class ClientConnection:
    """`address` is the client's, without its port.

    `crowded`: the server has no room for it, and says so as the answer to its first request.
    """

    def __init__(
        self, hub: Hub, stream: Stream, address: str = "", *, crowded: bool = False
    ) -> None:
        self._hub = hub
        self._stream = stream
        self._address = address
        self._crowded = crowded
        self._token = b""
        self._agent_has_room = True
        self._task: asyncio.Task[None] | None = None
        self._current: Exchange | None = None
        self._idle = False
        self._linger = False
        self._carrier: Carrier | None = None

    def start(self) -> "asyncio.Task[None]":
        """Serve the client in a task of its own."""
        self._task = asyncio.create_task(self._run())
        return self._task

    def end(self, code: str) -> None:
        """Break off at once whatever is under way; `code` goes into its record."""
        if self._current is not None:
            self._current.trail.error_code = code
        if self._task is not None:
            self._task.cancel()

    def end_if_idle(self) -> None:
        """Close a kept-alive connection that has no request."""
        if self._idle and self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            if await self._enter():
                await self._serve(peek_more, self._absolute_route, Ingress.ABSOLUTE)
            if self._linger:
                await self._drain()
            await self._close()
        except (StreamError, asyncio.CancelledError):
            # Cancelled by `end` and `end_if_idle` alone: the task then has nothing else to do.
            if self._idle:
                await self._close()
        finally:
            self._stream.abort()
            if self._carrier is not None:
                self._carrier.abort()
            if self._token:
                self._hub.leave(self, self._token)

    async def _close(self) -> None:
        """End properly, once the client has what is under way to it."""
        self._stream.close()
        if self._carrier is not None:
            await self._carrier.finish()

    async def _enter(self) -> bool:
        """Whether the client may speak to us as it does. Raises StreamError."""
        context = self._hub.config.tls
        if context is None:
            return True
        self._idle = True
        welcome = await enter(self._hub, self._stream, context, self._address)
        self._idle, self._linger = False, not welcome
        return welcome

    async def _serve(self, more: More, find_route: RouteFinder, ingress: Ingress) -> None:
        """Requests until one of them is the last. Raises StreamError."""
        # What is said to the proxy itself holds a token: nothing of it is kept.
        intake = Intake(self._stream, more, repeats=ingress is Ingress.CONNECT)
        while True:
            try:
                self._idle = not self._stream.buffer
                asked = await intake.next(self._hub.config)
                self._idle = False
            except VaultError as error:
                await self._refuse_head(error, ingress)
                return
            if asked is None:
                return
            head = asked.head
            if head.method == b"CONNECT" and ingress is Ingress.ABSOLUTE and not self._crowded:
                if await self._connect(head):
                    continue
                return
            find, way_in = find_route, ingress
            if ingress is Ingress.ABSOLUTE and self._is_for_gateway(asked.target):
                find, way_in = self._gateway_route, Ingress.GATEWAY
            self._current = Exchange(self._hub, self._stream, asked, way_in)
            if not await self._current.run(find):
                self._linger = self._linger or self._current.body_pending
                return
            self._current = None
            if self._hub.stopping and not self._stream.buffer:
                return

    async def _refuse_head(self, error: VaultError, ingress: Ingress) -> None:
        """Answer bytes that are no request, and close: where the next one begins is unknown."""
        self._idle = False
        self._linger = True
        if self._token:  # otherwise it is anybody's noise, and has no place in a log
            trail = Trail(self._stream.time, ingress, status=error.status)
            trail.route = self._tunnel
            trail.outcome, trail.reason, trail.error_code = "denied", str(error), error.code
            self._hub.broker.finished(trail.record(self._stream.time))
        await self._stream.write(render_answer(error, close=True), self._hub.config.head_timeout)

    async def _drain(self) -> None:
        """Let the client read its answer, which closing with unread bytes would take away."""
        stream = self._stream
        stream.half_close()
        with contextlib.suppress(StreamError):
            deadline = stream.time + LINGER_SECONDS
            while await stream.read(deadline):
                pass

    # --- ways in ------------------------------------------------------------------------------

    def _is_for_gateway(self, target: Target) -> bool:
        """An origin-form target is; so is an absolute one that names our own address."""
        if target.form is TargetForm.ORIGIN:
            return True
        absolute = target.form is TargetForm.ABSOLUTE and target.scheme == b"http"
        if not absolute or self._carrier is not None:
            return False
        host, port = self._stream.socket.getsockname()[:2]
        return target.authority == format_authority(host, port, DEFAULT_PORTS["http"]).encode()

    async def _absolute_route(self, asked: Asked) -> Route:
        self._check_room()
        origin = absolute_origin(asked.target)
        credentials = proxy_credentials(asked.head)
        access = await authenticated(self._hub.broker, credentials, self._address)
        return route_to(Ingress.ABSOLUTE, origin, access, self._admit(access))

    async def _gateway_route(self, asked: Asked) -> Route | LocalAnswer:
        self._check_room()
        return await GatewayDoor(self._hub, self._stream, self._address, self._admit).find(asked)

    def _check_room(self) -> None:
        if self._crowded:
            raise VaultError("overloaded", "the proxy has too many connections")

    def _admit(self, access: Access) -> tuple[str, str] | None:
        """Count the connection to its agent; a refusal when the agent has too many."""
        if access.token_sha256 != self._token:
            if self._token:
                self._hub.leave(self, self._token)
            self._token = access.token_sha256
            self._agent_has_room = self._hub.enter(self, self._token)
        if self._agent_has_room:
            return None
        return "overloaded", "this agent has too many connections"

    _tunnel: Route | None = None

    async def _connect(self, head: RequestHead) -> bool:
        """Serve a tunnel to its end. True: it was refused, and the connection goes on."""
        if self._stream.encrypted:
            self._carrier = Carrier(self._hub.reactor, self._stream, self._hub.config.body_idle)
        opened = await open_tunnel(self._hub, self._stream, head, self._admit, self._address)
        if isinstance(opened, bool):
            return opened
        self._tunnel = route = opened

        async def find_route(asked: Asked) -> Route:
            check_inside(asked.target, route.origin)
            return route

        await self._serve(Stream.receive, find_route, Ingress.CONNECT)
        return False
