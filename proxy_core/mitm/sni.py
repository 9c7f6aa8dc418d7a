"""Which name a client asked for in its TLS handshake (SNI, RFC 6066 3).

A context made by `ca` presents one host's leaf whatever is asked for; the handshake is let through,
so that a refusal can be given as an HTTP answer that the client shows.
"""

import ssl

from proxy_core.base.errors import VaultError
from proxy_core.mitm.guard import literal_address


class SniSocket(ssl.SSLSocket):
    """What a watched context's `wrap_socket` makes."""

    requested_name: str | None = None


class SniObject(ssl.SSLObject):
    """What a watched context's `wrap_bio` makes."""

    requested_name: str | None = None


def watch_sni(context: ssl.SSLContext) -> None:
    """Let connections of a server context remember the name that the client asked for."""
    context.sslsocket_class = SniSocket
    context.sslobject_class = SniObject
    context.sni_callback = _remember


def requested_name(connection: ssl.SSLSocket | ssl.SSLObject) -> str | None:
    """The SNI name in lower case without its final dot; None: none sent, or not yet."""
    if isinstance(connection, SniSocket | SniObject) and connection.requested_name is not None:
        return connection.requested_name.lower().removesuffix(".")
    return None


def sni_matches(connection: ssl.SSLSocket | ssl.SSLObject, host: str) -> bool:
    """Whether the client asked for `host` (the CONNECT host, normalised) or for no name.

    No name is what clients send for an IP address, and it widens nothing.
    """
    name = requested_name(connection)
    if name is None:
        return True
    return name == host.lower().removesuffix(".") or _same_address(name, host)


def _same_address(name: str, host: str) -> bool:
    """Some clients send an address as a name, against RFC 6066."""
    try:
        address = literal_address(name)
        return address is not None and address == literal_address(host)
    except VaultError:
        return False


def _remember(
    connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _context: ssl.SSLContext
) -> None:
    if isinstance(connection, SniSocket | SniObject):
        connection.requested_name = name
