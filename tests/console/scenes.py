"""Played by a console in a process of its own: `python -m tests.console.scenes SCENE HOME`."""

import asyncio
import sys
from pathlib import Path

from textual.pilot import Pilot

from proxy_core.base.paths import Home
from proxy_core.client import calls
from tests.console.harness import running, text_of, until
from tests.worker.harness import PASSWORD
from vault_tui.app import ConsoleApp
from vault_tui.screens.gates import FirstRun
from vault_tui.worker_link import opener


async def unlock_change_lock(app: ConsoleApp, pilot: Pilot[int | None]) -> None:
    """One proof is enough for two changes; after locking, the next change asks again."""
    await pilot.press("4")
    await until(pilot, lambda: "No credentials yet" in text_of(app))
    await pilot.press("a", *"ONE", "enter", *"value", "enter")
    await until(pilot, lambda: "Prove a key slot" in text_of(app))
    await pilot.press(*PASSWORD, "enter")
    await until(pilot, lambda: "● operator" in text_of(app) and "ONE" in text_of(app))
    await app.send(calls.set_credentials({"TWO": "value"}))
    app.action_run("app.lock")
    await until(pilot, lambda: "○ locked" in text_of(app))
    await pilot.press("a", *"THREE", "enter", *"value", "enter")
    await until(pilot, lambda: "Prove a key slot" in text_of(app))


async def set_up(app: ConsoleApp, pilot: Pilot[int | None]) -> None:
    """Who has just chosen the password is not asked for it at once."""
    await until(pilot, lambda: isinstance(app.screen, FirstRun))
    assert isinstance(app.screen, FirstRun)
    app.screen.go(calls.init("password", PASSWORD), "done")
    await until(pilot, lambda: "● operator" in text_of(app))
    await app.send(calls.set_credentials({"ONE": "value"}))


SCENES = {"unlock_change_lock": unlock_change_lock, "set_up": set_up}


async def _play(scene: str, home: Home) -> None:
    app = ConsoleApp(opener(home), where="here")
    async with running(app) as pilot:
        await SCENES[scene](app, pilot)


if __name__ == "__main__":
    asyncio.run(_play(sys.argv[1], Home(Path(sys.argv[2]))))
