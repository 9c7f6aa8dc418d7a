"""How a client begins on a port that has a certificate: with TLS, or from this machine without.

Programs here are given `http://` proxy addresses, and what they say never leaves the machine;
whoever comes over a network has to encrypt. The first byte tells: no request begins with TLS's.
"""

import logging
import ssl
from ipaddress import IPv6Address, ip_address

from proxy_core.base.errors import VaultError
from proxy_core.mitm.answers import render_answer
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.opening import peek, start_tls
from proxy_core.mitm.streams import Stream, StreamError

logger = logging.getLogger(__name__)

TLS_HANDSHAKE = b"\x16"
"""First byte of a TLS record that holds a ClientHello; no HTTP method begins with it."""


async def first_byte(hub: Hub, stream: Stream) -> bytes:
    """What the client begins with, left where it is; b"" when it has left. Raises StreamError."""
    return await peek(stream, 1, stream.time + hub.config.client_idle)


async def enter(hub: Hub, stream: Stream, context: ssl.SSLContext, address: str) -> bool:
    """Hand-shake with a client that begins so. False: it is refused, and was told.

    `address` is the client's, without its port. Raises StreamError.
    """
    begins = await first_byte(hub, stream)
    if begins == TLS_HANDSHAKE:
        try:
            await start_tls(stream, context, stream.time + hub.config.tls_timeout)
        except StreamError as error:
            logger.info("TLS with the client %s failed: %s", address, failure_reason(error))
            raise
        return True
    if not begins or is_this_machine(address):
        return True  # who has left already is met by whoever reads next
    refusal = VaultError("bad_request", "This port speaks TLS: use https:// for its address.")
    await stream.write(render_answer(refusal, close=True), hub.config.head_timeout)
    return False


def is_this_machine(address: str) -> bool:
    """Whether a client's address is a loopback one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found.is_loopback


def failure_reason(error: StreamError) -> str:
    """Why a handshake failed, in a word."""
    if isinstance(error.cause, ssl.SSLError) and error.cause.reason:
        return error.cause.reason
    return error.reason
