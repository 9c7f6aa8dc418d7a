"""The request log: the data path appends, one thread writes, nobody waits."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy_core.base.clock import Clock, SystemClock
from proxy_core.domain.traffic import RequestRecord
from proxy_core.store.database import Database
from proxy_core.store.failures import is_database_error, translated
from proxy_core.store.request_log import writes
from proxy_core.store.request_log.writes import Entry

CAPACITY: Final = 2_000
FLUSH_SECONDS: Final = 0.25
UPKEEP_SECONDS: Final = 30.0
_BATCH: Final = 1_000

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept: by age in seconds and by number of rows, whichever is less."""

    max_age_seconds: float = 30 * 86_400
    max_rows: int = 1_000_000


class RequestLog:
    """A bounded sink in front of the `request_log` table.

    `dropped` counts records that found it full. `problem` is one sentence while the database
    does not take the records, else None; they are kept meanwhile, up to the capacity.
    `retention` may be replaced at any time.
    """

    def __init__(
        self,
        database: Database,
        *,
        retention: Retention | None = None,
        capacity: int = CAPACITY,
        clock: Clock | None = None,
    ) -> None:
        self.retention = retention or Retention()
        self.dropped = 0
        self.problem: str | None = None
        self._engine = database.engines.log
        self._clock = clock or SystemClock()
        self._capacity = capacity
        self._wake_at = max(1, capacity // 2)
        # deque's append and popleft are atomic: the hot path needs no lock.
        self._pending: deque[Entry] = deque()
        self._flushed: deque[threading.Event] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._next_upkeep = 0.0
        self._thread = threading.Thread(target=self._work, name="request-log", daemon=True)

    def start(self) -> None:
        """Start the writer thread."""
        self._thread.start()

    def append(self, record: RequestRecord, vault_id: str) -> None:
        """Take a record of a vault (empty: of none). Never blocks; what does not fit is counted."""
        pending = self._pending
        waiting = len(pending)
        if waiting >= self._capacity:
            self.dropped += 1
            return
        pending.append((record, vault_id))
        if waiting == self._wake_at:
            self._wake.set()

    async def flush(self) -> None:
        """Wait until what was appended before has been stored, or the attempt has failed."""
        await asyncio.to_thread(self._flush)

    async def stop(self) -> None:
        """Write what is left, then end the thread. Harmless when it was never started."""
        self._stopping = True
        self._wake.set()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)

    def _flush(self) -> None:
        done = threading.Event()
        self._flushed.append(done)
        self._wake.set()
        while self._thread.is_alive() and not done.wait(FLUSH_SECONDS):
            pass

    def _work(self) -> None:
        while True:
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            stopping = self._stopping
            self._write_pending()
            if stopping:
                self.dropped += len(self._pending)
                return
            if self._clock.monotonic() >= self._next_upkeep:
                self._next_upkeep = self._clock.monotonic() + UPKEEP_SECONDS
                self._guarded(self._upkeep)

    def _write_pending(self) -> None:
        waiters = [self._flushed.popleft() for _ in range(len(self._flushed))]
        while self._pending:
            count = min(_BATCH, len(self._pending))
            entries = [self._pending.popleft() for _ in range(count)]
            if not self._write(entries):
                break
        for done in waiters:
            done.set()

    def _write(self, entries: list[Entry]) -> bool:
        """Store a batch; put it back when the database is at fault. Whether to go on."""
        try:
            writes.insert_entries(self._engine, entries)
        except Exception as error:  # this thread must outlive whatever a driver raises
            if not is_database_error(error):
                return self._write_around(entries)
            self._pending.extendleft(reversed(entries))
            self._report(translated(error).detail)
            return False
        self.problem = None
        return True

    def _write_around(self, entries: list[Entry]) -> bool:
        """Find the record that can't be stored, by halves, and drop it alone."""
        if len(entries) == 1:
            self.dropped += 1
            _logger.error("request log: a record can't be stored")
            return True
        middle = len(entries) // 2
        self._pending.extendleft(reversed(entries[middle:]))
        return self._write(entries[:middle])

    def _upkeep(self) -> None:
        """Prune in chunks, writing what has come in between them."""
        oldest = self._clock.time() - self.retention.max_age_seconds
        while writes.prune_by_age(self._engine, oldest) and not self._stopping:
            self._write_pending()
        last = writes.first_beyond(self._engine, self.retention.max_rows)
        while last and writes.prune_up_to(self._engine, last) and not self._stopping:
            self._write_pending()
        writes.prune_hosts(self._engine, oldest)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # as above: tried again at the next upkeep
            self._report(translated(error).detail)

    def _report(self, reason: str) -> None:
        problem = f"The request log can't be written: {reason}"
        if problem != self.problem:
            _logger.warning("%s", problem)
        self.problem = problem
