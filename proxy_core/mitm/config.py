"""Every limit and time of the data path, in one immutable value.

Replace `ProxyServer.config` to change them at run time: connections read it afresh for each
request, so a change counts at the next one.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy_core.domain.forwarded import TrustedProxies
from proxy_core.mitm.http1 import Limits

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """Sizes are bytes, times are seconds. No total time limit exists for a stream that moves."""

    max_connections: int = 4096
    """Above it a client is answered 503 `overloaded` and closed."""
    max_connections_per_agent: int = 1024
    """Above it an agent's further connections are answered 503 `overloaded`."""

    head_limit: int = 64 * KIB
    """Request and response heads, each."""
    head_fields_limit: int = 200
    request_body_limit: int = 1024 * MIB
    substitution_limit: int = 64 * MIB
    """A request body in which placeholders are replaced, before and after."""
    replay_limit: int = 8 * MIB
    """A request body that is kept while it is sent, in case another credential is tried."""
    body_memory: int = 512 * MIB
    """What is held for these two, over all requests."""
    interim_limit: int = 16
    """1xx answers that an upstream may send before the final one."""

    client_idle: float = 120.0
    """A kept-alive client connection without a request."""
    half_close_grace: float = 3.0
    """A plain client that ended its side and has no response yet: it may wait, or be gone."""
    head_timeout: float = 20.0
    """From a head's first byte to its last."""
    tls_timeout: float = 15.0
    """A client's TLS handshake, from the answer to CONNECT."""
    connect_timeout: float = 10.0
    """Each address of an upstream; the TLS handshake gets the same again."""
    response_head_timeout: float = 600.0
    """From the request's last byte (or the body's last movement) to the response head."""
    body_idle: float = 300.0
    """A body, in either direction, that does not move."""
    tunnel_idle: float = 3600.0
    """A WebSocket without a byte in either direction."""

    pool_per_host: int = 256
    """Idle upstream connections kept for one scheme, host and port."""
    pool_total: int = 1024
    pool_idle: float = 60.0
    """An idle upstream connection is closed after this time."""

    allow_unreadable: bool = False
    """Responses in which secrets can't be searched for pass as they are, instead of 502."""

    gateway_domain: str = ""
    """`<vault>.<this>` as the gateway's host name names the vault; normalised, empty: none does."""

    trusted_proxies: Sequence[str] = ()
    """Networks of reverse proxies before the gateway, which say where its requests come from."""

    upstream_ca: tuple[Path, ...] = ()
    """PEM files of extra roots, beside the system's. Read once, when the server starts."""

    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)
    """The port's own certificate: clients of other machines have to speak TLS to it."""

    limits: Limits = field(init=False, repr=False, compare=False)
    """The framing core's share of the above."""
    proxies: TrustedProxies = field(init=False, repr=False, compare=False)
    """`trusted_proxies`, read."""

    def __post_init__(self) -> None:
        limits = Limits(head=self.head_limit, fields=self.head_fields_limit)
        object.__setattr__(self, "limits", limits)
        object.__setattr__(self, "proxies", TrustedProxies(self.trusted_proxies))
