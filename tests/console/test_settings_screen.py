"""Settings: key slots and the key, the worker and its CA, what can be set."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.events import Event, EventType
from tests.console.fake_worker import NOW, FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from tests.console.test_hostile_text import HOSTILE, check
from tests.console.test_snapshots import SIZES, settled, steady
from vault_tui.actions import BY_ID
from vault_tui.app import ConsoleApp
from vault_tui.live import effect_of
from vault_tui.screens.ask import AskText, Choose
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.slot_forms import NewSlot, PasswordForm, RotateForm, Rotation, SlotForm
from vault_tui.screens.typed_confirm import TypedConfirm
from vault_tui.setting_lists import read_settings
from vault_tui.setting_text import parsed, shown
from vault_tui.setting_text import text_of as as_typed
from vault_tui.widgets.keyed_table import KeyedTable
from vault_tui.widgets.setting_words import consequences

DAY = 86_400.0
NEW = "tin roof in the rain"


def settings_worker() -> FakeWorker:
    """An operator's worker that opens by a password, or a key file."""
    worker = furnished()
    worker.operator = True
    worker.keys.opens("keyfile", "server", ago=20 * DAY)
    return worker


async def on_settings(pilot: Pilot[int | None], *keys: str) -> None:
    """Go to the screen, wait for the slots, and press more."""
    await pilot.press("9")
    await until(pilot, lambda: "on paper" in text_of(pilot.app))
    await until(pilot, lambda: row(pilot).startswith("slot:"))
    await pilot.press(*keys)


async def typed(pilot: Pilot[int | None], text: str) -> None:
    """As if `text` had been pasted into the line that has the keys."""
    line = pilot.app.focused
    assert isinstance(line, Input)
    line.value = text
    await pilot.pause()


def row(pilot: Pilot[int | None]) -> str:
    """The key of the row under the cursor."""
    return pilot.app.screen.query_one(KeyedTable).key or ""


async def dialog(pilot: Pilot[int | None], kind: type) -> str:
    """Wait until a dialog of this kind is in front; what it says, without its frame."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    await pilot.pause()
    return said(pilot)


def said(pilot: Pilot[int | None]) -> str:
    """The screen's words, in one line."""
    return " ".join(text_of(pilot.app).replace("│", " ").split())


async def test_what_is_told_of_slots_worker_ca_and_settings():
    """Kind, age and whether a person is needed; changed settings stand out with their default."""
    worker = settings_worker()
    worker.keys.changed["hold_seconds"] = 60
    app = console(worker)
    async with running(app, (200, 60)) as pilot:
        await on_settings(pilot)
        found = text_of(app)
        assert "○ asks for it" in found
        assert "password  90 d ago" in found
        assert "● by itself" in found
        assert "key file  20 d ago" in found
        assert "127.0.0.1:14322" in found
        assert "2035-06-01" in found
        assert "default 120" in found
        await until(pilot, lambda: "IF IT IS REMOVED" in text_of(app))
        await pilot.press("G")
        await until(pilot, lambda: "vault-tui config set" in text_of(app))


async def test_a_password_is_typed_twice_and_shown_never():
    """Two that differ are refused; the strength is told; nothing of it is on any screen."""
    worker = settings_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot, "a")
        await dialog(pilot, SlotForm)
        await pilot.press("tab")
        await typed(pilot, "spare")
        await pilot.press("tab")
        await typed(pilot, NEW)
        await until(pilot, lambda: "strong" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Type it once more" in text_of(app))
        await typed(pilot, "another")
        await pilot.press("enter")
        await until(pilot, lambda: "differ" in text_of(app))
        assert NEW not in text_of(app)
        await typed(pilot, NEW)
        await pilot.press("enter")
        await until(pilot, lambda: "spare opens the vault too now" in text_of(app))
        (body,) = worker.asked("POST", "/v1/seal/slots")
        assert (body.slot, body.label, body.secret) == ("password", "spare", NEW)
        assert NEW not in text_of(app)


async def test_a_refused_slot_can_be_mended_in_the_form():
    """What the worker says stands in the form, with the name still there."""
    worker = settings_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot, "a")
        await dialog(pilot, SlotForm)
        await pilot.press("enter", "down", "enter", "tab")
        await typed(pilot, "desk")
        await pilot.press("enter")
        await until(pilot, lambda: "No keyring answers here." in text_of(app))
        assert app.screen.query_one("#label", Input).value == "desk"


