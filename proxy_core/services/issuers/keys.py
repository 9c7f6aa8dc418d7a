"""An issuer's published keys: how old they may be, and when they are asked for.

- Younger than FRESH_SECONDS they are used as they are.
- Older ones are fetched anew first; where that fails they serve on, up to KEPT_SECONDS, and nobody
  waits for the tries that follow.
- A key that is not among them may be new: they are fetched anew once, though never more often than
  every RETRY_SECONDS, whatever tokens come along.
- One fetch at a time; whoever else needs it waits for the same.

Ages are measured by a clock that nobody can set.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from proxy_core.base.clock import Clock
from proxy_core.base.errors import VaultError
from proxy_core.domain.issuers import Issuer
from proxy_core.domain.issuers.presented import refused
from proxy_core.oauth.jwks import KeySet, PublicKey

FRESH_SECONDS: Final = 600.0
KEPT_SECONDS: Final = 86_400.0
RETRY_SECONDS: Final = 10.0

Fetch = Callable[[Issuer], Awaitable[KeySet]]
"""Raises VaultError issuer_unreachable."""


class IssuerKeys:
    """The keys of one issuer. `tried` is told, in the loop, that they were
    fetched, or that it failed (`problem`), and which problem there was before.
    """

    def __init__(
        self,
        issuer: Issuer,
        fetch: Fetch,
        clock: Clock,
        tried: Callable[["IssuerKeys", str], None],
    ) -> None:
        self.issuer = issuer
        self.known = KeySet()
        self.problem = ""
        """Why the last fetch failed; empty when it did not."""
        self.fetched_at: float | None = None
        """In epoch seconds, for people."""
        self._fetch = fetch
        self._clock = clock
        self._tell = tried
        self._born: float | None = None
        self._tried: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, algorithm: str, key_id: str) -> PublicKey:
        """The key that a token's header asks for.

        Raises VaultError: unauthorized (the issuer publishes no such key), issuer_unreachable.
        """
        if self._age() >= KEPT_SECONDS:
            self.known = KeySet()
        if self._age() >= FRESH_SECONDS and self._may_try():
            renewing = self._start()
            if not (self.problem and self.known.keys):
                await asyncio.shield(renewing)
        self._check_known()
        key = self.known.find(algorithm, key_id)
        if key is None and self._may_try():
            await self.renew()
            key = self.known.find(algorithm, key_id)
        if key is None:
            raise refused("its issuer publishes no key for it")
        return key

    async def renew(self) -> None:
        """Fetch the keys now; a failure stands in `problem`, and what was known stays."""
        await asyncio.shield(self._start())

    async def keep_fresh(self) -> None:
        """Fetch them ahead of the time when somebody would have to wait for it."""
        if self._age() >= FRESH_SECONDS / 2 and self._may_try():
            await self.renew()

    def close(self) -> None:
        """Wait for nobody any more: the worker ends. Whoever still waits is cancelled."""
        if self._fetching is not None:
            self._fetching.cancel()

    def _start(self) -> "asyncio.Task[None]":
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._renew())
            self._fetching.add_done_callback(self._done)
        return self._fetching

    async def _renew(self) -> None:
        self._tried = self._clock.monotonic()
        before = self.problem
        try:
            self.known = await self._fetch(self.issuer)
        except VaultError as error:
            self.problem = error.detail
        else:
            self.problem = ""
            self._born, self.fetched_at = self._clock.monotonic(), self._clock.time()
        self._tell(self, before)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # whoever waited may have left

    def _check_known(self) -> None:
        if not self.known.keys:
            raise VaultError(
                "issuer_unreachable",
                f"The keys of issuer {self.issuer.name} can't be had: "
                f"{self.problem or 'they were not fetched yet'}.",
                retry_after=int(RETRY_SECONDS),
            )

    def _age(self) -> float:
        return float("inf") if self._born is None else self._clock.monotonic() - self._born

    def _may_try(self) -> bool:
        """Whether the last try is long enough ago, or still under way."""
        if self._fetching is not None or self._tried is None:
            return True
        return self._clock.monotonic() - self._tried >= RETRY_SECONDS
