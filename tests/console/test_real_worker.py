"""The console over a real worker in this process: sockets, key slots, events."""

import asyncio
import math
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from textual.pilot import Pilot

from proxy_core.base.clock import FakeClock
from proxy_core.client import calls
from proxy_core.services import slots
from tests.console.harness import running, text_of, until
from tests.keyrings import MemoryKeyring
from tests.worker.harness import ThreadedWorker
from vault_tui.app import ConsoleApp
from vault_tui.widgets.keyed_table import KeyedTable
from vault_tui.worker_link import opener


@pytest.fixture
def memory_keyring() -> Iterator[None]:
    """The process's keyring is one in memory."""
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    slots.keyring_trouble.cache_clear()
    yield
    keyring.set_keyring(before)
    slots.keyring_trouble.cache_clear()


@pytest.fixture
def no_keyring() -> Iterator[None]:
    """As on a bare server."""
    import keyring.backends.fail

    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    slots.keyring_trouble.cache_clear()
    yield
    keyring.set_keyring(before)
    slots.keyring_trouble.cache_clear()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker that is not set up yet."""
    found = ThreadedWorker(tmp_path / "home").start()
    yield found
    found.stop()


def over(worker: ThreadedWorker) -> ConsoleApp:
    """A console of this machine's worker."""
    return ConsoleApp(opener(worker.config.home), where="here")


async def _sealed_again(pilot: Pilot[int | None], worker: ThreadedWorker) -> None:
    """Another operator seals the vault."""
    await asyncio.to_thread(worker.client().send, calls.seal())
    await until(pilot, lambda: "The vault is sealed" in text_of(pilot.app))


@pytest.mark.usefixtures("no_keyring")
async def test_the_first_run_greys_what_does_not_work_here(worker: ThreadedWorker):
    """No keyring: one sentence says why, and the cursor stands on the first choice that works."""
    app = over(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: "Not here: This session has no OS keyring." in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "You type it" not in text_of(app))
        assert app.screen.query_one("#secret").display


@pytest.mark.usefixtures("no_keyring")
async def test_a_key_file_sets_up_unseals_and_unlocks(worker: ThreadedWorker, tmp_path: Path):
    """Its path is named once; afterwards Enter is enough, for the worker knows where it is."""
    app = over(worker)
    path = tmp_path / "keys" / "key"
    path.parent.mkdir(mode=0o700)
    async with running(app) as pilot:
        await until(pilot, lambda: "How shall this vault be protected?" in text_of(app))
        await pilot.press("down", "enter")
        app.screen.query_one("#secret").value = str(path)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: app.state.status is not None and not app.state.sealed)
        assert path.stat().st_mode & 0o777 == 0o600
        await _sealed_again(pilot, worker)
        await pilot.press("enter")
        await until(pilot, lambda: "enter: the worker reads" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: not app.state.sealed)
        worker.end_operators()
        await pilot.press("U")
        await until(pilot, lambda: "Prove a key slot" in text_of(app))
        app.screen.query_one("#secret").value = str(path)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: "Unlocked" in text_of(app))


@pytest.mark.usefixtures("memory_keyring")
async def test_a_keyring_sets_up_unseals_and_unlocks(worker: ThreadedWorker):
    """Enter, each time: nothing is typed."""
    app = over(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: "How shall this vault be protected?" in text_of(app))
        assert "Not here" not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.state.status is not None and not app.state.sealed)
        await _sealed_again(pilot, worker)
        await pilot.press("enter")
        await until(pilot, lambda: not app.state.sealed)
        worker.end_operators()
        await pilot.press("U")
        await until(pilot, lambda: "the keyring is asked" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Unlocked" in text_of(app))


async def test_the_header_shows_when_the_operator_session_has_ended(worker: ThreadedWorker):
    """Looking does not prolong it: after a quarter of an hour the console is locked, and asks."""
    clock = FakeClock(time.time())
    worker.running.app._context.clock = clock
    worker.init()
    app = over(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: "● operator" in text_of(app))
        clock.advance(16 * 60)
        await app.ask_status()
        await until(pilot, lambda: "○ locked" in text_of(app))
        await pilot.press("4")
        await until(pilot, lambda: "No credentials yet" in text_of(app))
        await pilot.press("a", *"KEY", "enter", *"value", "enter")
        await until(pilot, lambda: "Prove a key slot" in text_of(app))


async def test_another_consoles_change_is_there_within_200_ms(worker: ThreadedWorker):
    """From the worker's event to the list on this screen, by the clock that both share.

    Of several changes the fastest counts: the machine may be busy with other tests for a while.
    """
    worker.init()
    app, seen = over(worker), {}
    async with running(app) as pilot:
        changed = app.data_changed

        def look(kind: str) -> None:
            changed(kind)
            for table in app.screen.query(KeyedTable):  # there may be none on the screen before
                for row in table.rows:
                    seen.setdefault(str(row.value), time.time())

        app.data_changed = look  # type: ignore[method-assign]
        await pilot.press("4")
        made: dict[str, float] = {}
        taken = worker.running.app._context.publish

        def publish(kind: object, by: object, **data: object) -> None:
            made[str(data.get("name"))] = time.time()
            taken(kind, by, **data)  # type: ignore[arg-type]

        worker.running.app._context.publish = publish  # type: ignore[method-assign]
        other = worker.client()
        delays = [math.inf]
        while min(delays) >= 0.2:
            assert len(delays) < 50, delays
            name = f"KEY_{len(delays)}"
            await asyncio.to_thread(other.send, calls.set_credentials({name: "v"}))
            await until(pilot, lambda name=name: name in seen)  # type: ignore[misc]
            delays.append(seen[name] - made[name])
