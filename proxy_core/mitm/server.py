"""The listener: accepts clients, keeps count of them, and stops gracefully."""

from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.ports import Broker, LeafSource


class ProxyServer:
    """One forward proxy on one port.

    `config` may be replaced at any time. All methods belong to the loop that called `start`.
    """

    def __init__(
        self, broker: Broker, leaves: LeafSource, guard: object, config: ProxyConfig
    ) -> None:
        self.broker = broker
        self.leaves = leaves
        self.guard = guard
        self.config = config

    @property
    def connections(self) -> int:
        """Client connections open now."""
        return 0

    @property
    def streams(self) -> int:
        """Requests under way now, WebSockets included."""
        return 0

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; port 0 picks a free one. Returns what is listened on.

        Raises VaultError: port_in_use.
        """
        return host, port

    async def stop(self, grace_seconds: float) -> None:
        """Accept no more, let requests under way finish up to the limit, then close everything."""

    def close_for_token(self, sha256: bytes) -> None:
        """End every connection and tunnel of a revoked token at once."""
