"""How long a session of a user lives, and how long a proof of the password counts."""

from collections.abc import Callable
from dataclasses import dataclass

LONGEST_SECONDS = 30 * 86_400.0
"""From signing in: no session slides on beyond that."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """The settings in force. `lifetime` and `proof` are in seconds."""

    lifetime: float
    sliding: bool
    proof: float

    def first_end(self, now: float) -> float:
        """When a session that begins now ends without being used."""
        return now + self.lifetime

    def end(self, created_at: float, expires_at: float, now: float) -> float:
        """When a session that is used now ends."""
        if not self.sliding:
            return expires_at
        return max(expires_at, min(now + self.lifetime, created_at + LONGEST_SECONDS))

    def proved_until(self, proved_at: float) -> float:
        """Until when a proof counts."""
        return proved_at + self.proof


Rules = Callable[[], SessionRules]
