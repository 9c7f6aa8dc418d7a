"""Credentials: add, set, reveal, history, delete; nothing shows a value by accident."""

import pytest
from textual import events
from textual.pilot import Pilot

from proxy_core.domain.events import EventType
from tests.console.fake_worker import PASSWORD, FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.reveal import RevealDialog
from vault_tui.screens.secret import SecretInput
from vault_tui.widgets.keyed_table import KeyedTable
from vault_tui.widgets.masked import MaskedInput

KEYS_OF = {" ": "space", "_": "underscore", "-": "minus"}


async def type_in(pilot: Pilot[int | None], text: str) -> None:
    """Press the keys of `text`."""
    await pilot.press(*(KEYS_OF.get(character, character) for character in text))


async def on_credentials(pilot: Pilot[int | None]) -> None:
    """Go to the screen."""
    await pilot.press("4")
    await until(pilot, lambda: "GITHUB_TOKEN" in text_of(pilot.app))


async def test_adding_asks_for_an_operator_and_stores_the_value():
    """The value is masked, the unlock dialog comes once, then the value is stored."""
    worker = FakeWorker()
    app = console(worker)
    async with running(app) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "No credentials yet" in text_of(app))
        await pilot.press("a")
        await type_in(pilot, "openai_api-key")
        await pilot.press("enter")
        await type_in(pilot, "sk-very-secret")
        assert "sk-very-secret" not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Unlock" in text_of(app))
        await type_in(pilot, "wrong")
        await pilot.press("enter")
        await until(pilot, lambda: "does not open" in text_of(app))
        await type_in(pilot, PASSWORD)
        await pilot.press("enter")
        await until(pilot, lambda: worker.secrets == {"OPENAI_API_KEY": ["sk-very-secret"]})
        await until(pilot, lambda: "OPENAI_API_KEY" in text_of(app))
        await until(pilot, lambda: "● operator" in text_of(app))


@pytest.mark.parametrize("secret", ["sk-typed", "-----BEGIN\nabc\n-----END"])
async def test_a_closed_dialog_holds_no_secret(secret: str):
    """What was typed or pasted, and the password, are gone from lines that something may keep."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("s")
        await until(pilot, lambda: bool(app.screen.query(SecretInput)))
        value = app.screen.query_one(SecretInput)
        app.screen.query_one(SecretInput).post_message(events.Paste(secret))
        await until(pilot, lambda: value.secret == secret)
        await pilot.press("enter")
        await until(pilot, lambda: "Unlock" in text_of(app))
        password = app.screen.query_one(MaskedInput)
        await type_in(pilot, PASSWORD)
        await pilot.press("enter")
        await until(pilot, lambda: any(kept[-1] == secret for kept in worker.secrets.values()))
        await until(pilot, lambda: not value.is_attached and not password.is_attached)
        await until(pilot, lambda: (value.secret, value.value, password.value) == ("", "", ""))


async def test_a_reveal_needs_a_proof_even_for_an_operator_and_hides_itself(
    monkeypatch: pytest.MonkeyPatch,
):
    """Shown after the proof, gone when the time is over."""
    worker = furnished()
    worker.operator = True
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("V")
        await until(pilot, lambda: "Prove a key slot" in text_of(app))
        assert "ghp-present-value" not in text_of(app)
        await type_in(pilot, PASSWORD)
        await pilot.press("enter")
        await until(pilot, lambda: "ghp-present-value" in text_of(app))
        dialog = app.screen
        assert isinstance(dialog, RevealDialog)
        for _ in range(15):
            dialog._tick()
        await until(pilot, lambda: "ghp-present-value" not in text_of(app))
        await until(pilot, lambda: dialog._value == "")


async def test_a_revealed_value_is_copied_by_a_second_key_only(monkeypatch: pytest.MonkeyPatch):
    """One stray key never sends a secret to the clipboard."""
    worker = furnished()
    worker.operator = True
    app = console(worker)
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("V")
        await type_in(pilot, PASSWORD)
        await pilot.press("enter")
        await until(pilot, lambda: "ghp-present-value" in text_of(app))
        await pilot.press("Y")
        await pilot.pause(0.05)
        assert not copied
        await pilot.press("Y")
        await until(pilot, lambda: copied == ["ghp-present-value"])


async def test_deleting_says_what_breaks_and_enter_alone_does_nothing():
    """The confirmation starts on Cancel and names the credential and its services."""
    worker = furnished()
    worker.operator = True
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "Delete GITHUB_TOKEN?" in text_of(app))
        assert "github  api.github.com" in text_of(app)
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert "GITHUB_TOKEN" in worker.secrets
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "GITHUB_TOKEN" not in worker.secrets)
        await until(pilot, lambda: app.screen.query_one("#credentials-table").row_count == 4)  # type: ignore[attr-defined]


async def test_a_list_that_was_empty_at_first_has_the_keys_once_it_is_not():
    """The arrows work without a Tab, although there was nothing to give the keys to."""
    worker = furnished()
    secrets, worker.secrets = worker.secrets, {}
    app = console(worker)
    async with running(app) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "No credentials yet" in text_of(app))
        worker.secrets = secrets
        worker.emit(EventType.CREDENTIAL_CHANGED, {"name": "GITHUB_TOKEN", "vault": "default"})
        await until(pilot, lambda: "UNUSED_KEY" in text_of(app))
        await pilot.press("down")
        await until(pilot, lambda: app.screen.query_one(KeyedTable).key == "OPENAI_API_KEY")


async def test_enter_goes_to_the_service_that_uses_it_also_when_that_screen_is_new():
    """The cursor stands on the service, though nobody had looked at the services before."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: bool(app.screen.query("#services-table")))
        table = app.screen.query_one(KeyedTable)
        await until(pilot, lambda: table.key == "slack-bot")


