"""Background tasks that don't give up: a failure is logged, shown, and tried again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from proxy_core.base.errors import VaultError
from proxy_core.worker.problems import unexpected

_LOG = logging.getLogger("vault_tui.tasks")
_FIRST_PAUSE = 1.0

Work = Callable[[], Awaitable[None]]


class Supervisor:
    """Runs named tasks until stopped. `problems` says which are failing."""

    def __init__(self, on_problem: Callable[[str], None]) -> None:
        self._on_problem = on_problem
        self._tasks: list[asyncio.Task[None]] = []
        self._problems: dict[str, str] = {}

    def every(self, seconds: float, name: str, work: Work, *, at_once: bool = False) -> None:
        """Carry out `work` again and again, `seconds` after it last ended; sooner if it failed."""
        self._tasks.append(
            asyncio.create_task(self._repeat(seconds, name, work, at_once), name=name)
        )

    def soon(self, name: str, work: Work) -> None:
        """Carry out `work` once, in the background."""
        task = asyncio.create_task(self._once(name, work), name=name)
        self._tasks.append(task)
        task.add_done_callback(self._forget)

    def problems(self) -> list[str]:
        """One sentence for each task whose last run failed."""
        return list(self._problems.values())

    async def carry_out(self, name: str, work: Work) -> bool:
        """Carry out `work` once; whether it worked. `problems` tells of a failure."""
        try:
            await work()
        except VaultError as error:
            self._report(name, str(error))
            return False
        except Exception as error:
            self._report(name, str(unexpected(error)))
            return False
        self._problems.pop(name, None)
        return True

    async def stop(self) -> None:
        """End every task."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _once(self, name: str, work: Work) -> None:
        await self.carry_out(name, work)

    def _forget(self, task: asyncio.Task[None]) -> None:
        if task in self._tasks:
            self._tasks.remove(task)

    async def _repeat(self, seconds: float, name: str, work: Work, at_once: bool) -> None:
        pause = min(_FIRST_PAUSE, seconds)
        if not at_once:
            await asyncio.sleep(seconds)
        while True:
            if await self.carry_out(name, work):
                pause = min(_FIRST_PAUSE, seconds)
                await asyncio.sleep(seconds)
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, seconds)

    def _report(self, name: str, reason: str) -> None:
        sentence = f"The task {name} failed: {reason}"
        _LOG.error("%s", sentence)
        if name not in self._problems:
            self._on_problem(sentence)
        self._problems[name] = sentence
