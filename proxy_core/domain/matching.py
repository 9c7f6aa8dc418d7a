"""Which service covers a request: a compiled index."""

from collections.abc import Sequence
from dataclasses import dataclass

from proxy_core.domain.service import Service


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service that was looked at, and why it won or lost."""

    service: Service
    matched: bool
    reason: str


class ServiceIndex:
    """An immutable index over a vault's services."""

    def __init__(self, services: Sequence[Service]) -> None:
        self.services = tuple(services)

    def match(self, host: str, port: int, path: str) -> Service | None:
        """The service for a normalised host. Raises VaultError bad_request (ambiguous path)."""
        raise NotImplementedError

    def explain(self, host: str, port: int, path: str) -> list[Candidate]:
        """Every service that could be meant, best first, with the reason."""
        raise NotImplementedError
