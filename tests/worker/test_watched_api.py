"""A worker whose API server ends by itself, or whose database goes away."""

import asyncio
import logging
import sqlite3
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.worker.config import WorkerConfig
from proxy_core.worker.runtime import serve_until_signal
from tests.worker.harness import ThreadedWorker


async def test_a_worker_without_its_api_stops(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It logs why, tidies up and fails, so that whoever supervises it starts another."""
    config = WorkerConfig(home=Home(tmp_path / "home"), port=0, proxy_port=0)
    ready = asyncio.Event()
    serving = asyncio.create_task(serve_until_signal(config, None, lambda _: ready.set()))
    await asyncio.wait_for(ready.wait(), 20)
    (api,) = [task for task in asyncio.all_tasks() if task.get_name() == "api"]
    api.cancel()
    with (
        pytest.raises(VaultError, match="ended by itself") as caught,
        caplog.at_level(logging.INFO),
    ):
        await asyncio.wait_for(serving, 20)
    assert caught.value.exit_code == 1
    assert "the API server has ended: it was cancelled" in caplog.text
    assert not config.home.socket.exists()
    assert not config.home.pid_file.exists()


def test_failing_housekeeping_is_shown(fresh_worker: ThreadedWorker) -> None:
    """The status says what fails, and no more once it works again."""
    fresh_worker.init()
    fresh_worker.client().send(calls.create_session("default"))
    context = fresh_worker.running.app._context
    (bearer,) = context.snapshot.bearers.values()
    fresh_worker.in_loop(context.usage.seen.__setitem__, bearer.actor_id, 1.0)
    fresh_worker.in_loop(context.usage.put_back, (), [bearer.actor_id])
    database = fresh_worker.config.home.database
    with sqlite3.connect(database) as other:
        other.execute("ALTER TABLE scoped_session RENAME TO elsewhere")
    housekeeping = fresh_worker.running.app.housekeeping
    failed = asyncio.run_coroutine_threadsafe(
        fresh_worker.running.supervisor.carry_out("housekeeping", housekeeping.tick),
        fresh_worker.loop,
    )
    assert failed.result(20) is False
    problems = fresh_worker.client().send(calls.status()).problems
    assert problems == ["The task housekeeping failed: The database refused the operation."]
    with sqlite3.connect(database) as other:
        other.execute("ALTER TABLE elsewhere RENAME TO scoped_session")
    worked = asyncio.run_coroutine_threadsafe(
        fresh_worker.running.supervisor.carry_out("housekeeping", housekeeping.tick),
        fresh_worker.loop,
    )
    assert worked.result(20) is True
    assert fresh_worker.client().send(calls.status()).problems == []
