"""The shell: gates, connection, help, palette, command line, jump mode, vaults, keymap."""

import json
from pathlib import Path

from textual.command import CommandPalette
from textual.screen import ModalScreen

from proxy_core.client.sse import Lost
from tests.console.fake_worker import PASSWORD, FakeWorker, furnished, record
from tests.console.harness import console, running, text_of, until
from tests.console.test_credentials_screen import type_in
from vault_tui import actions
from vault_tui.preferences import Preferences
from vault_tui.registry import SCREENS
from vault_tui.screens.jump import JumpScreen
from vault_tui.state import Link


def test_every_action_has_words_and_a_method():
    """The registry is whole: label, help, and something that carries it out."""
    from vault_tui.app import ConsoleApp

    owners = {"app": ConsoleApp, **{entry.id: type(entry.load()) for entry in SCREENS}}
    for action in actions.ACTIONS:
        assert action.label
        assert action.help
        assert callable(getattr(owners[action.scope], f"do_{action.name}"))


def test_no_key_means_two_things_on_one_screen():
    """A screen's keys and the global ones differ."""
    shared = {key for action in actions.actions_of("app") for key in action.keys}
    for entry in SCREENS:
        keys = [key for action in actions.actions_of(entry.id) for key in action.keys]
        assert len(keys) == len(set(keys))
        assert not shared & set(keys)


async def test_first_run_offers_a_password_when_there_is_no_keyring():
    """The keyring fails in one sentence; two equal passwords set the vault up."""
    worker = FakeWorker()
    worker.initialized = False
    worker.sealed = True
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: "How shall this vault be protected?" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "no usable keyring" in text_of(app))
        await pilot.press("enter")
        await type_in(pilot, "aaa")
        await until(pilot, lambda: "weak" in text_of(app))
        await pilot.press("enter")
        await type_in(pilot, "different")
        await pilot.press("enter")
        await until(pilot, lambda: "differ" in text_of(app))
        await type_in(pilot, "aaa")
        await pilot.press("enter")
        await until(pilot, lambda: worker.initialized)
        await until(pilot, lambda: "vault-tui run" in text_of(app))
        assert worker.asked("POST", "/v1/init")[-1].secret == "aaa"


async def test_a_sealed_vault_asks_and_opens():
    """A wrong password stays, the right one goes on."""
    worker = furnished()
    worker.sealed = True
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: "The vault is sealed" in text_of(app))
        await type_in(pilot, "wrong")
        await pilot.press("enter")
        await until(pilot, lambda: "does not open" in text_of(app))
        await type_in(pilot, PASSWORD)
        await pilot.press("enter")
        await until(pilot, lambda: "● unsealed" in text_of(app))
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_the_gate_leaves_when_somebody_else_unseals():
    """Another console or the command line opened the vault."""
    worker = furnished()
    worker.sealed = True
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: "The vault is sealed" in text_of(app))
        worker.sealed = False
        worker.emit("worker.unsealed", {"by": "ann"})
        await until(pilot, lambda: "api.github.com" in text_of(app))


