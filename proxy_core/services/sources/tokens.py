"""What opens a store for a while, in memory alone: so that a poll is one request."""

from typing import Final

from proxy_core.base.clock import Clock
from proxy_core.services.sources.settings import Settings

LONGEST: Final = 24 * 3600.0
_AHEAD: Final = 30.0
"""Seconds: a token is given up so long before its end, and kept no longer than LONGEST."""


class Tokens:
    """Tokens by the settings that they were got with: other settings are another identity."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[Settings, tuple[str, float]] = {}

    def get(self, source: Settings) -> str | None:
        """One that lives."""
        token, until = self._held.get(source, ("", 0.0))
        return token if self._clock.monotonic() < until else None

    def keep(self, source: Settings, token: str, lifetime: object) -> None:
        """For `lifetime` seconds, as the store said; not at all if it said no number."""
        now = self._clock.monotonic()
        self._held = {key: one for key, one in self._held.items() if now < one[1]}
        if isinstance(lifetime, int | float) and lifetime > _AHEAD:
            self._held[source] = (token, now + min(lifetime, LONGEST) - _AHEAD)

    def drop(self, source: Settings) -> None:
        """The store does not take it any more."""
        self._held.pop(source, None)

    def clear(self) -> None:
        """Forget all: the vault is sealed."""
        self._held.clear()
