"""Hosts that were asked for and that no service covered, counted as the log is written."""

from dataclasses import dataclass

from sqlmodel import Session


@dataclass(frozen=True, slots=True)
class HostSeen:
    """A host without a service; `last_seen_at` is epoch seconds."""

    host: str
    port: int
    requests: int
    last_seen_at: float


def unmatched_hosts(session: Session, vault: str, limit: int = 200) -> tuple[list[HostSeen], int]:
    """The hosts seen last, and how many there are in all. `vault` is the name."""
    raise NotImplementedError
