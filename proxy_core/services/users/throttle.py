"""Slows down guessing at passwords: so many wrong ones of an account, and of a client address.

An attempt counts when it begins, so that many at once are no way round; a right password takes its
count back, and the account's. Whether an account exists makes no difference.
"""

from collections import deque
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from proxy_core.base.clock import Clock
from proxy_core.base.errors import VaultError

WINDOW_SECONDS = 900.0
ACCOUNT_LIMIT = 10
ADDRESS_LIMIT = 50
_MOST_KEYS = 8192
_IPV6_SITE = 64
_LOOPBACK = "127.0.0.1"

Key = tuple[str, str]


class LoginThrottle:
    """In memory, of this worker."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._attempts: dict[Key, deque[float]] = {}

    def begin(self, email: str, address: str) -> None:
        """Count an attempt. `address` empty: from this machine's own socket.

        Raises VaultError: rate_limited, with the seconds to wait; then nothing was counted.
        """
        now = self._clock.monotonic()
        keys = [("account", email)]
        if address:
            keys.append(("address", site_of(address)))
        for key in keys:
            self._check(key, now)
        for key in keys:
            self._of(key, now).append(now)

    def succeeded(self, email: str, address: str) -> None:
        """The attempt was right: the account starts anew, and the address has this one back."""
        self._attempts.pop(("account", email), None)
        of_address = self._attempts.get(("address", site_of(address))) if address else None
        if of_address:
            of_address.pop()

    def _check(self, key: Key, now: float) -> None:
        attempts = self._of(key, now)
        limit = ACCOUNT_LIMIT if key[0] == "account" else ADDRESS_LIMIT
        if len(attempts) >= limit:
            wait = ceil(attempts[0] + WINDOW_SECONDS - now)
            raise VaultError(
                "rate_limited", "Too many wrong passwords; wait.", retry_after=max(1, wait)
            )

    def _of(self, key: Key, now: float) -> deque[float]:
        """The key's attempts in the window, the key being the youngest from now on."""
        attempts = self._attempts.pop(key, None)
        if attempts is None:
            self._make_room(now)
            attempts = deque()
        while attempts and attempts[0] + WINDOW_SECONDS <= now:
            attempts.popleft()
        self._attempts[key] = attempts
        return attempts

    def _make_room(self, now: float) -> None:
        if len(self._attempts) < _MOST_KEYS:
            return
        self._attempts = {
            key: attempts
            for key, attempts in self._attempts.items()
            if attempts and attempts[-1] + WINDOW_SECONDS > now
        }
        while len(self._attempts) >= _MOST_KEYS:
            del self._attempts[next(iter(self._attempts))]


def site_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the network that an IPv6 site is given.

    This machine is one, whichever of its sixteen million loopback addresses a program calls from.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.is_loopback:
        return _LOOPBACK
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(ip_network((parsed, _IPV6_SITE), strict=False))
