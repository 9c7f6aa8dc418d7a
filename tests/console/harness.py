"""How the tests start the console."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from tests.console.fake_worker import FakeWorker
from vault_tui.app import ConsoleApp
from vault_tui.preferences import Preferences
from vault_tui.state import Link
from vault_tui.worker_link import StartWorker


def console(
    worker: FakeWorker,
    *,
    read_only: bool = False,
    preferences: Preferences | None = None,
    start_worker: StartWorker | None = None,
) -> ConsoleApp:
    """A console over a fake worker, with the worker's clock."""
    app = ConsoleApp(
        worker.open,
        read_only=read_only,
        where="vault-1",
        preferences=preferences,
        clock=worker.clock,
        start_worker=start_worker,
    )
    take = app.sync.status
    # The round trip is measured in real time; on screen it shall always be the same.
    app.sync.status = lambda status, _: take(status, 3.0)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def running(
    app: ConsoleApp, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Pilot[int | None]]:
    """The console, connected and with its first lists read."""
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.state.link is Link.LIVE and app.state.status is not None)
        if not app.state.sealed:
            await until(pilot, lambda: app.state.services is not None)
        await pilot.pause()
        yield pilot


async def until(pilot: Pilot[int | None], holds: Callable[[], bool]) -> None:
    """Wait, in short steps of the loop, until `holds`."""
    for _ in range(3000):
        if holds():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"it never came true; screen:\n{text_of(pilot.app)}")


def text_of(app: object) -> str:
    """What is on the screen, as lines of text."""
    lines = app.screen._compositor.render_strips()  # type: ignore[attr-defined]
    return "\n".join(strip.text.rstrip() for strip in lines)
