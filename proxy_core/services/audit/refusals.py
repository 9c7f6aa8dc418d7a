"""What was refused: gathered in memory, and written by and by.

Asking for what one may not have costs nothing, so each kind of refusal of one caller has one entry
per round, with how many there were; and a round has a bound.
"""

from dataclasses import dataclass, replace
from typing import Final

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain.audit import Deed, Origin
from proxy_core.services.audit.acting import acting
from proxy_core.services.audit.trail import Trail
from proxy_core.store.database import Database

MOST: Final = 64
"""Different refusals that are told one by one in a round; the rest is counted."""
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
        place = str(whose.source.get("address") or whose.source.get("uid", ""))
        why = str(deed.after.get("why", ""))
        kind: _Kind | None = _Kind(
            whose.kind, whose.name, place, whose.route, deed.action, deed.target, why
        )
        if kind not in self._waiting and len(self._waiting) >= MOST:
            kind, deed, whose = None, _OTHERS, Origin("nobody")
        self._waiting.setdefault(kind, _Counted(whose, deed)).times += 1

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
