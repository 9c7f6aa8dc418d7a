"""Hears of other workers' changes and passes events on, both ways.

    heard      read again what was touched, under the lock of our own changes
               then publish their events here, marked with the `worker` they come from
    said       our own events go to the others, in batches, after their changes

Whatever was missed while the database was away is made up for by reading everything.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, cast

from proxy_core.base.errors import VaultError
from proxy_core.domain.events import EventType
from proxy_core.services.context import Context
from proxy_core.services.events import Follow
from proxy_core.services.following.reloading import Reloading
from proxy_core.services.following.wanted import Wanted
from proxy_core.store.changes import ChangeFeed
from proxy_core.store.messages import Message
from proxy_core.store.touched import EVERYTHING, Touched

SHARED = frozenset(
    kind.value
    for kind in EventType
    if kind.value.split(".")[0]
    in {
        "credential",
        "service",
        "vault",
        "agent",
        "session",
        "user",
        "settings",
        "grant",
        "refresh",
        "account",
        "pool",
        "proposal",
        "source",
        "webhook",
        "issuer",
        "device",
    }
)
"""Not requests (every worker has its own traffic), nor what one worker alone can act on: held
requests, operators at its socket, logins that are being connected, its sealing and its end."""

ORIGIN = "worker"
"""Names, in an event's data, the worker that it comes from."""

_SAY_PAUSE = 0.02
_MOST_TOLD = 1_000
"""Messages whose events wait until what they are about could be read."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_log = logging.getLogger(__name__)


class Follower:
    """`hear` and `say` run until cancelled; `problem` is for the status."""

    def __init__(self, context: Context, feed: ChangeFeed, reloading: Reloading) -> None:
        self._context = context
        self._feed = feed
        self._reloading = reloading
        self._missed: set[Touched] = set()
        self._told: deque[Message] = deque(maxlen=_MOST_TOLD)
        self._said = context.bus.last_seq
        self.problem: str | None = None
        self.hearing = asyncio.Event()
        """Set while the other workers are heard."""
        everything = Wanted.of((EVERYTHING,))
        context.read_everything = lambda session: reloading.read(session, everything)

    async def hear(self) -> None:
        """Follow the other workers."""
        await self._again_and_again(self._hear, self._deaf)

    async def say(self) -> None:
        """Let the other workers know of our events."""
        await self._again_and_again(self._say, lambda _: None)

    async def close(self) -> None:
        """Both have ended."""
        await self._feed.close()

    async def _again_and_again(
        self, work: Callable[[Callable[[], None]], Awaitable[None]], failed: Callable[[str], None]
    ) -> None:
        """Repeat what fails, later and later; `work` says when it has succeeded."""
        pause = _FIRST_PAUSE

        def succeeded() -> None:
            nonlocal pause
            pause = _FIRST_PAUSE

        while True:
            try:
                await work(succeeded)
            except VaultError as error:
                failed(str(error))
            except Exception as error:  # a fault of ours: its text could hold a secret
                _log.error("following other workers failed: %s", type(error).__name__)
                self._missed.add(EVERYTHING)
                failed("unexpected failure")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    # --- heard --------------------------------------------------------------------------------

    async def _hear(self, succeeded: Callable[[], None]) -> None:
        async with aclosing(cast(Any, self._feed.follow())) as batches:
            async for messages in batches:
                await self._take_in(messages)
                succeeded()

    async def _take_in(self, messages: Sequence[Message]) -> None:
        self._told.extend(message for message in messages if message.events)
        for message in messages:
            self._missed |= message.touched
        if self._missed:
            wanted = Wanted.of(self._missed)
            await self._context.take_in(lambda session: self._reloading.read(session, wanted))
            self._missed.clear()
        self._hears()
        while self._told:
            self._pass_on(self._told.popleft())

    def _pass_on(self, message: Message) -> None:
        for type, data in message.events:
            if type in SHARED:
                self._context.bus.publish(type, {**data, ORIGIN: message.worker})

    def _deaf(self, reason: str) -> None:
        self.hearing.clear()
        sentence = f"Changes by other workers are not seen: {reason}"
        if self.problem is None:
            _log.warning("%s", sentence)
            self._context.bus.publish(EventType.WORKER_PROBLEM.value, {"problem": sentence})
        self.problem = sentence

    def _hears(self) -> None:
        self.hearing.set()
        if self.problem is not None:
            self.problem = None
            _log.info("changes by other workers are seen again")
            self._context.bus.publish(EventType.WORKER_CAUGHT_UP.value, {"by": "worker"})

    # --- said ---------------------------------------------------------------------------------

    async def _say(self, succeeded: Callable[[], None]) -> None:
        wanted = Follow(self._said, SHARED, pause=_SAY_PAUSE)
        async with aclosing(cast(Any, self._context.bus.follow(wanted))) as own:
            async for batch in own:
                events = [(one.type, one.data) for one in batch.events if ORIGIN not in one.data]
                if events:
                    await self._feed.announce(events)
                self._said = batch.last_seq
                succeeded()