async def test_a_lost_connection_keeps_the_screen_and_says_so():
    """Stale and marked; back again with what was missed."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: "api.openai.com" in text_of(app))
        worker.cut()
        await until(pilot, lambda: "stale" in text_of(app))
        assert app.state.link is Link.LOST
        assert "api.openai.com" in text_of(app)
        worker.log.append(record(70, path="/meanwhile"))
        worker.mend()
        worker.note(Lost(12))
        await until(pilot, lambda: "12 events were missed" in text_of(app))
        await until(pilot, lambda: "/meanwhile" in text_of(app))
        assert "stale" not in text_of(app)


async def test_the_first_paint_does_not_wait_for_the_worker():
    """With nobody to answer, the frame and the reason are there."""
    worker = furnished()
    worker.down = True
    app = console(worker)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "Traffic" in text_of(app)
        await until(pilot, lambda: "Connection lost" in text_of(app))
        worker.down = False
        await until(pilot, lambda: "● unsealed" in text_of(app))


async def test_help_is_searched_and_runs_the_chosen_action():
    """? theme Enter changes the theme."""
    app = console(furnished())
    async with running(app) as pilot:
        before = app.theme
        await pilot.press("question_mark")
        await type_in(pilot, "high contrast")
        await pilot.press("enter")
        await until(pilot, lambda: app.theme != before)


async def test_the_palette_runs_actions():
    """ctrl+p credentials Enter switches the screen."""
    app = console(furnished())
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await type_in(pilot, "go to cred")
        # What does not match is gone: the first one is the one that is wanted.
        await until(pilot, lambda: "Go to Traffic" not in text_of(app))
        await until(pilot, lambda: "Go to Credentials" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "credentials")


async def test_the_command_line_knows_screens_actions_and_vaults():
    """`:services`, `:vault staging`, and a sentence for nonsense."""
    app = console(furnished())
    async with running(app) as pilot:
        await pilot.press("colon")
        await type_in(pilot, "services")
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "services")
        await until(pilot, lambda: len(app.state.vaults) == 2)
        await pilot.press("colon")
        await type_in(pilot, "nonsense")
        await pilot.press("enter")
        await until(pilot, lambda: "is no action here" in text_of(app))
        await pilot.press("ctrl+u")
        await type_in(pilot, "vault staging")
        await pilot.press("enter")
        await until(pilot, lambda: app.state.vault == "staging")


async def test_jump_mode_focuses_by_letter():
    """ctrl+o puts letters; the letter focuses."""
    app = console(furnished())
    async with running(app) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "GITHUB_TOKEN" in text_of(app))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, JumpScreen))
        await pilot.press("b")
        await until(
            pilot, lambda: app.screen.focused is not None and app.screen.focused.id == "detail"
        )


async def test_the_vault_switcher_shows_another_vault():
    """v, choose, and the traffic is the other vault's."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.state.vaults) == 2)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ModalScreen))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.state.vault == "staging")
        worker.finish(record(901, vault="default", path="/not-here"))
        worker.finish(record(902, vault="staging", path="/staged"))
        await until(pilot, lambda: "/staged" in text_of(app))
        assert "/not-here" not in text_of(app)


async def test_the_keymap_file_changes_keys_and_reports_nonsense(tmp_path: Path):
    """An id with other keys; an unknown id becomes a sentence."""
    (tmp_path / "keymap.json").write_text(json.dumps({"traffic.pause": "z", "no.such": "x"}))
    app = console(furnished(), preferences=Preferences.load(tmp_path))
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 60)
        assert any("no.such" in problem for problem in app.preferences.problems)
        await pilot.press("z")
        await until(pilot, lambda: "paused" in text_of(app))


async def test_a_notice_of_a_problem_rings_and_shows():
    """What must not be missed stands on the status line."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        worker.emit("worker.problem", {"detail": "the log cannot be written"})
        await until(pilot, lambda: "the log cannot be written" in text_of(app))


async def test_news_while_leaving_break_nothing():
    """The worker may answer while the screens are being taken down."""
    app = console(furnished())
    take_down, told = app._prune, []

    async def take_down_and_tell(*screens: object, **options: object) -> None:
        await take_down(*screens, **options)  # type: ignore[arg-type]
        app.refresh_frame()
        app.data_changed("all")
        told.append(screens)

    async with running(app):
        app._prune = take_down_and_tell  # type: ignore[method-assign, assignment]
    assert told


async def test_the_vault_switcher_fills_itself_when_the_vaults_are_there():
    """It may be opened before they were read; the cursor stays on its vault."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        app.state.vaults = []
        await pilot.press("v")
        await until(pilot, lambda: "there is no connection" in text_of(app))
        worker.vaults = ["another", "default", "staging"]
        app.sync.reload("vaults")
        await until(pilot, lambda: "staging" in text_of(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.state.vault == "staging")
