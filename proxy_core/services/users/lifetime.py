"""How long a session of a user lives, and how long a proof of the password counts."""

from collections.abc import Callable
from dataclasses import dataclass, replace

LONGEST_SECONDS = 30 * 86_400.0
"""From signing in: no session slides on beyond that."""
PAGE_IDLE_SECONDS = 900.0
PAGE_LONGEST_SECONDS = 8 * 3600.0
"""The same for a browser at the approval page, which others may find open."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """The settings in force. `lifetime`, `proof` and `longest` are in seconds."""

    lifetime: float
    sliding: bool
    proof: float
    longest: float = LONGEST_SECONDS

    def first_end(self, now: float) -> float:
        """When a session that begins now ends without being used."""
        return now + self.lifetime

    def end(self, created_at: float, expires_at: float, now: float) -> float:
        """When a session that is used now ends."""
        if not self.sliding:
            return expires_at
        return max(expires_at, min(now + self.lifetime, created_at + self.longest))

    def of_a_page(self) -> "SessionRules":
        """Those of a browser at the approval page: it ends a while after its last use, and never
        lives longer than these allow.
        """
        allowed = self.longest if self.sliding else self.lifetime
        return replace(
            self,
            lifetime=min(self.lifetime, PAGE_IDLE_SECONDS),
            sliding=True,
            longest=min(allowed, PAGE_LONGEST_SECONDS),
        )

    def proved_until(self, proved_at: float) -> float:
        """Until when a proof counts."""
        return proved_at + self.proof


Rules = Callable[[], SessionRules]
