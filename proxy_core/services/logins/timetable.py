"""When each login is refreshed: what is remembered of them, carried over to the scheduler."""

from proxy_core.services.context import Context
from proxy_core.services.logins.memory import Memory
from proxy_core.services.logins.refresher import Refresher
from proxy_core.services.logins.scheduler import Scheduler
from proxy_core.services.logins.verdict import Reason


class Timetable:
    """Follows each change of a login, and each refresh that ends. Starts none while sealed."""

    def __init__(self, context: Context, memory: Memory, refresher: Refresher) -> None:
        self._sealer, self._memory, self._refresher = context.sealer, memory, refresher
        self._scheduler = Scheduler(context.clock, self._start, self.renew)
        memory.on_change(self._plan)
        refresher.on_end(self._plan)

    async def run(self) -> None:
        """Refresh what falls due until cancelled."""
        await self._scheduler.run()

    def run_due(self) -> None:
        """Start the refreshes that are due now."""
        self._scheduler.run_due()

    def clear(self) -> None:
        """Plan nothing."""
        self._scheduler.clear()

    def renew(self) -> None:
        """Plan every login anew."""
        self._scheduler.clear()
        for login in self._memory:
            self._plan(login.id)

    def _start(self, login_id: str) -> None:
        if not self._sealer.sealed:
            self._refresher.start(login_id, Reason.DUE)

    def _plan(self, login_id: str) -> None:
        login = self._memory.get(login_id)
        if login is None or self._sealer.sealed or self._refresher.runs(login_id):
            self._scheduler.plan(login_id, None)
        else:
            self._scheduler.plan(login_id, login.next_refresh_at)
