"""The future-like object that a stream's task awaits."""

import asyncio

import pytest

from proxy_core.mitm.waits import Waiter


async def test_a_wake_resumes_the_task_at_once() -> None:
    """When `wake` returns the task has run on already, in its own context."""
    loop = asyncio.get_running_loop()
    waiter = Waiter(loop)
    seen: list[object] = []
    done = asyncio.Event()

    async def wait() -> None:
        seen.append(await waiter)
        seen.append(asyncio.current_task())

    def callback() -> None:
        waiter.wake(b"data")
        seen.append("after")
        done.set()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    loop.call_soon(callback)
    await done.wait()
    assert seen == [b"data", task, "after"]


async def test_a_failure_is_raised_in_the_task() -> None:
    """`fail` may be called while another task runs, and is seen soon after."""
    waiter = Waiter(asyncio.get_running_loop())

    async def wait() -> bytes:
        return await waiter

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiter.fail(ValueError("broken"))
    assert waiter.done()
    with pytest.raises(ValueError, match="broken"):
        await task


async def test_cancelling_the_task_ends_its_wait() -> None:
    """Cancellation arrives as for any future, timeouts included, and only once."""
    waiter = Waiter(asyncio.get_running_loop())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await waiter
    assert waiter.done()
    assert not waiter.cancel()


async def test_what_is_there_already_needs_no_wait() -> None:
    """A result or failure that came before the await is had at once."""
    early, failed = (Waiter(asyncio.get_running_loop()) for _ in range(2))
    early.wake(b"data")
    failed.fail(ValueError("broken"))
    assert await early == b"data"
    with pytest.raises(ValueError, match="broken"):
        await failed