async def test_a_key_file_needs_an_absolute_path_on_this_machine():
    """A relative path is refused at once; over the network the form says where it is made."""
    worker = settings_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot, "a")
        await dialog(pilot, SlotForm)
        await pilot.press("enter", "down", "down", "enter", "tab", "tab")
        await typed(pilot, "key")
        await pilot.press("enter")
        await until(pilot, lambda: "absolute path" in text_of(app))
        app.screen.query_one("#path", Input).value = "/etc/vault/key"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(worker.asked("POST", "/v1/seal/slots")))
        (body,) = worker.asked("POST", "/v1/seal/slots")
        assert (body.slot, body.path) == ("keyfile", "/etc/vault/key")
        await until(pilot, lambda: app.console_screen is app.screen)
        app.local = False
        await pilot.press("a")
        await dialog(pilot, SlotForm)
        await pilot.press("enter", "down", "down", "enter")
        await until(pilot, lambda: "on the worker's machine only" in said(pilot))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert len(worker.asked("POST", "/v1/seal/slots")) == 1


async def test_another_password_for_a_slot():
    """Asked twice; a slot without one says why not."""
    worker = settings_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot, "enter")
        assert "on paper" in await dialog(pilot, PasswordForm)
        await typed(pilot, NEW)
        await pilot.press("tab")
        await typed(pilot, NEW)
        await pilot.press("enter")
        await until(pilot, lambda: "on paper has another password" in text_of(app))
        assert worker.keys.secrets["k1-password"] == NEW
        await pilot.press("down")
        await until(pilot, lambda: row(pilot) == "slot:k2-keyfile")
        why = app.why_not(BY_ID["settings.edit"])
        assert why is not None
        assert "key file slot has no password" in why


async def test_removing_asks_for_the_name_and_says_what_breaks():
    """The last slot that opens unattended goes only so, with force; the very last one not."""
    worker = settings_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot, "down", "d")
        text = await dialog(pilot, TypedConfirm)
        assert "the last with which the worker starts by itself" in text
        await pilot.press("enter")
        await until(pilot, lambda: "That is not server" in text_of(app))
        assert not worker.asked("DELETE", "/v1/seal/slots/k2-keyfile")
        await typed(pilot, "server")
        await pilot.press("enter")
        await until(pilot, lambda: [s.id for s in worker.keys.slots] == ["k1-password"])
        await until(pilot, lambda: row(pilot) == "worker:version")
        await pilot.press("up")
        await until(pilot, lambda: row(pilot) == "slot:k1-password")
        why = app.why_not(BY_ID["settings.remove"])
        assert why is not None
        assert "the only way in" in why


async def test_a_slot_the_worker_still_needs_is_asked_about_once_more():
    """Another key file is there, but opens nothing: the worker refuses, then is told to."""
    worker = settings_worker()
    worker.keys.broken.add(worker.keys.opens("keyfile", "old server").id)
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot, "down", "d")
        await dialog(pilot, TypedConfirm)
        await typed(pilot, "server")
        await pilot.press("enter")
        assert "the last slot that opens by itself" in await dialog(pilot, Confirm)
        await pilot.press("right", "enter")
        await until(pilot, lambda: "server opens nothing any more" in text_of(app))


