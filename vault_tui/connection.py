"""Keeping in touch with the worker: opening, following events, asking how it is.

The client's stream reconnects and resumes by itself; this module turns its notes into calls of a
`Listener`, and measures the round trip.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sse import Connected, Disconnected, Lost, Note
from proxy_core.domain import wire
from proxy_core.domain.events import Event
from vault_tui.worker_link import OpenLink, WorkerLink

STATUS_SECONDS = 5.0
# Trying again would change nothing, and a worker counts the tries.
_FINAL = frozenset({"unauthorized", "worker_untrusted"})
_PAUSES = (0.2, 0.5, 1.0, 2.0, 3.0)

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Whoever wants to know. All are called in the console's loop."""

    async def connected(self, away_seconds: float | None) -> None:
        """The stream is up; `away_seconds` None: for the first time."""
        ...

    def disconnected(self, reason: str) -> None:
        """Nothing is live until `connected` is called again."""
        ...

    def given_up(self, reason: str) -> None:
        """As `disconnected`, and nobody will try again."""
        ...

    async def lost(self, count: int | None) -> None:
        """Events were missed for good; None: nobody knows how many."""
        ...

    def event(self, event: Event) -> None:
        """Something happened."""
        ...

    def status(self, status: wire.Status, round_trip_ms: float) -> None:
        """How the worker is."""
        ...


class _Over(Exception):
    """Nothing will change by trying again."""


class Connection:
    """`run` until cancelled. `link` is None until the worker was reached once."""

    def __init__(
        self, open_link: OpenLink, listener: Listener, pauses: tuple[float, ...] = _PAUSES
    ) -> None:
        self._open_link = open_link
        self._listener = listener
        self._pauses = pauses
        self.link: WorkerLink | None = None
        self._down_since: float | None = None
        self._ever = False

    async def run(self) -> None:
        """Open, then follow and ask, without end: until the worker says who we are not."""
        try:
            await self._until_it_works(self._open)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._until_it_works(self._follow))
                group.create_task(self._ask_regularly())
        except* _Over:
            log.info("the connection is given up")

    async def close(self) -> None:
        """Give the link up."""
        if self.link is not None:
            await self.link.close()

    async def ask(self) -> None:
        """Read the status once. Raises VaultError."""
        if self.link is None:
            return
        before = time.perf_counter()
        status = await self.link.send(calls.status())
        self._listener.status(status, (time.perf_counter() - before) * 1000)

    async def _open(self) -> None:
        self.link = await self._open_link()

    async def _until_it_works(self, step: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            try:
                await step()
            except VaultError as error:
                reason = f"{error} {error.advice}"
                if error.code in _FINAL:
                    self._listener.given_up(reason)
                    raise _Over from None
                self._down(reason)
            else:
                return
            await asyncio.sleep(self._pauses[min(failures, len(self._pauses) - 1)])
            failures += 1

    async def _follow(self) -> None:
        if self.link is None:
            return
        async for note in self.link.events():
            await self._take(note)
        raise VaultError("no_worker", "The event stream ended.")

    async def _take(self, note: Note) -> None:
        if isinstance(note, Event):
            try:
                self._listener.event(note)
            except (ValueError, TypeError, KeyError):
                log.exception("an event of type %r could not be read", note.type)
        elif isinstance(note, Connected):
            await self._up()
        elif isinstance(note, Disconnected):
            self._down(note.reason)
        elif isinstance(note, Lost):
            await self._listener.lost(note.count)

    async def _up(self) -> None:
        away = None
        if self._ever and self._down_since is not None:
            away = time.monotonic() - self._down_since
        self._ever, self._down_since = True, None
        await self.ask()
        await self._listener.connected(away)

    def _down(self, reason: str) -> None:
        if self._down_since is None:
            self._down_since = time.monotonic()
        self._listener.disconnected(reason)

    async def _ask_regularly(self) -> None:
        while True:
            await asyncio.sleep(STATUS_SECONDS)
            try:
                await self.ask()
            except VaultError as error:
                log.info("status: %s", error)