async def test_an_old_version_becomes_the_newest():
    """History, choose, confirm."""
    worker = furnished()
    worker.operator = True
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("h")
        await until(pilot, lambda: "Versions of GITHUB_TOKEN" in text_of(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: worker.secrets["GITHUB_TOKEN"][-1] == "ghp-old-value")


async def test_a_pasted_key_with_several_lines_stays_whole():
    """A PEM key keeps its line breaks; the screen shows dots."""

    worker = furnished()
    worker.operator = True
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("s")
        await until(pilot, lambda: "New value for" in text_of(app))
        field = app.screen.query_one("#value")
        field.post_message(events.Paste("-----BEGIN\nabc\n-----END\n"))
        await pilot.pause(0.1)
        assert "BEGIN" not in text_of(app)
        await pilot.press("enter")
        await until(
            pilot, lambda: worker.secrets["GITHUB_TOKEN"][-1] == "-----BEGIN\nabc\n-----END"
        )


async def test_a_change_by_somebody_else_appears():
    """An event makes the list be read again."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        worker.secrets["NEW_FROM_ELSEWHERE"] = ["x"]
        worker.emit(
            "credential.changed", {"vault": "default", "name": "NEW_FROM_ELSEWHERE", "by": "ann"}
        )
        await until(pilot, lambda: "NEW_FROM_ELSEWHERE was set by ann" in text_of(app))
        await until(pilot, lambda: text_of(app).count("NEW_FROM_ELSEWHERE") > 1)


async def test_read_only_greys_what_changes_and_says_why():
    """No change leaves a read-only console."""
    worker = furnished()
    worker.operator = True
    app = console(worker, read_only=True)
    async with running(app, (200, 60)) as pilot:
        await on_credentials(pilot)
        assert "(d delete)" in text_of(app)
        await pilot.press("d")
        await until(pilot, lambda: "--read-only" in text_of(app))
        assert not any(method == "DELETE" for method, _, _ in worker.calls)