@pytest.mark.parametrize("drop", [False, True])
async def test_rotating_asks_for_each_password_or_drops_its_slot(drop: bool):
    """A wrong password reopens the form; a slot without its tick is asked about, then dropped."""
    worker = settings_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot, "R")
        assert "in one transaction" in await dialog(pilot, RotateForm)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "needs its password" in text_of(app))
        if drop:
            await pilot.press("shift+tab", "space", "ctrl+s")
            assert "drop on paper" in await dialog(pilot, Confirm)
            await pilot.press("right", "enter")
        else:
            await typed(pilot, "wrong")
            await pilot.press("enter")
            await until(pilot, lambda: "does not open the vault now" in said(pilot))
            await typed(pilot, "correct horse battery")
            await pilot.press("enter")
        await until(pilot, lambda: "The key is number 2 now" in text_of(app))
        assert len(worker.keys.slots) == (1 if drop else 2)
        assert "correct horse" not in text_of(app)


async def test_over_the_network_rotating_is_greyed():
    """It says that the key is rotated on the worker's machine."""
    app = console(settings_worker())
    async with running(app) as pilot:
        app.local = False
        await on_settings(pilot, "R")
        await until(pilot, lambda: "on the worker's machine only" in text_of(app))
        assert app.screen is app.console_screen


async def test_a_setting_is_changed_until_the_worker_takes_it():
    """A refusal stands above what was typed; empty is the default again."""
    worker = settings_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot, "slash")
        await dialog(pilot, AskText)
        await typed(pilot, "hold_seconds")
        await pilot.press("enter")
        await until(pilot, lambda: row(pilot) == "setting:hold_seconds")
        await pilot.press("enter")
        assert "Seconds that a request waits" in await dialog(pilot, AskText)
        for value, seen in (("99999", "must be 1 to 3600"), ("60", "hold_seconds is 60 now")):
            app.screen.query_one(Input).value = value
            await pilot.press("enter")
            await until(pilot, lambda seen=seen: seen in said(pilot))
        assert worker.keys.changed == {"hold_seconds": 60}
        await pilot.press("e")
        await dialog(pilot, AskText)
        app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: "hold_seconds is 120 now" in text_of(app))
        await pilot.press("backspace")
        await until(pilot, lambda: "only:" not in text_of(app))


async def test_a_switch_is_chosen_and_only_shown_rows_say_so():
    """Neither answer is marked at first; a fact of the worker is no setting."""
    worker = settings_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot)
        app.screen.query_one(KeyedTable).select("setting:user_session_sliding")
        await until(pilot, lambda: row(pilot) == "setting:user_session_sliding")
        await pilot.press("enter")
        assert "as it is, default" in await dialog(pilot, Choose)
        await pilot.press("enter", "down", "down", "enter")
        await until(pilot, lambda: worker.keys.changed == {"user_session_sliding": False})
        app.screen.query_one(KeyedTable).select("worker:api")
        await until(pilot, lambda: row(pilot) == "worker:api")
        assert app.why_not(BY_ID["settings.edit"])
        assert app.why_not(BY_ID["settings.remove"])


async def test_a_locked_console_proves_a_key_slot_first():
    """Slots are listed for everybody on the machine, changed by operators."""
    worker = settings_worker()
    worker.operator = False
    worker.failing["PATCH /v1/admin/settings"] = VaultError("operator_required", "Prove a slot.")
    app = console(worker)
    async with running(app) as pilot:
        await on_settings(pilot, "d")
        await dialog(pilot, TypedConfirm)
        await typed(pilot, "on paper")
        await pilot.press("enter")
        await until(pilot, lambda: "Prove a key slot" in said(pilot))


async def test_hostile_names_are_shown_harmlessly():
    """A slot is called by whoever made it."""
    worker = settings_worker()
    worker.keys.opens("keyfile", "".join(HOSTILE))
    app = console(worker)
    async with running(app, (200, 60)) as pilot:
        await on_settings(pilot, "down", "down")
        check(app, (200, 60))
        await pilot.press("d")
        await dialog(pilot, TypedConfirm)
        check(app, (200, 60))


