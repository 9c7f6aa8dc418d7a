"""What was refused: gathered in memory, and written by and by.

Asking for what one may not have costs nothing, so each kind of refusal of one caller has one entry
per round, with how many there were. A round has a bound for all, and one for each caller: strangers
count as one of them, for they have as many addresses as they like.
"""

from dataclasses import dataclass, replace
from typing import Final

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain.audit import Deed, Origin
from proxy_core.services.audit.acting import acting
from proxy_core.services.audit.trail import Trail
from proxy_core.services.users.throttle import site_of
from proxy_core.store.database import Database

MOST: Final = 64
"""Different refusals that are told one by one in a round; the rest is counted."""
MOST_OF_ONE: Final = 8
"""Of one caller, of all strangers together."""
_OTHERS: Final = Deed("access.refused", "others")


@dataclass(frozen=True, slots=True)
class _Kind:
    actor: str
    name: str
    place: str
    route: str
    action: str
    target: str
    why: str

    @property
    def caller(self) -> tuple[str, str]:
        """Whose bound it counts to."""
        return self.actor, self.name


@dataclass(slots=True)
class _Counted:
    origin: Origin
    deed: Deed
    times: int = 0


class Refusals:
    """Belongs to the worker's loop."""

    def __init__(self, trail: Trail, database: Database) -> None:
        self._trail = trail
        self._database = database
        self._waiting: dict[_Kind | None, _Counted] = {}

    def note(self, deed: Deed, origin: Origin | None = None) -> None:
        """Count a refusal of who acts, or of `origin`; `deed.after` may say why: `{"why": …}`."""
        whose = origin or acting()
        address = str(whose.source.get("address", ""))
        place = site_of(address) if address else str(whose.source.get("uid", ""))
        why = str(deed.after.get("why", ""))
        kind = _Kind(whose.kind, whose.name, place, whose.route, deed.action, deed.target, why)
        if kind in self._waiting or self._has_room(kind):
            self._count(kind, whose, deed)
        else:
            self._count(None, Origin("nobody"), _OTHERS)

    def _count(self, kind: _Kind | None, origin: Origin, deed: Deed) -> None:
        self._waiting.setdefault(kind, _Counted(origin, deed)).times += 1

    def _has_room(self, kind: _Kind) -> bool:
        if len(self._waiting) >= MOST:
            return False
        same = (one for one in self._waiting if one is not None and one.caller == kind.caller)
        return sum(1 for _ in same) < MOST_OF_ONE

    async def store(self) -> None:
        """Write what waits. Raises VaultError: database_unavailable; then it waits on."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, {}

        def work(session: Session) -> None:
            for one in waiting.values():
                times = {"times": one.times} if one.times > 1 else {}
                deed = replace(one.deed, after={**one.deed.after, **times})
                self._trail.say(session, deed, one.origin)

        try:
            await self._database.run(work)
        except VaultError:
            self._put_back(waiting)
            raise

    def _put_back(self, waiting: dict[_Kind | None, _Counted]) -> None:
        for kind, counted in waiting.items():
            found = self._waiting.get(kind)
            if found is not None:
                found.times += counted.times
            elif len(self._waiting) <= MOST:
                self._waiting[kind] = counted
