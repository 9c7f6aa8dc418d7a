"""Upstreams that refuse a token which was refreshed only because they had refused the one before.

A new token doesn't help there, so the next 401 passes without another refresh: an agent that
repeats a request that it may not make shall not wear out the refresh token.
"""

from typing import NamedTuple

from proxy_core.base.clock import Clock

PAUSE_SECONDS = 60.0


class _Forced(NamedTuple):
    generation: int
    at: float


class Refusals:
    """Generations that a refusal has brought about and no upstream has accepted yet, by login."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._forced: dict[str, _Forced] = {}

    def forced(self, login_id: str, generation: int) -> None:
        """This generation was got because the one before was refused."""
        self._forced[login_id] = _Forced(generation, self._monotonic())

    def accepted(self, login_id: str, generation: int) -> None:
        """An upstream has taken this generation: refused later on, it is worth a new token."""
        found = self._forced.get(login_id)
        if found is not None and found.generation <= generation:
            del self._forced[login_id]

    def hopeless(self, login_id: str, generation: int) -> bool:
        """Whether a refusal of this generation says nothing new."""
        found = self._forced.get(login_id)
        if found is None or found.generation != generation:
            return False
        return self._monotonic() - found.at < PAUSE_SECONDS
