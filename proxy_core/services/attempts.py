"""Slows down guessing: after many wrong proofs in a short time the next must wait."""

from collections import deque

from proxy_core.base.clock import Clock
from proxy_core.base.errors import VaultError

LIMIT = 10
WINDOW_SECONDS = 60.0


class Attempts:
    """Wrong proofs of all callers together: they guess at the same secret."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=LIMIT)

    def check(self) -> None:
        """Raises VaultError: rate_limited, with the seconds to wait."""
        if len(self._failures) < LIMIT:
            return
        wait = self._failures[0] + WINDOW_SECONDS - self._clock.monotonic()
        if wait > 0:
            raise VaultError(
                "rate_limited", "Too many wrong proofs; wait a minute.", retry_after=int(wait) + 1
            )

    def failed(self) -> None:
        """Count a wrong proof."""
        self._failures.append(self._clock.monotonic())
