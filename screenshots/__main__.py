"""`make screenshots`: pictures of the running console over the demo's worker, never drawn by hand.

Each scene is a size and the keys that lead there; the picture is what the console shows then.
"""

import asyncio
import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.launcher import ensure_worker, stop_worker
from vault_tui.app import ConsoleApp
from vault_tui.demo.script import plan
from vault_tui.demo.stage import set_stage
from vault_tui.demo.worker import operator_client
from vault_tui.worker_link import opener

HERE = Path(__file__).parent
RATE, SEED = 12, 7
WARM_UP_SECONDS = 8.0
"""Long enough for every agent to have spoken and for the sparkline to have a shape."""


@dataclass(frozen=True, slots=True)
class Scene:
    """`keys` are pressed one after another; `wait:N` lets N seconds pass."""

    name: str
    keys: Sequence[str] = ()
    size: tuple[int, int] = (120, 34)


SCENES = (
    Scene("traffic"),
    Scene("traffic-detail", ("space", "up", "up", "up", "enter")),
    Scene("traffic-80x24", (), (80, 24)),
    Scene("proposals", ("2", "wait:1")),
    Scene("proposals-80x24", ("2", "enter", "wait:1"), (80, 24)),
    Scene("proposal-approve", ("2", "a", *"GITHUB_TOKEN", "enter", *"github", "wait:1")),
    Scene("holds", (":", *"holds", "enter", "wait:1")),
    Scene("credentials", ("4", "down", "down", "wait:1")),
    Scene("health", ("4", "b", "wait:1")),
    Scene("services", ("5",)),
    Scene("match-tester", ("5", "t", *"https://api.github.com/repos/acme/shop", "enter", "wait:1")),
    Scene("catalog", ("5", "c", "wait:1")),
    Scene("palette", ("ctrl+p", *"serv", "wait:1")),
    Scene("help", ("question_mark", "wait:1")),
    Scene("agents", ("7", "wait:2")),
    Scene("settings", ("9", "wait:4", "/", *"slots", "enter", "wait:1")),
    # Last: how fast a quota is used up is known after a minute.
    Scene("accounts", ("6", "wait:18")),
    Scene("accounts-80x24", ("6", "wait:2"), (80, 24)),
    Scene("account-add", ("6", "plus", "wait:1")),
)
DEVICES = Scene("devices", ("3", "wait:1", "down", "down", "down", "wait:1"), (130, 34))
"""Of a Claude Code that waits: taken when all others are, since each header would show it."""


async def shoot(home: Home, scene: Scene, warm_up: float) -> None:
    """Open a console, press the scene's keys and keep the picture."""
    app = ConsoleApp(opener(home), where="vault-host")
    async with app.run_test(size=scene.size) as pilot:
        await asyncio.sleep(warm_up)
        for key in scene.keys:
            if key.startswith("wait:"):
                await asyncio.sleep(float(key.removeprefix("wait:")))
            else:
                await pilot.press(_NAMES.get(key, key))
        await pilot.pause(0.3)
        save(app, scene.name)


_NAMES = {":": "colon", "/": "slash", ".": "full_stop", "-": "minus", "_": "underscore"}


def save(app: ConsoleApp, name: str) -> None:
    """Write the picture; its elements' ids are made from the name, so that diffs stay small."""
    picture = app.export_screenshot(title="Vault TUI")
    (HERE / f"{name}.svg").write_text(picture + "\n", encoding="utf-8")
    print(f"screenshots/{name}.svg")


async def with_traffic(directory: Path) -> None:
    """The scenes over the demo's agents."""
    home = Home(directory)
    async with set_stage(home) as stage:
        await asyncio.to_thread(add_slots, home)
        playing = [
            asyncio.create_task(stage.play(plan(SEED, RATE))),
            asyncio.create_task(stage.keep_asking(SEED, 1.0, 1.0)),
        ]
        for number, scene in enumerate(SCENES):
            await shoot(home, scene, 1.5 if number else WARM_UP_SECONDS)
        await asyncio.to_thread(ask_to_sign_in, home)
        await shoot(home, DEVICES, 1.5)
        for one in playing:
            one.cancel()
        await asyncio.gather(*playing, return_exceptions=True)


def add_slots(home: Home) -> None:
    """Two more ways in than the demo's own, so that each slot can say what ends with it."""
    client = operator_client(home)
    for label in ("ada's password", "spare, in the safe"):
        client.send(calls.add_slot("password", secrets.token_urlsafe(), label))


def ask_to_sign_in(home: Home) -> None:
    """As `/login` of Claude Code does, at the gateway of the service for its API."""
    client = operator_client(home)
    found = client.send(calls.services("default")).services
    (service,) = (one for one in found if one["host"] == "api.anthropic.com")
    client.send(calls.upsert_services([{**service, "gateway": {"prefix": "anthropic"}}], "default"))
    url = f"http://{client.send(calls.status()).proxy}/anthropic/oauth/device_authorization"
    form, agent = {"surface": "claude_code"}, {"User-Agent": "claude-code/2.1.330"}
    httpx.post(url, data=form, headers=agent, trust_env=False).raise_for_status()


async def first_run(directory: Path) -> None:
    """What a new user sees first."""
    home = Home(directory)
    await asyncio.to_thread(ensure_worker, home, ["--port", "0", "--proxy-port", "0"])
    try:
        await shoot(home, Scene("first-run"), 1.5)
    finally:
        await asyncio.to_thread(stop_worker, home)


def main() -> None:
    """Take all pictures in homes that are gone afterwards."""
    for name in [name for name in os.environ if name.startswith(("VAULT_TUI_", "AGENT_VAULT_"))]:
        del os.environ[name]
    for work in (with_traffic, first_run):
        with tempfile.TemporaryDirectory(prefix="vault-tui-shots-") as directory:
            asyncio.run(work(Path(directory) / "home"))


if __name__ == "__main__":
    main()
