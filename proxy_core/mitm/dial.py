"""Opening upstream connections: resolve through the guard, dial that address, verify TLS.

VaultError
├── address_blocked        the guard refuses the address
├── upstream_unreachable   no address, refused, reset
├── upstream_timeout       no connection or no handshake in time
└── upstream_tls           not the certificate of this host, expired, untrusted, no common TLS
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from proxy_core.base.errors import VaultError
from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.guard import Endpoint, Guard
from proxy_core.mitm.opening import connect, start_tls
from proxy_core.mitm.pool import Upstream
from proxy_core.mitm.reactor import Reactor
from proxy_core.mitm.route import Origin
from proxy_core.mitm.streams import Stream, StreamError


def client_context(extra_roots: Sequence[Path] = ()) -> ssl.SSLContext:
    """The one context of all upstream connections: it costs 45 ms and 800 KiB to make.

    Raises VaultError upstream_tls when an extra root can't be read.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    # RFC 9110 4.3.4: a common name is for people, and names nobody.
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    for path in extra_roots:
        try:
            context.load_verify_locations(cafile=path)
        except (OSError, ssl.SSLError):
            raise VaultError("upstream_tls", f"{path} holds no PEM certificate") from None
    return context


class Dialer:
    """Opens connections; knows nothing of requests."""

    def __init__(self, reactor: Reactor, guard: Guard, context: ssl.SSLContext) -> None:
        self._reactor = reactor
        self._guard = guard
        self._context = context

    async def dial(self, origin: Origin, config: ProxyConfig) -> Upstream:
        """A connection ready for a request. Raises VaultError as at the top of this file."""
        begun = self._reactor.loop.time()
        stream = await self._connect(origin, config)
        connected = self._reactor.loop.time()
        upstream = Upstream(origin, stream, connect_ms=(connected - begun) * 1000)
        if origin.scheme == "https":
            try:
                await start_tls(
                    stream, self._context, connected + config.connect_timeout, hostname=origin.host
                )
            except StreamError as error:
                stream.abort()
                raise _tls_failure(origin, error) from None
            except asyncio.CancelledError:
                stream.abort()
                raise
            upstream.tls_ms = (self._reactor.loop.time() - connected) * 1000
        return upstream

    async def _connect(self, origin: Origin, config: ProxyConfig) -> Stream:
        """The first address that answers, in the resolver's order."""
        try:
            async with asyncio.timeout(config.connect_timeout):
                endpoints = await self._guard.resolve(origin.host, origin.port)
        except TimeoutError:
            detail = f"the name {origin.host} was not resolved in time"
            raise VaultError("upstream_timeout", detail) from None
        failure: StreamError | None = None
        for endpoint in endpoints:
            stream = self._open(endpoint)
            try:
                deadline = stream.time + config.connect_timeout
                await connect(stream, (endpoint.address, endpoint.port), deadline)
            except BaseException as error:
                stream.abort()
                if not isinstance(error, StreamError):
                    raise
                failure = error
            else:
                return stream
        raise _connect_failure(origin, failure)

    def _open(self, endpoint: Endpoint) -> Stream:
        try:
            sock = socket.socket(endpoint.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        except OSError as error:  # out of descriptors, or no such address family here
            detail = f"no socket could be opened: {error.strerror}"
            raise VaultError("upstream_unreachable", detail) from None
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return Stream(self._reactor, sock)


def _connect_failure(origin: Origin, failure: StreamError | None) -> VaultError:
    where = f"{origin.host} port {origin.port}"
    if failure is None:
        return VaultError("upstream_unreachable", f"{where} has no address")
    if failure.reason == "timeout":
        return VaultError("upstream_timeout", f"{where} did not accept a connection in time")
    why = failure.cause.strerror if failure.cause else None
    return VaultError("upstream_unreachable", f"{where}: {why or 'connection failed'}")


def _tls_failure(origin: Origin, failure: StreamError) -> VaultError:
    where = f"{origin.host} port {origin.port}"
    if failure.reason == "timeout":
        return VaultError("upstream_timeout", f"{where} did not finish the TLS handshake in time")
    cause = failure.cause
    if isinstance(cause, ssl.SSLCertVerificationError):
        detail = f"the certificate of {where} was not accepted: {cause.verify_message}"
        return VaultError("upstream_tls", detail)
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        reason = (cause.reason or "unknown").replace("_", " ").lower()
        return VaultError("upstream_tls", f"TLS with {where} failed: {reason}")
    detail = f"{where} closed the connection during the TLS handshake"
    return VaultError("upstream_unreachable", detail)