async def test_who_may_not_see_settings_sees_the_worker():
    """A refusal for a role is no error; any other is."""

    async def refuse(call: Any) -> Any:
        raise VaultError("role_forbidden", "no")

    async def fail(call: Any) -> Any:
        raise VaultError("no_worker", "gone")

    assert await read_settings(refuse) == ([], [], "")
    with pytest.raises(VaultError, match="gone"):
        await read_settings(fail)


def slot(kind: str, name: str) -> wire.SlotInfo:
    """A slot by kind and label."""
    return wire.SlotInfo(id=name, kind=kind, label=name, created_at="")


@pytest.mark.parametrize(
    ("gone", "others", "words"),
    [
        ("password", ["password"], "A password still opens it: password-0."),
        ("password", ["keyring"], "No password opens the vault any more"),
        ("keyring", ["keyfile", "password"], "still starts by itself, with keyfile-0."),
        ("keyfile", ["password"], "answers `sealed` until somebody types a password"),
        ("keyfile", [], "It is the only way in"),
    ],
)
def test_what_breaks_without_a_slot(gone: str, others: list[str], words: str):
    """Which way of starting ends, and which goes on."""
    here = slot(gone, "gone")
    left = [slot(kind, f"{kind}-{number}") for number, kind in enumerate(others)]
    assert words in " ".join(consequences(here, [here, *left]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {"slot": "password", "change": "added", "by": "ada"},
            "A password key slot was added by ada",
        ),
        ({"key": "rotated", "by": "ada"}, "The key was rotated by ada"),
        (
            {"settings": {"max_holds": 3}, "by": "ada"},
            "Settings were changed by ada: max_holds = 3",
        ),
    ],
)
def test_news_of_settings(data: dict[str, Any], words: str):
    """What was changed, by whom; the lists are read again."""
    effect = effect_of(Event(seq=1, type=EventType.SETTINGS_CHANGED, at=NOW, data=data), "default")
    assert words in effect.text
    assert effect.reloads == ("status", "settings")


@pytest.mark.parametrize(
    ("value", "default", "typed", "read"),
    [
        (["10.0.0.0/8", "::1/128"], [], "10.0.0.0/8,::1/128", "10.0.0.0/8,::1/128"),
        ([], [], "", "none"),
        (1073741824, 1, "1073741824", "1 073 741 824"),
        (True, False, "true", "yes"),
        (0.5, 1.0, "0.5", "0.5"),
        (120.0, 1.0, "120.0", "120"),
    ],
)
def test_values_as_text(value: Any, default: Any, typed: str, read: str):
    """What is typed is what was; people read it more easily."""
    assert as_typed(value) == typed
    assert parsed(typed, default) == value
    assert shown(value) == read


def test_no_repr_tells_a_password():
    """Neither form's result, as it might stand in a traceback."""
    assert NEW not in repr((NewSlot(secret=NEW), Rotation({"k1": NEW})))


Snapshot = Callable[..., bool]


def at_rest(app: ConsoleApp, *keys: str) -> Callable[[Pilot[Any]], Any]:
    """The screen with its lists read, then keys."""

    async def prepare(pilot: Pilot[Any]) -> None:
        await steady(app)(pilot)
        await on_settings(pilot, *keys)
        app.state.notice = None
        app.refresh_frame()
        for line in app.screen.query(Input):
            line.cursor_blink = False
        await settled(pilot)

    return prepare


@pytest.mark.parametrize("size", SIZES)
def test_settings(snap_compare: Snapshot, size: tuple[int, int]):
    """Slots, worker, CA, settings, and the slot under the cursor in full."""
    worker = settings_worker()
    worker.keys.changed["unlock_minutes"] = 5
    app = console(worker)
    assert snap_compare(app, terminal_size=size, run_before=at_rest(app, "down"))


@pytest.mark.parametrize("key", ["a", "d", "R"])
def test_slot_dialogs(snap_compare: Snapshot, key: str):
    """One more, one less, a new key: in the smallest terminal."""
    app = console(settings_worker())
    assert snap_compare(app, terminal_size=(80, 24), run_before=at_rest(app, key))
