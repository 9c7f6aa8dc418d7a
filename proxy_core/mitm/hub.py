"""What all client connections of one server share."""

from dataclasses import dataclass, field
from typing import Protocol

from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.dial import Dialer
from proxy_core.mitm.memory import Memory
from proxy_core.mitm.pool import Pool
from proxy_core.mitm.ports import Broker, LeafSource
from proxy_core.mitm.reactor import Reactor


class Endable(Protocol):
    """A client connection, as far as others may act on it."""

    def end(self, code: str) -> None:
        """Break off at once whatever is under way; `code` goes into its record."""


@dataclass(slots=True, eq=False)
class Hub:
    """Collaborators and counts. `config` is replaced as a whole."""

    broker: Broker
    leaves: LeafSource
    config: ProxyConfig
    reactor: Reactor
    dialer: Dialer
    pool: Pool = field(default_factory=Pool)
    memory: Memory = field(default_factory=Memory)
    stopping: bool = False
    requests: int = 0
    """Requests under way."""
    by_token: dict[bytes, set[Endable]] = field(default_factory=dict)
    """Connections by the SHA-256 of the token that they used last."""

    def enter(self, connection: Endable, token: bytes) -> bool:
        """Count a connection to its agent; False when the agent has too many others."""
        members = self.by_token.setdefault(token, set())
        members.add(connection)
        return len(members) <= self.config.max_connections_per_agent

    def leave(self, connection: Endable, token: bytes) -> None:
        """Take it out of the count again."""
        members = self.by_token.get(token)
        if members is not None:
            members.discard(connection)
            if not members:
                del self.by_token[token]
