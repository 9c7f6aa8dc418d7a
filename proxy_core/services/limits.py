"""How much one agent and one vault may ask for: requests a second, and requests at once.

A bucket of `burst` tokens fills at `rate` a second; each request takes one from the agent's and one
from the vault's. A rate or a concurrency of 0 is no limit, and costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from proxy_core.base.clock import Clock
from proxy_core.base.errors import VaultError

_MANY = 4096


@dataclass(frozen=True, slots=True)
class Limit:
    """For each agent, or each vault. `rate` is requests a second."""

    rate: float = 0.0
    burst: int = 1
    concurrency: int = 0
    is_none: bool = field(init=False)
    """Nothing is limited."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_none", not self.rate and not self.concurrency)


@dataclass(slots=True)
class _Usage:
    tokens: float
    at: float
    running: int = 0


class Limiter:
    """One kind of holder (`whose`, for the refusal), each counted by its id."""

    def __init__(self, clock: Clock, whose: str) -> None:
        self._clock = clock
        self._whose = whose
        self._usage: dict[str, _Usage] = {}
        self.limit = Limit()

    def check(self, holder: str) -> _Usage:
        """What the holder has used, when it may have one more request.

        Raises VaultError: rate_limited, with the seconds to wait.
        """
        limit, now = self.limit, self._clock.monotonic()
        usage = self._usage.get(holder)
        if usage is None:
            self._tidy(now)
            usage = self._usage[holder] = _Usage(float(limit.burst), now)
        usage.tokens = self._filled(usage, now)
        usage.at = now
        if limit.concurrency and usage.running >= limit.concurrency:
            raise self._refusal(f"has {usage.running} requests under way", 1)
        if limit.rate and usage.tokens < 1:
            raise self._refusal("sends too fast", ceil((1 - usage.tokens) / limit.rate))
        return usage

    def _filled(self, usage: _Usage, now: float) -> float:
        return min(float(self.limit.burst), usage.tokens + (now - usage.at) * self.limit.rate)

    def _refusal(self, what: str, seconds: int) -> VaultError:
        return VaultError("rate_limited", f"this {self._whose} {what}", retry_after=seconds)

    def _tidy(self, now: float) -> None:
        """Forget holders that have nothing under way and a full bucket."""
        if len(self._usage) < _MANY:
            return
        self._usage = {
            holder: usage
            for holder, usage in self._usage.items()
            if usage.running or self._filled(usage, now) < self.limit.burst
        }


class RequestLimits:
    """The limits of agents and of vaults together."""

    def __init__(self, clock: Clock) -> None:
        self.agents = Limiter(clock, "agent")
        self.vaults = Limiter(clock, "vault")

    def admit(self, actor_id: str, vault_id: str) -> Callable[[], None] | None:
        """Count a request; call what is answered when it has ended. None: nothing is counted.

        Raises VaultError: rate_limited. Then nothing was taken from either.
        """
        if self.agents.limit.is_none and self.vaults.limit.is_none:
            return None
        taken: list[_Usage] = []
        for limiter, holder in ((self.agents, actor_id), (self.vaults, vault_id)):
            if holder and not limiter.limit.is_none:
                taken.append(limiter.check(holder))
        if not taken:
            return None
        for usage in taken:
            usage.tokens -= 1
            usage.running += 1

        def leave() -> None:
            for usage in taken:
                usage.running -= 1

        return leave


class AuthFailures:
    """Wrong tokens of one client address: beyond the budget they are told to wait.

    A right token is always served. Agents on one machine share its address, and one with an old
    token in its settings must not shut the others out; a token of 256 bits is not guessed.
    """

    WINDOW_SECONDS = 60.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[float, int]] = {}
        """Addresses: when the window began, and failures since."""
        self.budget = 0

    def failed(self, address: str) -> None:
        """Count a failure. Raises VaultError: rate_limited, when there were too many."""
        if not self.budget or not address:
            return
        now = self._clock.monotonic()
        began, count = self._failures.get(address, (now, 0))
        if now - began >= self.WINDOW_SECONDS:
            began, count = now, 0
        if count >= self.budget:
            wait = ceil(began + self.WINDOW_SECONDS - now)
            raise VaultError("rate_limited", "too many wrong tokens", retry_after=wait)
        if len(self._failures) >= _MANY:
            self._tidy(now)
        self._failures[address] = (began, count + 1)

    def _tidy(self, now: float) -> None:
        live = self.WINDOW_SECONDS
        self._failures = {
            address: kept for address, kept in self._failures.items() if now - kept[0] < live
        }
        if len(self._failures) >= _MANY:
            self._failures.clear()
