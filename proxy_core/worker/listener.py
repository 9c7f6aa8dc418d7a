"""The API's listeners: uvicorn in our loop, on TCP and on the control socket."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import h11
import uvicorn
from litestar.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from proxy_core.base.errors import VaultError
from proxy_core.worker.logs import places_of
from proxy_core.worker.peers import Peer
from proxy_core.worker.problems import encoded

_LOG = logging.getLogger("vault_tui.api")
_KEEP_ALIVE_SECONDS = 75
_DATE_SECONDS = 1.0
_HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 20.0
"""From a request head's first byte, or the connection's start, to the head's end."""
HANDSHAKE_SECONDS = 15.0
MAX_CONNECTIONS = 512
"""Beyond so many no more come in over TCP: operators on the control socket always do."""


class ApiListener:
    """Serves `app` on bound sockets until stopped. All methods belong to the loop.

    With `tls` every TCP client has to speak it; the control socket never does.
    """

    def __init__(
        self, app: Any, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None = None
    ) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            h11_max_incomplete_event_size=_HEAD_BYTES,
        )
        self._server = _Server(config, tls)
        self._sockets = list(sockets)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once connections are accepted. Raises VaultError internal, or the failure."""
        self._task = asyncio.create_task(self._server.serve(self._sockets), name="api")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task.done():
            self._task.result()
            raise VaultError("internal", "The API stopped while it started.")

    async def watch(self) -> None:
        """Return when stopped. Raises VaultError: internal, when it ends though nobody asked."""
        if self._task is None:
            return
        await asyncio.wait({self._task})
        if self._server.should_exit:
            return
        error = None if self._task.cancelled() else self._task.exception()
        why = "it was cancelled" if error is None else places_of(error)
        _LOG.critical("the API server has ended: %s", why)
        raise VaultError("internal", "The API server has ended by itself; the worker stops.")

    async def stop(self, grace_seconds: float) -> None:
        """Accept no more; let answers under way finish up to the limit."""
        if self._task is None:
            return
        self._server.end(grace_seconds)
        await asyncio.wait({self._task})


class _Server(uvicorn.Server):
    """Signals are the worker's own business; and somebody waits for the start and for the end.

    uvicorn itself looks ten times a second whether it shall end, and at its end whether it may.
    """

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._tls = tls
        self._ending = asyncio.Event()
        self._grace_seconds = 0.0

    def end(self, grace_seconds: float) -> None:
        """Begin to shut down; answers under way have so long."""
        self._grace_seconds = grace_seconds
        self.should_exit = True
        self._ending.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signal handlers alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell `ready`. uvicorn itself has one TLS setting for all its sockets."""
        encrypted = [one for one in sockets or [] if self._tls and one.family != socket.AF_UNIX]
        await super().startup([one for one in sockets or [] if one not in encrypted])
        for one in encrypted:
            server = await asyncio.get_running_loop().create_server(
                self._protocol,
                sock=one,
                ssl=self._tls,
                backlog=self.config.backlog,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
            self.servers.append(server)
        self.ready.set()

    async def main_loop(self) -> None:
        """Keep the Date of answers right, until it shall end."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _DATE_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more; cut off the answers that do not end in time."""
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        waits: set[asyncio.Future[None]] = set(self.server_state.tasks)
        for connection in list(self.server_state.connections):
            connection.shutdown()
            if isinstance(connection, _Protocol):
                waits.add(connection.lost)
        if waits:
            await asyncio.wait(waits, timeout=self._grace_seconds)
        for task in self.server_state.tasks:
            task.cancel()

    def _protocol(self) -> asyncio.Protocol:
        return _Protocol(self.config, self.server_state, self.lifespan.state)


class _Protocol(H11Protocol):
    """HTTP/1.1 that knows the peer of a Unix socket and never answers in its own words."""

    _peer: Peer | None = None
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Ask the kernel once who connected."""
        super().connection_made(transport)
        self.lost: asyncio.Future[None] = self.loop.create_future()
        self._time_head()
        connection = transport.get_extra_info("socket")
        if connection.family != socket.AF_UNIX:
            if len(self.connections) > MAX_CONNECTIONS:
                self._refuse(VaultError("overloaded", "The API has too many connections."))
            return
        try:
            self._peer = Peer.of(connection)
        except OSError:  # without an identity there is nothing to answer
            _LOG.warning("a peer of the control socket could not be identified")
            transport.abort()
            return
        self.app = _with_peer(self.app, self._peer)

    def data_received(self, data: bytes) -> None:
        """Give a head that has begun so much time and no more."""
        super().data_received(data)
        self._time_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the peer."""
        self._stop_timer()
        if self._peer is not None:
            self._peer.close()
        super().connection_lost(exc)
        self.lost.set_result(None)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP, in the contract's shape."""
        _LOG.info("a request was no HTTP: %s", msg)
        self._refuse(VaultError("bad_request", "That is not a valid HTTP request."))

    def _refuse(self, error: VaultError) -> None:
        body, headers = encoded(error)
        head = h11.Response(status_code=error.status, headers=[*headers, (b"connection", b"close")])
        with suppress(h11.LocalProtocolError):
            parts = (head, h11.Data(data=body), h11.EndOfMessage())
            for part in parts:
                self.transport.write(self.conn.send(part) or b"")
        self.transport.close()

    def _time_head(self) -> None:
        """Run the timer while the client owes us a head; a connection kept alive is uvicorn's."""
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._stop_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _with_peer(app: Any, peer: Peer) -> ASGIApp:
    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        scope["vault_tui.peer"] = peer  # type: ignore[typeddict-unknown-key]  # ours, read by the guard
        await app(scope, receive, send)

    return known
