"""The listener: accepts clients, keeps count of them, and stops gracefully."""

import asyncio
import contextlib
import logging
import socket

from proxy_core.base.errors import VaultError
from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.connection import ClientConnection
from proxy_core.mitm.dial import Dialer, client_context
from proxy_core.mitm.guard import Guard
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.ports import Broker, LeafSource
from proxy_core.mitm.reactor import Reactor
from proxy_core.mitm.streams import Stream

logger = logging.getLogger(__name__)

BACKLOG = 1024
ACCEPTS_AT_ONCE = 64
ACCEPT_PAUSE = 0.5
"""Seconds without accepting when the system has no descriptor left."""
CROWD = 64
"""Connections beyond the limit that still get an answer rather than a closed door."""


class ProxyServer:
    """One forward proxy on one port.

    `config` may be replaced at any time. All methods belong to the loop that called `start`.
    """

    def __init__(
        self, broker: Broker, leaves: LeafSource, guard: Guard, config: ProxyConfig
    ) -> None:
        self._broker = broker
        self._leaves = leaves
        self._guard = guard
        self._config = config
        self._hub: Hub | None = None
        self._listener: socket.socket | None = None
        self._serving: dict[asyncio.Task[None], ClientConnection] = {}

    @property
    def config(self) -> ProxyConfig:
        """Limits and times, as they count from the next request on."""
        return self._config

    @config.setter
    def config(self, config: ProxyConfig) -> None:
        self._config = config
        if self._hub is not None:
            self._hub.config = config

    @property
    def connections(self) -> int:
        """Client connections open now."""
        return len(self._serving)

    @property
    def streams(self) -> int:
        """Requests under way now, WebSockets included."""
        return self._hub.requests if self._hub is not None else 0

    @property
    def idle_upstreams(self) -> int:
        """Upstream connections kept for the next request."""
        return len(self._hub.pool) if self._hub is not None else 0

    @property
    def held_bytes(self) -> int:
        """Bytes of request bodies held now, to be rewritten or sent again."""
        return self._hub.memory.used if self._hub is not None else 0

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; port 0 picks a free one. Returns what is listened on.

        Raises VaultError: port_in_use; upstream_tls for an unreadable extra root.
        """
        context = client_context(self._config.upstream_ca)
        listener = await _listen(host, port)
        reactor = Reactor()
        dialer = Dialer(reactor, self._guard, context)
        hub = Hub(self._broker, self._leaves, self._config, reactor, dialer)
        reactor.sweeps.append(lambda now: hub.pool.expire(now - hub.config.pool_idle))
        self._hub, self._listener = hub, listener
        reactor.loop.add_reader(listener.fileno(), self._accept, hub, listener)
        name = listener.getsockname()
        return name[0], name[1]

    def _accept(self, hub: Hub, listener: socket.socket) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                sock, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                logger.error("accepting clients pauses: %s", error.strerror)
                self._pause(hub, listener)
                return
            self._welcome(hub, sock, address[0])

    def _pause(self, hub: Hub, listener: socket.socket) -> None:
        hub.reactor.loop.remove_reader(listener.fileno())
        hub.reactor.loop.call_later(ACCEPT_PAUSE, self._resume, hub, listener)

    def _resume(self, hub: Hub, listener: socket.socket) -> None:
        if self._listener is listener:
            hub.reactor.loop.add_reader(listener.fileno(), self._accept, hub, listener)

    def _welcome(self, hub: Hub, sock: socket.socket, address: str) -> None:
        room = self._config.max_connections - len(self._serving)
        if room <= -CROWD:
            sock.close()
            return
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = ClientConnection(hub, Stream(hub.reactor, sock), address, crowded=room <= 0)
        task = connection.start()
        self._serving[task] = connection
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        del self._serving[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a client connection failed: %s", type(error).__name__)

    async def stop(self, grace_seconds: float) -> None:
        """Accept no more, let requests under way finish up to the limit, then close everything.

        Cancelling it ends the wait, not the closing.
        """
        hub, listener = self._hub, self._listener
        if hub is None or listener is None:
            return
        self._listener = None
        hub.stopping = True
        hub.reactor.loop.remove_reader(listener.fileno())
        listener.close()
        for connection in list(self._serving.values()):
            connection.end_if_idle()
        try:
            if self._serving:
                await asyncio.wait(list(self._serving), timeout=grace_seconds)
        finally:
            await self._close_everything(hub)

    async def _close_everything(self, hub: Hub) -> None:
        left = dict(self._serving)
        for connection in left.values():
            connection.end("shutting_down")
        if left:
            await asyncio.wait(list(left))
        hub.pool.close()
        hub.reactor.close()

    def connections_for_token(self, sha256: bytes) -> int:
        """Client connections that a token has open now."""
        return len(self._hub.by_token.get(sha256, ())) if self._hub is not None else 0

    def close_for_token(self, sha256: bytes) -> None:
        """End every connection and tunnel of a revoked token at once."""
        if self._hub is not None:
            for connection in list(self._hub.by_token.get(sha256, ())):
                connection.end("proxy_auth_required")


async def _listen(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )
        family, kind, _, _, address = found[0]
        # The protocol is named so that accepted sockets inherit TCP_NODELAY.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    except OSError as error:
        raise VaultError("port_in_use", f"cannot listen on {host}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        detail = f"cannot listen on {host} port {port}: {error.strerror}"
        raise VaultError("port_in_use", detail) from None
    return listener
