"""The doctor's view: findings with their commands, looked at in a thread."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from proxy_core.base.errors import VaultError
from proxy_core.domain.doctor import Facts
from tests.console.fake_worker import furnished
from tests.console.harness import console, running, text_of, until
from tests.console.test_hostile_text import HOSTILE as TEXTS
from tests.console.test_snapshots import SIZES, settled, steady
from tests.domain.doctor.well import PLACEHOLDER, claude, facts, home, worker
from vault_tui.actions import BY_ID
from vault_tui.app import ConsoleApp
from vault_tui.screens.doctor import DoctorBoard

Snapshot = Callable[..., bool]
ILL = replace(
    worker(problems=("The log cannot be written.",), version="0.9"),
    home=home(mode=0o755).home,
    claude=claude(environ={"ANTHROPIC_API_KEY": "sk-x", "CLAUDE_CODE_OAUTH_TOKEN": PLACEHOLDER}),
)


def looking(found: Callable[[str], Facts]) -> ConsoleApp:
    """A console that looks by `found`."""
    app = console(furnished())
    app.examine = found
    return app


async def on_board(app: ConsoleApp, pilot: Pilot[Any]) -> None:
    """Open it by its key."""
    await pilot.press("f2")
    await until(pilot, lambda: isinstance(app.screen, DoctorBoard))


async def test_findings_stand_with_their_commands() -> None:
    """The gravest first; the one under the cursor in full; how Claude Code logs in below."""
    release = threading.Event()

    def examine(_: str) -> Facts:
        release.wait(30)
        return ILL

    app = looking(examine)
    async with running(app) as pilot:
        await on_board(app, pilot)
        await until(pilot, lambda: "Looking" in text_of(app))
        release.set()
        await until(pilot, lambda: "→ chmod 700" in text_of(app))
        assert "✗ error" in text_of(app)
        assert "x-api-key: ANTHROPIC_API_KEY (environment, 4 characters)" in text_of(app)
        await pilot.press("j")
        await until(pilot, lambda: "→ vault-tui stop && vault-tui start" in text_of(app))


async def test_it_looks_again_at_the_present_vault() -> None:
    """After something was mended: well, in one sentence."""
    asked: list[str] = []

    def examine(vault: str) -> Facts:
        asked.append(vault)
        return ILL if len(asked) == 1 else facts()

    app = looking(examine)
    async with running(app) as pilot:
        await on_board(app, pilot)
        await until(pilot, lambda: "→ chmod 700" in text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "All is well" in text_of(app))
        assert "chmod" not in text_of(app)
        assert asked == ["default", "default"]
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, DoctorBoard))


async def test_the_console_is_not_held_up() -> None:
    """While a probe hangs, keys are answered; closing does not wait for it."""
    release = threading.Event()

    def examine(_: str) -> Facts:
        release.wait(30)
        return facts()

    app = looking(examine)
    async with running(app) as pilot:
        await on_board(app, pilot)
        await until(pilot, lambda: "Looking" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, DoctorBoard))
        release.set()


async def test_a_failure_is_told() -> None:
    """As a sentence, in the place of findings."""

    def examine(_: str) -> Facts:
        raise VaultError("home_unusable", "trust.json is damaged; remove it.")

    app = looking(examine)
    async with running(app) as pilot:
        await on_board(app, pilot)
        await until(pilot, lambda: "trust.json is damaged" in text_of(app))


async def test_the_command_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the terminal, as it stands there."""
    app = looking(lambda _: ILL)
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with running(app) as pilot:
        await on_board(app, pilot)
        await until(pilot, lambda: "→ chmod 700" in text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: bool(copied))
    assert copied[0].startswith("chmod 700 ")


async def test_hostile_text_is_shown_harmlessly() -> None:
    """Findings quote paths, and what workers say."""
    app = looking(lambda _: worker(problems=("".join(TEXTS),)))
    async with running(app) as pilot:
        await on_board(app, pilot)
        await until(pilot, lambda: "! warning" in text_of(app))
        assert "\x1b" not in text_of(app)


async def test_a_console_that_cannot_look_says_so() -> None:
    """The action is greyed."""
    app = console(furnished())
    async with running(app):
        assert app.why_not(BY_ID["app.doctor"])


@pytest.mark.parametrize("size", SIZES)
def test_the_board(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    """At the three sizes that matter; the findings come when the window stands."""
    release = threading.Event()

    def examine(_: str) -> Facts:
        release.wait(30)
        return ILL

    app = looking(examine)

    async def prepare(pilot: Pilot[Any]) -> None:
        await steady(app)(pilot)
        await on_board(app, pilot)
        await until(pilot, lambda: "Looking" in text_of(app))
        await settled(pilot)
        release.set()
        await until(pilot, lambda: "chmod 700" in text_of(app))
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=prepare)
