"""The console where nothing stays unlocked: it is an operator by the token that it holds."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy_core.client import calls
from proxy_core.client.async_client import AsyncClient
from proxy_core.client.target import Target
from tests.sessions import run_leaderless
from tests.worker.harness import ThreadedWorker
from vault_tui.worker_link import ClientLink, opener

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker that is not set up yet."""
    found = ThreadedWorker(tmp_path / "home").start()
    yield found
    found.stop()


@pytest.mark.parametrize("scene", ["unlock_change_lock", "set_up"])
def test_the_console_keeps_the_session_that_it_opened(worker: ThreadedWorker, scene: str) -> None:
    """In a process whose session nothing identifies; until it locks."""
    if scene != "set_up":
        worker.init()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    words = ("-m", "tests.console.scenes", scene, str(worker.config.home.path))
    done = run_leaderless(sys.executable, *words, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", ["by time or sealing", "by its own token"])
async def test_a_session_that_has_ended_leaves_the_console_locked(
    worker: ThreadedWorker, how: str
) -> None:
    """Its token is not sent any more: looking goes on, and changing asks for a proof."""
    worker.init()
    worker.end_operators()
    link = ClientLink(AsyncClient(Target(socket=worker.socket)))
    session = worker.in_loop(worker.running.app.operators.open, None, "tester")
    link.keep(session)
    assert (await link.send(calls.status())).operator
    if how == "by its own token":
        await asyncio.to_thread(worker.client(session.token).send, calls.lock())
    else:
        await asyncio.to_thread(worker.end_operators)
    for _ in range(2):
        assert not (await link.send(calls.status())).operator
    await link.close()


async def test_a_slot_may_be_proved_from_the_start(worker: ThreadedWorker, tmp_path: Path) -> None:
    """As the demo does, whose operator is whoever started it."""
    await asyncio.to_thread(worker.client().send, calls.init("keyfile", path=str(tmp_path / "key")))
    worker.end_operators()
    link = await opener(worker.config.home, slot="keyfile")()
    assert (await link.send(calls.status())).operator
    await link.close()
