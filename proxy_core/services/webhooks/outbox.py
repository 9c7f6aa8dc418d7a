"""What is still to be delivered to one webhook: bounded, in order, one try at a time.

- A receiver that is slow or away delays its own notices alone. Beyond LIMIT the oldest go, for the
  newest matter; `dropped` counts them and those that were given up.
- While the vault is sealed notices wait: their address can't be read. What tells of the sealing
  itself was written before (`last_words`).
- Nothing is kept over a restart: the worker's state is the truth, a notice only points at it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.domain.notices import PAUSES, Notice, pause_before
from proxy_core.services.webhooks.posting import Envelope, Outcome

LIMIT: Final = 200
_log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice to deliver; `written` where it had to be addressed at once."""

    notice: Notice
    written: Envelope | None = None


@dataclass(frozen=True, slots=True)
class Carrier:
    """What an outbox needs of its webhook.

    `send` tries once, and raises VaultError: sealed, or another where the address is unreadable.
    `opened` waits until the vault is open. `told` hears how each letter ended.
    """

    send: Callable[[Letter], Awaitable[Outcome]]
    opened: Callable[[], Awaitable[object]]
    told: Callable[[Outcome], Awaitable[None]]
    sleep: Sleep


class Outbox:
    """Belongs to the worker's loop. `put` never waits."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._letters: deque[Letter] = deque()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letter: Letter) -> None:
        """Deliver it as soon as those before it are."""
        if len(self._letters) >= LIMIT:
            # The first is under way.
            del self._letters[1]
            self.dropped += 1
        self._letters.append(letter)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain(), name="webhook")

    async def close(self) -> None:
        """Deliver nothing any more; what waits is lost."""
        self._letters.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _drain(self) -> None:
        while self._letters:
            outcome = await self._carry(self._letters[0])
            self._letters.popleft()
            self.dropped += bool(outcome.error)
            try:
                await self._carrier.told(outcome)
            except VaultError as error:
                _log.warning("how a webhook's delivery went is not stored: %s", error)

    async def _carry(self, letter: Letter) -> Outcome:
        """Try until it is taken or given up."""
        for retry in range(len(PAUSES)):
            outcome = await self._once(letter)
            if not outcome.may_pass:
                return outcome
            await self._carrier.sleep(pause_before(retry, outcome.retry_after))
        return await self._once(letter)

    async def _once(self, letter: Letter) -> Outcome:
        while True:
            try:
                return await self._carrier.send(letter)
            except VaultError as error:
                if error.code != "sealed":
                    return Outcome(0, "its address can't be decrypted", final=True)
            await self._carrier.opened()
