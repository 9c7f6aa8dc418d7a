"""How often strangers may ask: in memory, each worker by itself, so that it costs no database."""

from collections import deque
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain.claude_gateway import OAuthRefusal

MOST_OF_AN_ADDRESS: Final = 20
MOST_SITES: Final = 4096
MOST_PACED: Final = 4096
_EARLY_SECONDS: Final = 0.5
"""By so much a poll may come early: clocks and networks differ."""


class Asked:
    """How often an address has asked within a request's life: it may so many times."""

    def __init__(self, most: int = MOST_OF_AN_ADDRESS) -> None:
        self._most = most
        self._times: dict[str, deque[float]] = {}

    def count(self, site: str, now: float) -> None:
        """One more. Raises VaultError: rate_limited, with the seconds to wait; then none is."""
        times = self._times.pop(site, None) or deque()
        while times and times[0] + protocol.REQUEST_SECONDS <= now:
            times.popleft()
        while len(self._times) >= MOST_SITES:
            del self._times[next(iter(self._times))]
        self._times[site] = times
        if len(times) >= self._most:
            wait = int(times[0] + protocol.REQUEST_SECONDS - now) + 1
            raise VaultError("rate_limited", "This address asks too often.", retry_after=wait)
        times.append(now)


class Pace:
    """When devices may poll next (RFC 8628 3.5), by the hashes of their codes."""

    def __init__(self) -> None:
        self._next: dict[bytes, tuple[float, int]] = {}

    def check(self, sha256: bytes, now: float) -> None:
        """A poll of a code that may be known. `now` is monotonic.

        Raises OAuthRefusal: slow_down, when it comes early; the next one is to come later still.
        """
        if sha256 not in self._next:
            return
        next_at, interval = self._next[sha256]
        is_early = now < next_at - _EARLY_SECONDS
        if is_early:
            interval += protocol.SLOWER_SECONDS
        self._next[sha256] = (now + interval, interval)
        if is_early:
            raise OAuthRefusal("slow_down", f"Ask every {interval} seconds.")

    def keep(self, sha256: bytes, now: float) -> None:
        """The code is one that waits: from now on it has its pace."""
        if sha256 in self._next:
            return
        while len(self._next) >= MOST_PACED:
            del self._next[next(iter(self._next))]
        self._next[sha256] = (now + protocol.INTERVAL_SECONDS, protocol.INTERVAL_SECONDS)

    def forget(self, sha256: bytes) -> None:
        """The code is used up."""
        self._next.pop(sha256, None)
