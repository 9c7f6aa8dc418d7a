"""Wires database, sealer, events and use cases together: what the worker's routes call."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from proxy_core.services.agents import Agents
from proxy_core.services.broker import Broker
from proxy_core.services.credentials import Credentials
from proxy_core.services.discovery import Discoveries
from proxy_core.services.events import EventBus
from proxy_core.services.identity import Identity
from proxy_core.services.keys import Keys
from proxy_core.services.leaves import Leaves
from proxy_core.services.logs import Logs
from proxy_core.services.operators import Operators
from proxy_core.services.runs import RunProcesses
from proxy_core.services.service_admin import ServiceAdmin
from proxy_core.services.sessions import Sessions
from proxy_core.services.settings import Settings
from proxy_core.services.vaults import Vaults


class Tunnels(Protocol):
    """The part of the proxy server that revocation needs."""

    def close_for_token(self, sha256: bytes) -> None:
        """End every connection of a revoked token at once."""

    def connections_for_token(self, sha256: bytes) -> int:
        """Client connections open now."""


@dataclass(frozen=True, slots=True)
class ApplicationConfig:
    """`database` is a SQLite path or a SQLAlchemy URL."""

    database: str | Path
    allow_http: bool = False


@dataclass(slots=True)
class Application:
    """One worker's use cases. Open and close it in the worker's loop."""

    bus: EventBus
    keys: Keys
    operators: Operators
    identity: Identity
    vaults: Vaults
    credentials: Credentials
    services: ServiceAdmin
    agents: Agents
    sessions: Sessions
    settings: Settings
    logs: Logs
    discoveries: Discoveries
    runs: RunProcesses
    broker: Broker
    leaves: Leaves

    @classmethod
    async def open(cls, config: ApplicationConfig) -> "Application":
        """Migrate the database, load the snapshot; sealed until a slot opens it.

        Raises VaultError: database_newer, database_unavailable, home_unusable.
        """
        raise NotImplementedError

    def attach_tunnels(self, tunnels: Tunnels) -> None:
        """Tell revocation where the connections are."""
        raise NotImplementedError

    @property
    def log_dropped(self) -> int:
        """Request records that could not be kept."""
        raise NotImplementedError

    @property
    def database_kind(self) -> str:
        """`sqlite` or `postgresql`."""
        raise NotImplementedError

    def problems(self) -> list[str]:
        """One sentence each, for the status."""
        raise NotImplementedError

    async def close(self) -> None:
        """Flush the log and what is remembered, end followers, forget the DEK."""
        raise NotImplementedError
