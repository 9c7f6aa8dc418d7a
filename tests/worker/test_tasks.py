"""Background tasks go on after failures, and say so."""

import asyncio

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.worker import tasks
from proxy_core.worker.tasks import Supervisor


@pytest.fixture
def told() -> list[str]:
    """What consoles were told."""
    return []


async def test_a_failing_task_is_tried_again(
    told: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure is logged, announced once, shown while it lasts, and gone when the task works."""
    monkeypatch.setattr(tasks, "_FIRST_PAUSE", 0.001)
    shown: list[list[str]] = []
    done = asyncio.Event()
    failures = [VaultError("database_unavailable", "It is away."), RuntimeError("s3cret")]

    async def work() -> None:
        shown.append(supervisor.problems())
        if failures:
            raise failures.pop(0)
        done.set()

    supervisor = Supervisor(told.append)
    supervisor.every(3600, "upkeep", work, at_once=True)
    await asyncio.wait_for(done.wait(), 30)
    await asyncio.sleep(0)
    assert shown[0] == []
    assert shown[1] == ["The task upkeep failed: It is away."]
    assert shown[2][0].startswith("The task upkeep failed: Internal error ")
    assert supervisor.problems() == []
    assert told == ["The task upkeep failed: It is away."]
    assert "RuntimeError" in caplog.text
    assert "s3cret" not in caplog.text
    await supervisor.stop()


async def test_a_task_repeats_until_stopped(told: list[str]) -> None:
    """Work is done again after its pause, and never after `stop`."""
    runs = 0
    thrice = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            thrice.set()

    supervisor = Supervisor(told.append)
    supervisor.every(0.001, "upkeep", work)
    await asyncio.wait_for(thrice.wait(), 30)
    await supervisor.stop()
    after = runs
    await asyncio.sleep(0.01)
    assert runs == after


async def test_a_failing_task_is_never_rarer_than_a_working_one(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pauses between attempts grow up to the task's own interval, and no further."""
    pauses: list[float] = []
    enough = asyncio.Event()
    sleep = asyncio.sleep

    async def short_sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:
            enough.set()
            await asyncio.Event().wait()
        await sleep(0)

    async def work() -> None:
        raise VaultError("database_unavailable")

    monkeypatch.setattr(asyncio, "sleep", short_sleep)
    supervisor = Supervisor(told.append)
    supervisor.every(5.0, "upkeep", work, at_once=True)
    await asyncio.wait_for(enough.wait(), 30)
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    await supervisor.stop()
