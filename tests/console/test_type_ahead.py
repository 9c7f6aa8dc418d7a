"""Keys that arrive faster than the screen changes, as from a paste, a script or a slow link."""

import asyncio

import pytest
from textual import events

from tests.console.fake_worker import PASSWORD, FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from vault_tui.app import ConsoleApp


def burst(app: ConsoleApp, *parts: str) -> None:
    """All keys at once, before the console has seen the first; `<enter>` is a key's name."""
    for part in parts:
        named = part[1:-1] if part.startswith("<") else ""
        for character in [named] if named else part:
            app.post_message(events.Key(character, None if named else character))


async def test_a_secret_typed_ahead_goes_into_its_own_field():
    """`a NAME enter VALUE enter` in one burst: nothing of the value is shown or acted upon."""
    worker = furnished()
    worker.operator = True
    app = console(worker)
    async with running(app) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "GITHUB_TOKEN" in text_of(app))
        burst(app, "a", "NEW_KEY", "<enter>", "ad-secret:q", "<enter>")
        await until(pilot, lambda: "NEW_KEY" in worker.secrets)
        assert worker.secrets["NEW_KEY"] == ["ad-secret:q"]


async def test_a_password_typed_ahead_sets_the_vault_up():
    """Choice, password and its repetition in one burst."""
    worker = FakeWorker()
    worker.initialized, worker.sealed = False, True
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: "How shall this vault be protected?" in text_of(app))
        burst(app, "<down>", "<enter>", "first-secret", "<enter>", "first-secret", "<enter>")
        await until(pilot, lambda: worker.initialized)
        assert worker.asked("POST", "/v1/init")[-1].secret == "first-secret"


async def test_a_proof_typed_ahead_waits_for_its_dialog():
    """The dialog opens only when the worker has refused: the password's letters wait for it."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: "api.openai.com" in text_of(app))
        burst(app, "x", PASSWORD, "<enter>")
        await until(pilot, lambda: worker.operator)
        await until(pilot, lambda: any(not s["enabled"] for s in worker.services[:3]))
        assert worker.asked("POST", "/v1/unlock")[-1].secret == PASSWORD


async def test_a_key_whose_action_hangs_holds_the_next_one_up_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
):
    """The worker does not answer: other screens can still be looked at."""
    monkeypatch.setattr("vault_tui.type_ahead.HOLD_SECONDS", 0.1)
    app = console(furnished())
    async with running(app) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "GITHUB_TOKEN" in text_of(app))
        monkeypatch.setattr(app, "send", lambda _: asyncio.Event().wait())
        burst(app, "h", "5")
        await until(pilot, lambda: app.current_mode == "services")
