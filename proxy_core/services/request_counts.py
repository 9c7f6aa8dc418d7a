"""How many requests each agent and session has made today, by every worker: from the log.

Nothing is counted while requests go by. What was counted once is kept; asked again, only the rows
since then are looked at, and those of the last minute, whose neighbours another worker may still
be writing.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from proxy_core.services.context import Context
from proxy_core.store.request_log.counts import count_by_actor, first_ended_since

SETTLED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Counted:
    """The rows of a day up to and without `beyond`, by actor's id."""

    midnight: float = 0.0
    beyond: int = 0
    counts: Counter[str] = field(default_factory=Counter)


class RequestCounts:
    """Belongs to the worker's loop."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counted = _Counted()

    async def today(self) -> Counter[str]:
        """Requests that ended since midnight, the worker's time, by actor's id.

        Raises VaultError: database_unavailable.
        """
        before, now = self._counted, self._context.clock.time()
        midnight = _midnight(now)

        def read(session: Session) -> tuple[_Counted, Counter[str]]:
            known = before
            if known.midnight != midnight:
                known = _Counted(midnight, first_ended_since(session, midnight))
            settled = max(known.beyond, first_ended_since(session, now - SETTLED_SECONDS))
            counts = known.counts + Counter(count_by_actor(session, known.beyond, settled))
            tail = Counter(count_by_actor(session, settled))
            return _Counted(midnight, settled, counts), counts + tail

        self._counted, counts = await self._context.database.read(read)
        return counts


def _midnight(now: float) -> float:
    """When the day began, in the worker's time zone; epoch seconds."""
    day = datetime.fromtimestamp(now).astimezone()
    return day.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
