"""CONNECT: who asks, where to, and what the client begins to speak inside.

An authorised client's CONNECT is accepted whatever policy says of the host: a refusal is given
inside, as an HTTP answer, because clients take a refused CONNECT for a network fault.
"""

import logging
import ssl
from collections.abc import Callable

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Access, Ingress
from proxy_core.mitm.answers import TUNNEL_OPEN, render_answer
from proxy_core.mitm.doorway import TLS_HANDSHAKE, failure_reason, first_byte
from proxy_core.mitm.http1 import RequestHead
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.opening import start_tls
from proxy_core.mitm.route import (
    Origin,
    Route,
    authenticated,
    connect_origin,
    proxy_credentials,
    route_to,
)
from proxy_core.mitm.sni import requested_name, sni_matches
from proxy_core.mitm.streams import Stream, StreamError
from proxy_core.mitm.trail import Trail

logger = logging.getLogger(__name__)

Admit = Callable[[Access], tuple[str, str] | None]


async def open_tunnel(
    hub: Hub, stream: Stream, head: RequestHead, admit: Admit, address: str = ""
) -> Route | bool:
    """The route of the requests inside. Refused: whether the connection may carry on.

    `address` is the client's, without its port. Raises StreamError.
    """
    trail = Trail(stream.time, Ingress.CONNECT, "CONNECT")
    try:
        host, port = connect_origin(head)
        trail.host, trail.port = host, port
        access = await authenticated(hub.broker, proxy_credentials(head), address)
        if hub.stopping:
            raise VaultError("shutting_down", "the worker is stopping")
        if stream.buffer:
            raise VaultError("bad_request", "CONNECT behind another request's bytes")
        context = hub.leaves.context_for(host)
    except VaultError as error:
        return await _refuse(hub, stream, head, trail, error)
    refusal = admit(access)
    await stream.write(TUNNEL_OPEN, hub.config.head_timeout)
    if await first_byte(hub, stream) != TLS_HANDSHAKE:
        return route_to(Ingress.CONNECT, Origin("http", host, port), access, refusal)
    try:
        await start_tls(stream, context, stream.time + hub.config.tls_timeout)
    except StreamError as error:
        logger.info("TLS with a client for %s failed: %s", host, failure_reason(error))
        raise
    return route_to(
        Ingress.CONNECT, Origin("https", host, port), access, refusal or _check_name(stream, host)
    )


def _check_name(stream: Stream, host: str) -> tuple[str, str] | None:
    """A refusal when the client asked, in TLS, for another name than in its CONNECT."""
    connection = stream.socket
    if not isinstance(connection, ssl.SSLSocket) or sni_matches(connection, host):
        return None
    return "sni_mismatch", f"CONNECT was for {host}, TLS for {requested_name(connection)!r}"


async def _refuse(
    hub: Hub, stream: Stream, head: RequestHead, trail: Trail, error: VaultError
) -> bool:
    trail.outcome, trail.reason = "denied", str(error)
    trail.status, trail.error_code = error.status, error.code
    hub.broker.finished(trail.record(stream.time))
    close = not head.keep_alive or error.code != "proxy_auth_required"
    await stream.write(render_answer(error, close=close), hub.config.head_timeout)
    return not close
