"""The rows of the traffic screen: a ring of bounded size with a filtered, steady view of it.

Rules:

- A request is one row from its start to its end, which changes the row in place; so does an
  operator's leave to go on.
- `shown` is what the view draws. While the reader follows, new rows join it at once; while the
  reader has stopped (`hold`), they wait in `waiting` and nothing that is shown moves.
- Live rows are bounded by `capacity`, waiting rows too, and rows paged in from the log by
  `capacity` again. What falls out of the ring while waiting is counted, not kept.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from proxy_core.domain.traffic import RequestRecord, RequestStart

CAPACITY = 10_000
HELD = "held"
"""The decision of a request that waits for an operator."""
# Trimming moves the list's pointers: done for many rows at once, it costs nothing per row.
_SLACK = 512

Matches = Callable[[RequestRecord], bool]


class Row:
    """One request. `number` grows with arrival; rows from the log have negative ones."""

    __slots__ = ("live", "marked", "number", "record", "version")

    def __init__(self, record: RequestRecord, number: int, live: bool) -> None:
        self.record = record
        self.number = number
        self.live = live
        self.marked = False
        self.version = 0


def record_of(start: RequestStart) -> RequestRecord:
    """A request under way, as a record without an end."""
    return RequestRecord(**msgspec.structs.asdict(start))


class TrafficRing:
    """See the module. `changed` counts changes, so that a view can tell whether to draw."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.shown: list[Row] = []
        self.holding = False
        self.changed = 0
        self.lost_waiting = 0
        self._live: list[Row] = []
        self._older: list[Row] = []
        self._under_way: dict[str, Row] = {}
        self._waiting: deque[Row] = deque(maxlen=capacity)
        self._matches: Matches | None = None
        self._next = 0

    # --- what comes in ------------------------------------------------------------------------

    def start(self, start: RequestStart) -> None:
        """A request is under way, or waits for an operator; told again once that has allowed it."""
        row = self._under_way.get(start.request_id)
        if row is None:
            self._append(Row(record_of(start), self._next, live=True))
        elif row.record.decision == HELD:
            self._change(row, record_of(start), live=True)

    def finish(self, record: RequestRecord) -> None:
        """A request has ended: its row is completed, or made when the start was not seen."""
        row = self._under_way.pop(record.request_id, None)
        if row is None:
            self._append(Row(record, self._next, live=False))
            return
        self._change(row, record, live=False)

    def _change(self, row: Row, record: RequestRecord, live: bool) -> None:
        before = self._wanted(row)
        row.record, row.live = record, live
        row.version += 1
        self.changed += 1
        if self._matches is not None and before != self._wanted(row):
            self._move(row, wanted=not before)

    def _append(self, row: Row) -> None:
        self._next += 1
        self.changed += 1
        self._live.append(row)
        if row.live:
            self._under_way[row.record.request_id] = row
        if self._wanted(row):
            self._show(row)
        if len(self._live) >= self.capacity + _SLACK:
            self._trim()

    def _show(self, row: Row) -> None:
        if not self.holding:
            self.shown.append(row)
            return
        if len(self._waiting) == self.capacity:
            self.lost_waiting += 1
        self._waiting.append(row)

    def _move(self, row: Row, wanted: bool) -> None:
        """A finished row came under the filter or left it; what a reader looks at stays."""
        if wanted:
            self._show(row)
        elif not self.holding:
            self.shown.remove(row)

    def _wanted(self, row: Row) -> bool:
        return self._matches is None or self._matches(row.record)

    def _trim(self) -> None:
        surplus = len(self._live) - self.capacity
        for row in self._live[:surplus]:
            if row.live:
                self._under_way.pop(row.record.request_id, None)
        del self._live[:surplus]
        if not self.holding:
            self._rebuild()

    # --- what the reader does -----------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """New rows since the reader stopped."""
        return len(self._waiting) + self.lost_waiting

    @property
    def under_way(self) -> int:
        """Requests that have started and not ended."""
        return len(self._under_way)

    def __len__(self) -> int:
        return len(self._live) + len(self._older)

    def hold(self) -> None:
        """Stop the view where it is."""
        self.holding = True

    def release(self) -> None:
        """Follow again: what waited joins the view, surplus rows from the log are let go."""
        self.holding = False
        surplus = len(self._older) + len(self._live) - self.capacity
        if surplus > 0:
            del self._older[:surplus]
        self._rebuild()

    def filter(self, matches: Matches | None) -> None:
        """Show the rows that `matches` accepts (None: all)."""
        self._matches = matches
        self._rebuild()

    def _rebuild(self) -> None:
        """Make the view anew from all rows."""
        self._waiting.clear()
        self.lost_waiting = 0
        rows: Iterable[Row] = (*self._older, *self._live)
        self.shown = [row for row in rows if self._wanted(row)]
        self.changed += 1

    def clear(self) -> None:
        """Forget everything: another vault is looked at."""
        self._live.clear()
        self._older.clear()
        self._under_way.clear()
        self._rebuild()

    def forget_under_way(self) -> None:
        """The connection broke: what was under way may have ended unseen."""
        for row in self._under_way.values():
            row.live = False
            row.version += 1
        self._under_way.clear()
        self.changed += 1

    # --- older rows ---------------------------------------------------------------------------

    @property
    def room_for_older(self) -> int:
        """How many more rows may be paged in from the log."""
        return self.capacity - len(self._older)

    def prepend(self, records: Sequence[RequestRecord]) -> int:
        """Put older rows (newest first, as the log gives them) on top; returns rows now shown more.

        Rows that are here already are left out.
        """
        known = {row.record.request_id for row in (*self._older, *self._live)}
        fresh = [record for record in records if record.request_id not in known]
        lowest = min(self._first_number(), 0)
        rows = [
            Row(record, lowest - index, live=False) for index, record in enumerate(fresh, start=1)
        ]
        rows.reverse()
        self._older[:0] = rows
        wanted = [row for row in rows if self._wanted(row)]
        self.shown[:0] = wanted
        self.changed += 1
        return len(wanted)

    def catch_up(self, records: Sequence[RequestRecord]) -> int:
        """Requests that ended unseen (newest first): each takes its place by age among the rows
        that came meanwhile, or completes the row of its start. Returns how many were news.
        """
        rows = {row.record.request_id: row for row in (*self._older, *self._live)}
        news = 0
        for record in reversed(records):
            row = rows.get(record.request_id)
            if row is None:
                self._insert(record)
            elif row.record.latency_ms < 0:
                self.finish(record) if row.live else self._change(row, record, live=False)
            else:
                continue
            news += 1
        if not self.holding:
            self._rebuild()
        return news

    def _insert(self, record: RequestRecord) -> None:
        place = len(self._live)
        while place and self._live[place - 1].record.started_at > record.started_at:
            place -= 1
        row = Row(record, self._next, live=False)
        self._next += 1
        self.changed += 1
        self._live.insert(place, row)
        if self.holding and self._wanted(row):
            self._show(row)

    def _first_number(self) -> int:
        if self._older:
            return self._older[0].number
        return self._live[0].number if self._live else 0

    @property
    def oldest_logged(self) -> int:
        """The log's lowest row number seen here; 0 when no row has one."""
        numbers = (row.record.id for row in (*self._older, *self._live) if row.record.id)
        return min(numbers, default=0)
