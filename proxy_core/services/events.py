"""The worker's events: a bounded ring that any number of consoles follow, each at its own pace.

- `publish` is on the proxy's hot path: it appends a tuple, and wakes those who wait for an event of
  this type.
- A follower that is slower than the ring is told how many events it lost; it never slows others.
- `life` names this worker's run. Sequence numbers start anew with it, so a position of another
  life is worthless, and the follower then gets everything that is kept.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Any

from proxy_core.base.clock import Clock, SystemClock
from proxy_core.base.ids import new_id
from proxy_core.domain.events import Event, EventType

DEFAULT_CAPACITY = 20_000
_Entry = tuple[int, str, float, Any]
_STARTED, _FINISHED = EventType.REQUEST_STARTED.value, EventType.REQUEST_FINISHED.value


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events in order. `last_seq` is where to resume; `lost` were overrun before the first."""

    events: list[Event]
    last_seq: int
    lost: int = 0


@dataclass(slots=True)
class Follow:
    """What a follower wants.

    `after` None starts with what happens next; a number resumes behind that event. `types` empty
    means all. With `coalesce`, a batch leaves out the start of a request whose end it holds.
    A batch is at least `pause` seconds after the one before.
    """

    after: int | None = None
    types: Collection[str] = field(default_factory=frozenset)
    coalesce: bool = False
    pause: float = 0.0
    max_batch: int = 1000


class EventBus:
    """One ring. Create it in the loop's thread; `publish` may be called from any."""

    def __init__(
        self, capacity: int = DEFAULT_CAPACITY, clock: Clock | None = None, life: str = ""
    ) -> None:
        self.life = life or new_id()
        self.last_seq = 0
        self._time = (clock or SystemClock()).time
        self._capacity = capacity
        self._ring: list[_Entry] = [(0, "", 0.0, None)] * capacity
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._waiting: dict[asyncio.Future[int], Collection[str]] = {}
        """Who waits, and for which types."""
        self._unwanted: set[str] = set()
        """Types that nobody of those waits for, as far as looked at."""
        self._closed = False

    def publish(self, type: str, data: Any) -> None:
        """Append an event. Never blocks, never raises for a slow follower."""
        if threading.get_ident() == self._thread:
            self.append(type, data)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.append, type, data)

    def append(self, type: str, data: Any) -> None:
        """As `publish`, for the loop's thread alone."""
        self.last_seq = seq = self.last_seq + 1
        self._ring[seq % self._capacity] = (seq, type, self._time(), data)
        if self._waiting and type not in self._unwanted:
            self._wake_for(type, seq - 1)

    def close(self) -> None:
        """End every follower once it has seen all events."""
        self._closed = True
        for future in list(self._waiting):
            self._wake(future, self.last_seq)

    async def follow(self, wanted: Follow) -> AsyncIterator[EventBatch]:
        """Batches until the bus is closed; never an empty one, except to tell of a loss."""
        cursor = self._start(wanted.after)
        while True:
            while cursor < self.last_seq:
                batch = self._read(cursor, wanted)
                cursor = batch.last_seq
                if batch.events or batch.lost:
                    yield batch
                    if wanted.pause:
                        await asyncio.sleep(wanted.pause)
            if self._closed:
                return
            cursor = await self._next(wanted.types)

    def _wake_for(self, type: str, cursor: int) -> None:
        wake = [future for future, types in self._waiting.items() if _wants(types, type)]
        for future in wake:
            self._wake(future, cursor)
        if not wake:
            self._unwanted.add(type)

    def _wake(self, future: "asyncio.Future[int]", cursor: int) -> None:
        del self._waiting[future]
        if not future.done():
            future.set_result(cursor)

    async def _next(self, types: Collection[str]) -> int:
        """Wait for an event of these types; where to read on: nothing wanted is before it."""
        future: asyncio.Future[int] = self._loop.create_future()
        self._waiting[future] = types
        self._unwanted.clear()
        try:
            return await future
        finally:
            self._waiting.pop(future, None)

    def _start(self, after: int | None) -> int:
        if after is None:
            return self.last_seq
        # A position ahead of ours is of another life: start with the oldest event kept.
        return after if 0 <= after <= self.last_seq else max(0, self.last_seq - self._capacity)

    def _read(self, cursor: int, wanted: Follow) -> EventBatch:
        oldest = max(0, self.last_seq - self._capacity)
        first = max(cursor, oldest)
        last = min(self.last_seq, first + wanted.max_batch)
        kept = (self._ring[seq % self._capacity] for seq in range(first + 1, last + 1))
        events = [
            Event(seq=seq, type=type, at=at, data=data)
            for seq, type, at, data in kept
            if _wants(wanted.types, type)
        ]
        if wanted.coalesce:
            events = _coalesced(events)
        return EventBatch(events, last, first - cursor)


def _wants(types: Collection[str], type: str) -> bool:
    return not types or type in types


def _coalesced(events: list[Event]) -> list[Event]:
    ended = {event.data.request_id for event in events if event.type == _FINISHED}
    if not ended:
        return events
    return [
        event for event in events if event.type != _STARTED or event.data.request_id not in ended
    ]
