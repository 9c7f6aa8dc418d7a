"""One heap for all logins: who is started when."""

import asyncio

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.services.logins.scheduler import LONGEST_SLEEP, Scheduler
from tests.services.conftest import NOW


class Started:
    """What was started, and how often everything was planned anew."""

    def __init__(self, clock: FakeClock) -> None:
        self.logins: list[str] = []
        self.replanned = 0
        self.scheduler = Scheduler(clock, self.logins.append, self._replan)

    def _replan(self) -> None:
        self.replanned += 1


@pytest.fixture
def started(clock: FakeClock) -> Started:
    """A scheduler and what it has done."""
    return Started(clock)


def test_each_at_its_time(started: Started, clock: FakeClock) -> None:
    """In order, once; the answer is how long there is nothing to do."""
    started.scheduler.plan("b", NOW + 20)
    started.scheduler.plan("a", NOW + 10)
    assert started.scheduler.run_due() == 10
    clock.advance(10)
    assert started.scheduler.run_due() == 10
    assert started.logins == ["a"]
    clock.advance(100)
    assert started.scheduler.run_due() == LONGEST_SLEEP
    assert started.logins == ["a", "b"]


def test_the_last_plan_counts(started: Started, clock: FakeClock) -> None:
    """Put off, brought forward, called off, and planned twice for the same moment."""
    plan = started.scheduler.plan
    plan("later", NOW + 5)
    plan("later", NOW + 50)
    plan("sooner", NOW + 50)
    plan("sooner", NOW + 5)
    plan("never", NOW + 5)
    plan("never", None)
    plan("twice", NOW + 5)
    plan("twice", NOW + 5)
    clock.advance(5)
    started.scheduler.run_due()
    assert started.logins == ["sooner", "twice"]
    clock.advance(45)
    started.scheduler.run_due()
    assert started.logins == ["sooner", "twice", "later"]


def test_cleared_means_nothing_is_planned(started: Started, clock: FakeClock) -> None:
    """A sealed vault refreshes nothing."""
    started.scheduler.plan("a", NOW)
    started.scheduler.clear()
    clock.advance(1)
    started.scheduler.run_due()
    assert started.logins == []


@pytest.mark.parametrize("seconds", [-365 * 86_400, 365 * 86_400])
def test_a_stepped_clock_has_everything_planned_anew(
    started: Started, clock: FakeClock, seconds: float
) -> None:
    """Once a step; time that merely passes does not."""
    clock.advance(3600)
    started.scheduler.run_due()
    assert started.replanned == 0
    clock.step(seconds)
    started.scheduler.run_due()
    started.scheduler.run_due()
    assert started.replanned == 1


async def test_a_plan_for_now_wakes_the_task(clock: FakeClock) -> None:
    """Though it sleeps for long; and it sleeps no longer than the clock may be trusted."""
    started = Started(clock)
    reached = asyncio.Event()
    scheduler = Scheduler(clock, lambda _login: reached.set(), lambda: None)
    task = asyncio.create_task(scheduler.run())
    await asyncio.sleep(0)
    scheduler.plan("a", NOW)
    async with asyncio.timeout(30):
        await reached.wait()
    task.cancel()
    assert started.scheduler.run_due() == LONGEST_SLEEP
